/** Tables of names and values. */
import { format } from '@hyb/grammar';

const formatted = async (body: string, width = 120): Promise<string> =>
  (await format(`model M {\n${body}}\n`, { width })).split('\n').slice(1, -2).join('\n');

test('neighbouring fields are a table; an empty line, a comment and another kind of item end it', async () => {
  expect(
    await formatted(`  vocab = 4, width=8
  context   = 16

  M = Mamba2
  // of its own
  A.norm.qk = RMSNorm
  layers[2..6].bias = true
  precision {
    weights = bf16
    weights in A_log = f32 }
  head = none
`),
  ).toBe(`  vocab   = 4
  width   = 8
  context = 16

  M = Mamba2
  // of its own
  A.norm.qk         = RMSNorm
  layers[2..6].bias = true
  precision {
    weights          = bf16
    weights in A_log = f32
  }
  head = none`);
});

test('a value over several lines is a row of its table', async () => {
  const body = `  norm   = none
  layers = [ // three
    (M F)*2, A
    (M F)*7
  ]
  head   = {
    norm = none
    tie  = true
  }`;
  expect(await formatted(`${body}\n`)).toBe(body);
});

test('a table that would be too wide has no columns', async () => {
  expect(await formatted('  a_long_name = 1\n  b = f(1, 2, 3, 4, 5)\n', 30)).toBe(
    '  a_long_name = 1\n  b = f(1, 2, 3, 4, 5)',
  );
});

test('parameters and dimensions of a block, not what it computes', async () => {
  const block = `block B(inner: int)(x: [time, width]) -> [time, width] {
  dim half  = inner div 2
  dim third = inner div 3
  param up: [inner] = 1
  param down        = linear(inner -> width) @init(output)
  param scale: [width]
  let a = x
  let bc = x
  return down(a)
}
`;
  expect(await format(block)).toBe(block);
});

test('parameters of a head that is too long have lines of their own', async () => {
  const head = `block Long(${['a', 'b', 'c', 'd'].map((name) => `${name}_parameter_of_it = 1_000_000`).join(', ')})`;
  expect(await format(`${head}(x: [time, width]) -> [time, width] { return x }\n`)).toBe(`block Long(
  a_parameter_of_it = 1_000_000,
  b_parameter_of_it = 1_000_000,
  c_parameter_of_it = 1_000_000,
  d_parameter_of_it = 1_000_000,
)(x: [time, width]) -> [time, width] {
  return x
}
`);
});
