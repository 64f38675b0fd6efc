import fc from 'fast-check';
import {
  createModel,
  type ByteSource,
  type Device,
  type LoadProgress,
  type Program,
  type StorageType,
} from '@hyb/runtime';
import { DeviceMemory } from '@hyb/runtime/memory/device-memory';
import { Readback } from '@hyb/runtime/memory/readback';
import { streamWeights } from '@hyb/runtime/weights/load';
import { matchCheckpoint } from '@hyb/runtime/weights/match';
import { placeWeights } from '@hyb/runtime/weights/placement';
import { readSafetensors } from '@hyb/runtime';
import { bytesSource } from '@hyb/runtime/weights/sources/memory';
import { checkpointOf, testDevice, tinyModel } from '../support/model.js';
import { tinyWeights } from '../support/reference.js';
import { f32, writeSafetensors, type TensorToWrite } from '../support/safetensors.js';
import { tinyProgram, tinySources } from '../support/tiny-program.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});
afterAll(() => device.dispose());

type Layout = Pick<Program, 'parameters' | 'matrices' | 'vectors'> & { readonly checkpoint?: Program['checkpoint'] };

/** A program that has weights and nothing else. */
function weightsOnly(layout: Layout): Program {
  return {
    ...tinyProgram(),
    stages: [],
    schedule: [],
    sample: { stage: 'none', label: '', matrices: {}, states: {} },
    ...layout,
  };
}

interface LoadOptions {
  readonly storage?: StorageType;
  readonly chunkBytes?: number;
  readonly device?: Device;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly nonFinite?: 'error' | 'warn';
  readonly warn?: (message: string) => void;
}

/** Loads a file and returns what is in the device's buffers, matrices as rows of their storage's bits. */
async function loaded(program: Program, file: Uint8Array, options: LoadOptions = {}) {
  const on = options.device ?? device;
  const memory = new DeviceMemory(on);
  const { storage, nonFinite = 'error', warn = () => undefined } = options;
  try {
    const found = matchCheckpoint(program, await readSafetensors(bytesSource(file)), { unexpected: 'error', warn });
    const placed = placeWeights(program, storage, on, memory);
    await streamWeights(program, found, placed, on, { ...options, storage, nonFinite, warn });
    const readback = new Readback(on, memory);
    const matrices: Record<string, number[]> = {};
    const parts: Record<string, number> = {};
    for (const [id, matrix] of placed.matrices) {
      const bytes = new Uint8Array(matrix.spec.rows * matrix.rowBytes);
      await readback.read(
        matrix.parts.map(({ buffer, rows }) => ({ buffer, offset: 0, bytes: rows * matrix.rowBytes })),
        bytes,
      );
      matrices[id] = [...(matrix.storage === 'f32' ? new Float32Array(bytes.buffer) : new Uint16Array(bytes.buffer))];
      parts[id] = matrix.parts.length;
    }
    const vectors: Record<string, number[]> = {};
    for (const [id, { buffer, offset, bytes: length }] of placed.vectors) {
      const bytes = new Uint8Array(length);
      await readback.read([{ buffer, offset, bytes: length }], bytes);
      vectors[id] = [...new Float32Array(bytes.buffer)];
    }
    return { matrices, vectors, parts };
  } finally {
    memory.freeAll();
  }
}

const matrix = (path: string, rows: number, columns: number, dtype: StorageType = 'f32') =>
  ({ path, shape: [rows, columns], role: 'matrix', dtype }) as const;
const vector = (path: string, elements: number, dtype: StorageType = 'f32') =>
  ({ path, shape: [elements], role: 'vector', dtype }) as const;
const part = (parameter: string, row: number, rows: number, columns: number, stride = 1) => ({
  parameter,
  row,
  rows,
  columns,
  stride,
});

const bf16 = (values: readonly number[], shape: readonly number[]): TensorToWrite => {
  const words = new Uint16Array(new Float32Array(values).buffer).filter((_, i) => i % 2 === 1);
  return { dtype: 'BF16', shape, data: new Uint8Array(words.buffer) };
};

