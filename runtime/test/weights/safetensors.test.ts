import fc from 'fast-check';
import { HybError, readSafetensors, readTensor, type ByteSource } from '@hyb/runtime';
import { bytesSource } from '@hyb/runtime/weights/sources/memory';
import { assemble, f32, writeSafetensors } from '../support/safetensors.js';

const read = (bytes: Uint8Array) => readSafetensors(bytesSource(bytes, 'model.safetensors'));

async function refusal(bytes: Uint8Array): Promise<string> {
  const error: unknown = await read(bytes).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(HybError);
  expect((error as HybError).code).toBe('bad-checkpoint');
  return (error as HybError).message;
}

const entry = (dtype: string, shape: string, offsets: string): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

test('tensors, shapes and metadata are read', async () => {
  const bytes = writeSafetensors(
    { 'a.weight': f32([1, 2, 3, 4, 5, 6], [2, 3]), scalar: f32([7], []), nothing: f32([], [0, 5]) },
    { format: 'pt', ünï: 'code\n' },
  );
  const { tensors, metadata } = await read(bytes);
  expect([...tensors.keys()]).toEqual(['a.weight', 'scalar', 'nothing']);
  expect(tensors.get('a.weight')).toMatchObject({ dtype: 'F32', shape: [2, 3], bytes: 24 });
  expect([...(await readTensor(tensors.get('a.weight')!))]).toEqual([1, 2, 3, 4, 5, 6]);
  expect([...(await readTensor(tensors.get('scalar')!))]).toEqual([7]);
  expect(await readTensor(tensors.get('nothing')!)).toHaveLength(0);
  expect([...metadata]).toEqual([
    ['format', 'pt'],
    ['ünï', 'code\n'],
  ]);
});

test('the header may be padded, and tensors may be in any order', async () => {
  const header = `{ "b" : ${entry('I32', '[1]', '[ 4, 8 ]')} ,\n"a":${entry('U8', '[2,2]', '[0,4]')}}     `;
  const { tensors } = await read(assemble(header, [new Uint8Array([1, 2, 3, 4, 255, 255, 255, 255])]));
  expect([...(await readTensor(tensors.get('a')!))]).toEqual([1, 2, 3, 4]);
  expect([...(await readTensor(tensors.get('b')!))]).toEqual([-1]);
});

test('names that are dangerous elsewhere are just names', async () => {
  const { tensors } = await read(writeSafetensors({ constructor: f32([1]), toString: f32([2]) }));
  expect([...tensors.keys()]).toEqual(['constructor', 'toString']);
  const proto = await read(assemble(`{"__proto__":${entry('U8', '[1]', '[0,1]')}}`, [new Uint8Array(1)]));
  expect([...proto.tensors.keys()]).toEqual(['__proto__']);
});

const four = [new Uint8Array(4)];
const wrong: readonly (readonly [what: string, bytes: Uint8Array, message: string])[] = [
  ['an empty file', new Uint8Array(0), 'fewer than the smallest header'],
  ['a file of a few bytes', new Uint8Array(9), 'fewer than the smallest header'],
  ['a header longer than the file', assemble('{}', [], 1000n), 'it is cut off'],
  ['a header of 2^63 bytes', assemble('{}', [], 2n ** 63n), 'over the format'],
  ['a header of 101 MB', assemble('{}', [], 101_000_000n), 'over the format'],
  ['no object', assemble('[] ', []), "does not begin with '{'"],
  ['spaces first', assemble(' {}', []), "does not begin with '{'"],
  ['text after the object', assemble('{}x', []), 'something follows'],
  ['an object without an end', assemble('{"a":', []), 'the header ends'],
  ['a text without an end', assemble('{"a', []), 'without an end'],
  [
    'a text that is not UTF-8',
    new Uint8Array([...assemble('{"??":1}', [])].map((b) => (b === 0x3f ? 0xff : b))),
    'not UTF-8',
  ],
  ['an unknown escape', assemble('{"\\x":1}', []), 'escape'],
  ['a control character', assemble('{"\n":1}', []), 'control character'],
  [
    'two tensors of a name',
    assemble(`{"a":${entry('U8', '[4]', '[0,4]')},"a":${entry('U8', '[4]', '[0,4]')}}`, four),
    'two tensors are named "a"',
  ],
  ['an unknown dtype', assemble(`{"a":${entry('F128', '[1]', '[0,4]')}}`, four), 'unknown dtype "F128"'],
  ['a dtype that objects have', assemble(`{"a":${entry('toString', '[1]', '[0,4]')}}`, four), 'unknown dtype'],
  ['no shape', assemble('{"a":{"dtype":"U8","data_offsets":[0,4]}}', four), 'lacks dtype, shape or data_offsets'],
  ['an unknown field', assemble('{"a":{"dtype":"U8","x":[0,4]}}', four), '"x", which is unknown'],
  ['a field twice', assemble('{"a":{"dtype":"U8","dtype":"U8"}}', four), 'there twice'],
  ['a negative size', assemble(`{"a":${entry('U8', '[-4]', '[0,4]')}}`, four), 'non-negative integer'],
  ['a fraction', assemble(`{"a":${entry('U8', '[4.0]', '[0,4]')}}`, four), 'was expected'],
  ['an exponent', assemble(`{"a":${entry('U8', '[4e0]', '[0,4]')}}`, four), 'was expected'],
  ['a number that starts with 0', assemble(`{"a":${entry('U8', '[04]', '[0,4]')}}`, four), 'starts with 0'],
  ['a size over 2^53', assemble(`{"a":${entry('U8', '[99999999999999999]', '[0,4]')}}`, four), 'over 2^53'],
  [
    'a shape that overflows',
    assemble(`{"a":${entry('U8', '[4294967296,4294967296]', '[0,4]')}}`, four),
    'too large to be true',
  ],
  ['hundreds of dimensions', assemble(`{"a":${entry('U8', `[${'1,'.repeat(99)}1]`, '[0,1]')}}`, four), 'more than 64'],
  ['offsets that are no range', assemble(`{"a":${entry('U8', '[4]', '[4,0]')}}`, four), 'no range'],
  ['one offset', assemble(`{"a":${entry('U8', '[4]', '[4]')}}`, four), 'no range'],
  ['three offsets', assemble(`{"a":${entry('U8', '[4]', '[0,4,8]')}}`, four), 'more than 2'],
  ['offsets past the end', assemble(`{"a":${entry('U8', '[5]', '[0,5]')}}`, four), 'cut off or lies'],
  ['a place of another size', assemble(`{"a":${entry('F32', '[2]', '[0,4]')}}`, four), 'but has a place of 4'],
  ['half a byte', assemble(`{"a":${entry('F4', '[7]', '[0,4]')}}`, four), 'but has a place of 4'],
  [
    'overlapping tensors',
    assemble(`{"a":${entry('U8', '[3]', '[0,3]')},"b":${entry('U8', '[2]', '[2,4]')}}`, four),
    '"b" overlaps "a" by 1',
  ],
  [
    'a gap',
    assemble(`{"a":${entry('U8', '[1]', '[0,1]')},"b":${entry('U8', '[2]', '[2,4]')}}`, four),
    'a gap of 1 bytes between "a" and "b"',
  ],
  ['a gap at the start', assemble(`{"a":${entry('U8', '[3]', '[1,4]')}}`, four), 'between the header and "a"'],
  ['bytes after the last tensor', assemble(`{"a":${entry('U8', '[3]', '[0,3]')}}`, four), '1 bytes follow "a"'],
  ['metadata that is no text', assemble('{"__metadata__":{"a":1}}', []), "'\"' was expected"],
  ['metadata twice', assemble('{"__metadata__":{},"__metadata__":{}}', []), 'two `__metadata__`'],
];

