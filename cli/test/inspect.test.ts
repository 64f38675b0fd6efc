import { hyb, jsonOf } from './support/hyb.js';

interface Inspected {
  readonly parameters: number;
  readonly pattern: string;
  readonly layers: readonly { alias: string }[];
  readonly tensors: readonly { name: string; shape: number[]; dtype: string }[];
  readonly dtypes: Readonly<Record<string, number>>;
  readonly memory: { weights: { total: number }; state: { total: number; perToken: number } };
}

test('the numbers of Nemotron-H-8B', async () => {
  const { code, out } = await hyb(['inspect', 'models/nemotron-h-8b.hyb', '--json', '--context', '65_536']);
  expect(code).toBe(0);
  const found = JSON.parse(out) as Inspected;
  expect(found.parameters).toBe(8_100_852_736);
  expect(found.pattern).toBe('[(M F)*3, M A F, ((M F)*4, M A F)*3, (M F)*5]');
  expect(found.layers).toHaveLength(52);
  expect(found.tensors).toHaveLength(311);
  expect(found.tensors[0]).toEqual({
    name: 'backbone.embeddings.weight',
    shape: [131_072, 4096],
    dtype: 'bf16',
    parameters: ['embedding.weight'],
  });
  expect(Object.values(found.dtypes).reduce((sum, n) => sum + n)).toBe(8_100_852_736);
  // Keys and values of 4 layers with 8 heads of 128, as f32.
  expect(found.memory.state.perToken).toBe(4 * 2 * 8 * 128 * 4);
  const perSequence = found.memory.state.total - 65_536 * found.memory.state.perToken;
  expect(perSequence).toBe(24 * (128 * 64 * 128 + 3 * 10_240) * 4);
});

test('the views', async () => {
  const source = 'models/llama-3.1-8b.hyb';
  const { out } = await hyb(['inspect', source]);
  expect(out).toContain('8,030,261,248 parameters, 64 layers');
  expect(out).toMatch(/^ +0 {2}A +Attention/m);
  expect((await hyb(['inspect', source, '--kernels'])).out).toContain('A × 32');
  expect((await hyb(['inspect', source, '--parameters'])).out).toContain('= 8,030,261,248');
  expect((await hyb(['inspect', source, '--tensors'])).out).toContain('bf16');
  const own = await hyb(['inspect', source, '--roofline', '-c', '64k', '--bandwidth', '1T', '--peak', '100T']);
  expect(own.out).toContain('(1.00 TB/s, 100 Top/s), context 65,536');
  expect((await hyb(['inspect', source, '--roofline', '-d', 'H100'])).out).toContain('NVIDIA H100');
  expect(await hyb(['inspect', source, '--roofline', '-d', 'abacus'])).toMatchObject({ code: 2, out: '' });
  expect((await hyb(['inspect', source, '-d', 'list'])).out).toContain('h100');
});

test('one of several models', async () => {
  const source = 'models/baseline-830m.hyb';
  const first = await hyb(['inspect', source]);
  expect(first.out).toContain('Baseline830M');
  expect(first.err).toContain('QKNormCap');
  expect((await hyb(['inspect', source, '--model', 'QKNormCap'])).out).toContain('QKNormCap');
  const { code, err } = await hyb(['inspect', source, '--model', 'QKNromCap']);
  expect(code).toBe(1);
  expect(err).toContain('QKNormCap');
});

test('a Hugging Face folder is imported on the way', async () => {
  const { parameters } = jsonOf<Inspected>(await hyb(['inspect', 'tests/golden/llama_gqa', '--json']));
  const perLayer = 2 * 96 * 96 + 2 * 32 * 96 + 3 * 160 * 96 + 2 * 96;
  expect(parameters).toBe(2 * 256 * 96 + 3 * perLayer + 96);
});