describe('rows find their place', () => {
  test('in any layout, read in chunks of any size, on any limits', async () => {
    const narrow = await testDevice({ limits: { maxStorageBufferBindingSize: 256 } });
    const shape = fc.record({
      columns: fc.integer({ min: 1, max: 9 }),
      rows: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 3 }),
      interleaved: fc.boolean(),
      chunkBytes: fc.integer({ min: 8, max: 200 }),
      split: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ columns, rows, interleaved, chunkBytes, split }) => {
        const counts = interleaved ? rows.map(() => rows[0]!) : rows;
        const total = counts.reduce((a, b) => a + b, 0);
        const padded = Math.ceil(columns / 4) * 4;
        const parts = counts.map((count, i) =>
          interleaved
            ? part(`p${i}`, i, count, columns, counts.length)
            : part(
                `p${i}`,
                counts.slice(0, i).reduce((a, b) => a + b, 0),
                count,
                columns,
              ),
        );
        const values = counts.map((count, i) => Array.from({ length: count * columns }, (_, j) => i * 1000 + j + 1));
        const program = weightsOnly({
          parameters: counts.map((count, i) => matrix(`p${i}`, count, columns)),
          matrices: [{ id: 'm', columns: padded, rows: total, parts }],
          vectors: [],
        });
        const file = writeSafetensors(
          Object.fromEntries(values.map((v, i) => [`p${i}`, f32(v, [counts[i]!, columns])])),
        );
        const expected = new Array<number>(total * padded).fill(0);
        parts.forEach(({ row, rows, stride }, i) => {
          for (let r = 0; r < rows; r++) {
            for (let c = 0; c < columns; c++) expected[(row + r * stride) * padded + c] = values[i]![r * columns + c]!;
          }
        });
        const result = await loaded(program, file, { chunkBytes, ...(split ? { device: narrow } : {}) });
        expect(result.matrices.m).toEqual(expected);
        if (split) expect(result.parts.m).toBe(Math.ceil(total / Math.floor(256 / (padded * 4))));
      }),
      { numRuns: 150 },
    );
    narrow.dispose();
  });

  test('of parameters that share a tensor of the checkpoint', async () => {
    const program = weightsOnly({
      parameters: [matrix('z', 2, 4), vector('b', 3), matrix('x', 1, 4), vector('c', 2)],
      checkpoint: [
        { name: 'in_proj', shape: [3, 4], parts: ['z', 'x'] },
        { name: 'bias', aliases: ['old.bias'], shape: [5, 1], parts: ['c', 'b'] },
      ],
      matrices: [{ id: 'm', columns: 4, rows: 3, parts: [part('x', 0, 1, 4), part('z', 1, 2, 4)] }],
      vectors: [
        {
          id: 'v',
          elements: 64,
          parts: [
            { parameter: 'b', offset: 5, elements: 3 },
            { parameter: 'c', offset: 0, elements: 2 },
          ],
        },
      ],
    });
    const file = writeSafetensors({
      'old.bias': f32([1, 2, 3, 4, 5], [5, 1]),
      in_proj: f32([...Array(12).keys()], [3, 4]),
    });
    const { matrices, vectors } = await loaded(program, file);
    expect(matrices.m).toEqual([8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7]);
    expect(vectors.v!.slice(0, 9)).toEqual([1, 2, 0, 0, 0, 3, 4, 5, 0]);
    expect(vectors.v).toHaveLength(64);
  });

  test('and packs theirs', async () => {
    const count = 300;
    const program = weightsOnly({
      parameters: Array.from({ length: count }, (_, i) => vector(`v${i}`, 1 + (i % 70))),
      matrices: [],
      vectors: Array.from({ length: count }, (_, i) => ({
        id: `pack${i}`,
        elements: i % 70 < 64 ? 64 : 128,
        parts: [{ parameter: `v${i}`, offset: 0, elements: 1 + (i % 70) }],
      })),
    });
    const tensors = Array.from({ length: count }, (_, i) => [`v${i}`, f32(new Array(1 + (i % 70)).fill(i))] as const);
    const { vectors } = await loaded(program, writeSafetensors(Object.fromEntries(tensors)), { chunkBytes: 40 });
    for (let i = 0; i < count; i++) {
      const length = 1 + (i % 70);
      expect(vectors[`pack${i}`]!.slice(0, length)).toEqual(new Array(length).fill(i));
      expect(vectors[`pack${i}`]!.slice(length).every((value) => value === 0)).toBe(true);
    }
  });
});