test.each(wrong)('%s is refused', async (_, bytes, message) => {
  expect(await refusal(bytes)).toContain(message);
});

describe('fuzzing', () => {
  /** A source that notices reads and never hands out more than asked for. */
  function watched(bytes: Uint8Array): { source: ByteSource; longest: () => number } {
    const inner = bytesSource(bytes, 'fuzz');
    let longest = 0;
    const source: ByteSource = {
      ...inner,
      read(offset, length) {
        longest = Math.max(longest, length);
        return inner.read(offset, length);
      },
    };
    return { source, longest: () => longest };
  }

  const good = writeSafetensors(
    { 'layers.0.weight': f32([1, 2, 3, 4, 5, 6], [2, 3]), bias: f32([1, 2]), 'x"y': f32([0], [1, 1]) },
    { format: 'pt' },
  );

  async function survives(bytes: Uint8Array): Promise<void> {
    const { source, longest } = watched(bytes);
    try {
      const { tensors } = await readSafetensors(source);
      // If it is accepted it is consistent.
      let total = 0;
      for (const tensor of tensors.values()) {
        total += tensor.bytes;
        expect(tensor.offset + tensor.bytes).toBeLessThanOrEqual(bytes.length);
      }
      const header = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
      expect(8 + header + total).toBe(bytes.length);
    } catch (error) {
      if (!(error instanceof HybError) || error.code !== 'bad-checkpoint') throw error;
    }
    expect(longest()).toBeLessThanOrEqual(bytes.length);
  }

  test('files cut off anywhere', async () => {
    for (let length = 0; length < good.length; length++) {
      await expect(read(good.subarray(0, length))).rejects.toMatchObject({ code: 'bad-checkpoint' });
    }
    await expect(read(good)).resolves.toBeDefined();
  });

  test('changed bytes', async () => {
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = good.slice();
        for (const [at, value] of changes) bytes[at] = value;
        await survives(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test('headers with any numbers', async () => {
    const number = fc.oneof(fc.nat(40), fc.constantFrom(-1, 1.5, 2 ** 31, 2 ** 53, 1e300, 4294967296));
    const tensor = fc.record({
      dtype: fc.constantFrom('U8', 'F32', 'BF16', 'F64', 'F4', 'Q9'),
      shape: fc.array(number, { maxLength: 3 }),
      data_offsets: fc.array(number, { minLength: 1, maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string({ maxLength: 4 }), tensor, { maxKeys: 4 }),
        fc.nat(64),
        async (header, data) => survives(assemble(JSON.stringify(header), [new Uint8Array(data)])),
      ),
      { numRuns: 2000 },
    );
  });

  test('random bytes', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), survives), { numRuns: 1000 });
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 100 }), (text) => survives(assemble(`{${text}`, []))),
      { numRuns: 1000 },
    );
  });

  test('thousands of nested brackets are refused at once', async () => {
    expect(await refusal(assemble(`{"a":${'['.repeat(100_000)}`, []))).toContain('was expected');
    expect(await refusal(assemble(`{"a":{"shape":${'['.repeat(100_000)}`, []))).toContain('non-negative integer');
  });
});
