/** What is written is what the checking reader finds, and only pieces of it are in memory. */
import fc from 'fast-check';
import { readSafetensors, WeightsError, writeSafetensors } from '@hyb/runtime';
import type { ByteSource, TensorToWrite } from '@hyb/runtime';
import { commonDtype, copyParameters } from '@hyb/runtime/weights/copy-parameters';
import { DTYPE_BITS, type Dtype, type FloatDtype } from '@hyb/runtime/weights/dtypes';
import type { ParameterSource } from '@hyb/runtime/weights/match';
import { bytesSource } from '@hyb/runtime/weights/sources/memory';

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return Buffer.concat(parts);
}

const dtypes = (Object.keys(DTYPE_BITS) as Dtype[]).filter((dtype) => DTYPE_BITS[dtype] % 8 === 0);
const tensor = fc
  .record({
    dtype: fc.constantFrom(...dtypes),
    shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }),
    seed: fc.nat(255),
    cut: fc.nat(40),
  })
  .map(({ dtype, shape, seed, cut }) => {
    const bytes = (shape.reduce((a, b) => a * b, 1) * DTYPE_BITS[dtype]) / 8;
    const data = Uint8Array.from({ length: bytes }, (_, i) => (seed + 7 * i) % 256);
    return { dtype, shape, data, chunks: () => [data.subarray(0, cut), data.subarray(cut)] };
  });

test('any tensors', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string({ unit: 'binary' }), tensor, { maxKeys: 6 }), async (tensors) => {
      fc.pre(!Object.hasOwn(tensors, '__metadata__'));
      const list = Object.entries(tensors).map(([name, entry]): TensorToWrite => ({ name, ...entry }));
      const file = await collect(writeSafetensors(list, { format: 'pt' }));
      const read = await readSafetensors(bytesSource(file));
      expect(read.metadata.get('format')).toBe('pt');
      expect([...read.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
      for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
        const found = read.tensors.get(name)!;
        expect(found).toMatchObject({ dtype, shape });
        // Aligned, whatever the others are.
        expect(found.offset % Math.max(1, DTYPE_BITS[dtype] / 8)).toBe(0);
        expect(Buffer.from(file.subarray(found.offset, found.offset + found.bytes)).equals(Buffer.from(data))).toBe(
          true,
        );
      }
    }),
  );
});

test.each([3, 5])('a tensor of 4 bytes that gives %i is an error', async (given) => {
  const chunks = (): Uint8Array[] => [new Uint8Array(given)];
  const written = collect(writeSafetensors([{ name: 'x', dtype: 'F32', shape: [1], chunks }]));
  await expect(written).rejects.toThrow(WeightsError);
});

test('one name twice is an error', async () => {
  const x = { name: 'x', dtype: 'U8', shape: [0], chunks: () => [] } as const;
  await expect(collect(writeSafetensors([x, x]))).rejects.toThrow('Two tensors are named "x"');
});

/** A source that remembers how much was asked for at once. */
function watched(data: Uint8Array): ByteSource & { readonly reads: number[] } {
  const reads: number[] = [];
  const { read, ...rest } = bytesSource(data);
  return {
    ...rest,
    reads,
    read: (offset, length, options) => {
      reads.push(length);
      return read(offset, length, options);
    },
  };
}

function parameter(values: ArrayLike<number>, dtype: FloatDtype, source: ByteSource): ParameterSource {
  const entry = { name: 'w', dtype, shape: [values.length], offset: 0, bytes: source.size, source };
  return { tensor: entry, dtype, element: 0, elements: values.length };
}

test('parameters are copied in pieces, as they are or in another type', async () => {
  const values = Float32Array.from({ length: 1000 }, (_, i) => Math.fround(Math.sin(i)));
  const source = watched(new Uint8Array(values.buffer));
  const whole = parameter(values, 'F32', source);
  const tail = { ...whole, element: 900, elements: 100 };
  const options = { chunkBytes: 512 };

  const copied = await collect(copyParameters([whole, tail], 'F32', options));
  expect(new Float32Array(Uint8Array.from(copied).buffer)).toEqual(
    Float32Array.from([...values, ...values.slice(900)]),
  );
  expect(Math.max(...source.reads)).toBeLessThanOrEqual(options.chunkBytes);

  const half = new Uint16Array(Uint8Array.from(await collect(copyParameters([whole], 'BF16', options))).buffer);
  const back = new Float32Array(Uint32Array.from(half, (bits) => bits << 16).buffer);
  expect(back).toHaveLength(1000);
  expect(back.every((value, i) => Math.abs(value - values[i]!) <= 2 ** -8 * Math.abs(values[i]!))).toBe(true);
});

test('the type that holds the values of all', () => {
  const of = (...types: FloatDtype[]): FloatDtype =>
    commonDtype(types.map((dtype) => parameter([], dtype, bytesSource(new Uint8Array()))));
  expect(of('BF16', 'BF16')).toBe('BF16');
  expect(of('BF16', 'F16')).toBe('F32');
  expect(of('BF16', 'F64', 'F32')).toBe('F64');
});