describe('storage', () => {
  const values = [1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, -0.1];
  const program = weightsOnly({
    parameters: [matrix('m', 1, 4, 'bf16'), vector('v', 4, 'bf16'), vector('w', 4)],
    matrices: [{ id: 'm', columns: 4, rows: 1, parts: [part('m', 0, 1, 4)] }],
    vectors: [
      {
        id: 'v',
        elements: 64,
        parts: [
          { parameter: 'v', offset: 0, elements: 4 },
          { parameter: 'w', offset: 4, elements: 4 },
        ],
      },
    ],
  });
  const file = writeSafetensors({ m: f32(values, [1, 4]), v: f32(values), w: f32(values) });
  // To nearest even in 8 bits.
  const rounded = [1, 1, 1 + 2 ** -6, -0.10009765625];

  test('is the model’s own unless asked otherwise, vectors rounded like matrices', async () => {
    const { matrices, vectors } = await loaded(program, file);
    expect(matrices.m).toEqual([0x3f80, 0x3f80, 0x3f82, 0xbdcd]);
    expect(vectors.v!.slice(0, 8)).toEqual([...rounded, ...values.slice(0, 3), Math.fround(-0.1)]);
  });

  test('f32 keeps everything', async () => {
    const { matrices, vectors } = await loaded(program, file, { storage: 'f32' });
    expect(matrices.m).toEqual(values.map(Math.fround));
    expect(vectors.v!.slice(0, 4)).toEqual(values.map(Math.fround));
  });

  test('f16 changes matrices only', async () => {
    const { matrices, vectors } = await loaded(program, file, { storage: 'f16' });
    expect(matrices.m).toEqual([0x3c00, 0x3c04, 0x3c0c, 0xae66]);
    expect(vectors.v!.slice(0, 4)).toEqual(rounded);
  });

  test('files in bf16 are copied as they are', async () => {
    const small = writeSafetensors({ m: bf16(rounded, [1, 4]), v: bf16(rounded, [4]), w: bf16(rounded, [4]) });
    const { matrices, vectors } = await loaded(program, small);
    expect(matrices.m).toEqual([0x3f80, 0x3f80, 0x3f82, 0xbdcd]);
    expect(vectors.v!.slice(0, 8)).toEqual([...rounded, ...rounded]);
  });

  test('a matrix of parts with different types is f32', async () => {
    const mixed = weightsOnly({
      parameters: [matrix('a', 1, 4, 'bf16'), matrix('b', 1, 4, 'f32')],
      matrices: [{ id: 'm', columns: 4, rows: 2, parts: [part('a', 0, 1, 4), part('b', 1, 1, 4)] }],
      vectors: [],
    });
    const { matrices } = await loaded(mixed, writeSafetensors({ a: f32(values, [1, 4]), b: f32(values, [1, 4]) }));
    expect(matrices.m).toEqual([...values, ...values].map(Math.fround));
  });
});

describe('checkpoints that do not fit', () => {
  const program = tinyProgram();
  const weights = tinyWeights(program);
  const tensors = () =>
    Object.fromEntries(program.parameters.map(({ path, shape }) => [path, f32(weights.get(path)!, shape)]));
  const load = (changed: Record<string, TensorToWrite>, options: object = {}) =>
    createModel(program, tinySources, { device, weights: writeSafetensors(changed), ...options });

  test('say everything at once', async () => {
    const changed = tensors();
    delete changed['leaky_0.bias'];
    changed['head.weight'] = f32(new Array(32 * 50).fill(0), [32, 50]);
    changed['leaky_2.decay'] = { dtype: 'I32', shape: [32], data: new Uint8Array(128) };
    changed.surplus = f32([1]);
    await expect(load(changed)).rejects.toMatchObject({
      code: 'weights-mismatch',
      message: [
        "The checkpoint does not hold this model's tensors.",
        'Missing (1):',
        '  leaky_0.bias [32]',
        'Different (2):',
        '  head.weight: expected [50, 32], found [32, 50]',
        '  leaky_2.decay: expected F32, BF16, F16 or F64, found I32',
        'Unexpected (1):',
        '  surplus',
      ].join('\n'),
    });
  });

  test('surplus tensors may be ignored', async () => {
    const changed = { ...tensors(), surplus: f32([1]) };
    await expect(load(changed)).rejects.toThrow("`unexpected: 'ignore'`");
    const warnings: string[] = [];
    const model = await load(changed, { unexpected: 'warn', onWarning: (text: string) => warnings.push(text) });
    expect(warnings).toEqual([expect.stringContaining('surplus')]);
    model.dispose();
    (await load(changed, { unexpected: 'ignore', onWarning: () => expect(true).toBe(false) })).dispose();
  });

  test('two names of one tensor', async () => {
    const aliased: Program = {
      ...program,
      checkpoint: program.parameters.map(({ path, shape }) => ({
        name: path,
        aliases: [`old.${path}`],
        shape,
        parts: [path],
      })),
    };
    const changed = { ...tensors(), 'old.head.weight': f32(weights.get('head.weight')!, [50, 32]) };
    const both = createModel(aliased, tinySources, { device, weights: writeSafetensors(changed) });
    await expect(both).rejects.toThrow('head.weight and old.head.weight: names of the same tensor');
  });

  test.each([
    ['head.weight', 33, '[1, 1]'],
    ['leaky_2.bias', 31, '[31]'],
  ])('NaN in %s is named', async (name, at, place) => {
    for (const bad of [NaN, Infinity]) {
      const changed = tensors();
      const values = weights.get(name)!.slice();
      values[at] = bad;
      changed[name] = f32(values, changed[name]!.shape);
      await expect(load(changed)).rejects.toMatchObject({ code: 'weights-not-finite', items: [`${name}${place}`] });
      const warnings: string[] = [];
      const model = await load(changed, { nonFinite: 'warn', onWarning: (text: string) => warnings.push(text) });
      expect(warnings).toEqual([expect.stringContaining(`${name}${place}`)]);
      model.dispose();
      (await load(changed, { nonFinite: 'ignore', onWarning: () => expect(true).toBe(false) })).dispose();
    }
  });

  test('values too large for their storage', async () => {
    const changed = tensors();
    const values = weights.get('head.weight')!.slice();
    values[0] = 1e5;
    changed['head.weight'] = f32(values, [50, 32]);
    (await load(changed)).dispose();
    await expect(load(changed, { storage: 'f16' })).rejects.toMatchObject({ items: ['head.weight[0, 0] (as f16)'] });
  });
});

describe('loading', () => {
  const program = tinyProgram();
  const file = checkpointOf(program, tinyWeights(program));

  test('tells how far it is', async () => {
    const seen: LoadProgress[] = [];
    const model = await tinyModel(program, device, { onProgress: (progress) => seen.push(progress) });
    const total = (2 * 50 * 32 + 4 * 32) * 4;
    expect(seen.every(({ totalBytes }) => totalBytes === total)).toBe(true);
    expect(seen.map(({ loadedBytes }) => loadedBytes)).toEqual(
      [...seen.map(({ loadedBytes }) => loadedBytes)].sort((a, b) => a - b),
    );
    expect(seen.at(-1)!.loadedBytes).toBe(total);
    expect(new Set(seen.map(({ tensor }) => tensor))).toEqual(new Set(program.parameters.map(({ path }) => path)));
    model.dispose();
  });

  test('can be aborted, and leaves nothing', async () => {
    const controller = new AbortController();
    let closed = false;
    const source: ByteSource = { ...bytesSource(file), close: () => Promise.resolve(void (closed = true)) };
    const load = tinyModel(program, device, {
      weights: source,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('changed my mind')),
    });
    await expect(load).rejects.toThrow('changed my mind');
    expect(closed).toBe(true);
    await expect(tinyModel(program, device, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow(
      'before',
    );
  });

  test('passes on what the source says', async () => {
    const source: ByteSource = {
      ...bytesSource(file),
      read: (offset, length) =>
        offset > 2000 ? Promise.reject(new Error('the disk is on fire')) : bytesSource(file).read(offset, length),
    };
    await expect(tinyModel(program, device, { weights: source })).rejects.toThrow('on fire');
  });
});
