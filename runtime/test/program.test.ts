import fc from 'fast-check';
import { evaluateSize, type Program, type Size, type SizeValues } from '@hyb/runtime';
import { contextBound, sizesOf, tableOf, worstSizes, type BatchEntry } from '@hyb/runtime/program/batch';
import { callLimits, cutPieces, type Feed } from '@hyb/runtime/program/pieces';
import { rotaryRows, rotaryTable } from '@hyb/runtime/program/rotary';
import { weightsPrelude } from '@hyb/runtime/shaders/weights';
import { testDevice } from './support/model.js';
import { tinyProgram } from './support/tiny-program.js';

describe('sizes', () => {
  test('all operators', () => {
    const values = { tokens: 33, sequences: 2, capacity: 256 } as SizeValues;
    const cases: [Size, number][] = [
      [7, 7],
      ['tokens', 33],
      [['add', 'tokens', 1], 34],
      [['mul', 'sequences', ['ceil_div', 'tokens', 16]], 6],
      [['ceil_div', 32, 16], 2],
      [['min', 'tokens', 'capacity'], 33],
      [['max', ['mul', 2, 3], 'sequences'], 6],
    ];
    for (const [size, expected] of cases) expect(evaluateSize(size, values)).toBe(expected);
  });
});

const entries: readonly BatchEntry[] = [
  { slot: 3, position: 100, tokens: [7, 8, 9], rows: 'last' },
  { slot: 0, position: 0, tokens: Array.from({ length: 40 }, (_, i) => i), rows: 'all' },
  { slot: 5, position: 2, tokens: [1], rows: 'none' },
];

describe('the tables of a call', () => {
  const quads = (table: Parameters<typeof tableOf>[0]): number[][] => {
    const words = [...tableOf(table, entries)];
    return Array.from({ length: words.length / 4 }, (_, i) => words.slice(4 * i, 4 * i + 4));
  };

  test('tokens: id, sequence, position, slot', () => {
    const tokens = quads('tokens');
    expect(tokens).toHaveLength(44);
    expect(tokens.slice(0, 4)).toEqual([
      [7, 0, 100, 3],
      [8, 0, 101, 3],
      [9, 0, 102, 3],
      [0, 1, 0, 0],
    ]);
    expect(tokens[43]).toEqual([1, 2, 2, 5]);
  });

  test('sequences: slot, first token, number of tokens, position', () => {
    expect(quads('sequences')).toEqual([
      [3, 0, 3, 100],
      [0, 3, 40, 0],
      [5, 43, 1, 2],
    ]);
  });

  test('rows: flat tokens', () => {
    expect([...tableOf('rows', entries)]).toEqual([2, ...Array.from({ length: 40 }, (_, i) => 3 + i)]);
  });

  test('tiles: sequence, first token, number of tokens, index', () => {
    expect(quads('tiles16')).toEqual([
      [0, 0, 3, 0],
      [1, 3, 16, 0],
      [1, 19, 16, 1],
      [1, 35, 8, 2],
      [2, 43, 1, 0],
    ]);
    expect(quads('tiles128')).toEqual([
      [0, 0, 3, 0],
      [1, 3, 40, 0],
      [2, 43, 1, 0],
    ]);
  });

  test('sizes agree with them', () => {
    const sizes = sizesOf(entries, { slots: 6, capacity: 256 });
    expect(sizes).toMatchObject({
      tokens: 44,
      sequences: 3,
      rows: 41,
      tiles16: 5,
      tiles32: 4,
      tiles64: 3,
      context: 128,
    });
    expect(sizesOf(entries, { slots: 6, capacity: 512 }, 300).context).toBe(512);
  });

  test('no call has more than the worst of its tokens and sequences', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(lengths, (lengths) => {
        const batch = lengths.map((length, slot) => ({
          slot,
          position: 0,
          tokens: new Array<number>(length).fill(0),
          rows: 'last' as const,
        }));
        const state = { slots: 12, capacity: 256 };
        const tokens = lengths.reduce((a, b) => a + b, 0);
        const worst = worstSizes(tokens, 12, 12, state);
        for (const [name, size] of Object.entries(sizesOf(batch, state))) {
          expect(worst[name as keyof SizeValues]).toBeGreaterThanOrEqual(size);
        }
      }),
    );
  });

  test('bounds on the context grow with it and never fall below', () => {
    let before = 0;
    for (let positions = 1; positions < 2000; positions++) {
      const bound = contextBound(positions);
      expect(bound).toBeGreaterThanOrEqual(Math.max(positions, before));
      expect(contextBound(bound)).toBe(bound);
      before = bound;
    }
  });
});

describe('pieces', () => {
  const feed = (index: number, length: number): Feed => ({
    index,
    slot: index + 10,
    position: index * 100,
    tokens: Array.from({ length }, (_, i) => i),
    rows: 'last',
  });

  test('hold every token once, in order, with the last row at the end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(40), { maxLength: 6 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 4 }),
        (lengths, limit, rowLimit) => {
          const feeds = lengths.map((length, i) => feed(i, length));
          const pieces = [...cutPieces(feeds, { tokens: limit, rows: rowLimit })];
          const seen = lengths.map(() => ({ tokens: [] as number[], rows: 0 }));
          for (const [i, piece] of pieces.entries()) {
            const size = piece.reduce((sum, { tokens }) => sum + tokens.length, 0);
            const rows = piece.filter((entry) => entry.rows === 'last').length;
            if (i < pieces.length - 1) expect(size === limit || rows === rowLimit).toBe(true);
            expect(size).toBeGreaterThan(0);
            expect(size).toBeLessThanOrEqual(limit);
            expect(rows).toBeLessThanOrEqual(rowLimit);
            for (const { index, slot, position, tokens, rows } of piece) {
              expect(slot).toBe(index + 10);
              expect(position).toBe(index * 100 + seen[index]!.tokens.length);
              seen[index]!.tokens.push(...Array.from(tokens));
              if (rows === 'last') {
                seen[index]!.rows++;
                expect(seen[index]!.tokens).toHaveLength(lengths[index]!);
              }
            }
          }
          seen.forEach(({ tokens, rows }, i) => {
            expect(tokens).toEqual(feeds[i]!.tokens);
            expect(rows).toBe(lengths[i]! > 0 ? 1 : 0);
          });
        },
      ),
    );
  });

  test('count rows where logits of all tokens are wanted', () => {
    const feeds = [feed(0, 30), feed(1, 9)].map((entry) => ({ ...entry, rows: 'all' as const }));
    const pieces = [...cutPieces(feeds, { tokens: 100, rows: 8 })];
    expect(pieces.map((piece) => piece.map(({ index, tokens }) => [index, tokens.length]))).toEqual([
      [[0, 8]],
      [[0, 8]],
      [[0, 8]],
      [
        [0, 6],
        [1, 2],
      ],
      [[1, 7]],
    ]);
  });

  test('are as large as activations, logits and grids allow', async () => {
    const device = await testDevice();
    const program = tinyProgram({ vocab: 100, width: 32 });
    const state = { slots: 4, capacity: 64 };
    const limits = (changed: object): ReturnType<typeof callLimits> =>
      callLimits(program, state, 1000, { ...device.limits, ...changed });
    // 1000 in whole tiles, and logits of as many.
    expect(limits({})).toEqual({ tokens: 896, rows: 896, sequences: 4 });
    // Activations: 128 bytes per token. Logits: 400 bytes per row.
    expect(limits({ maxStorageBufferBindingSize: 128 * 70 })).toEqual({ tokens: 64, rows: 16, sequences: 4 });
    expect(limits({ maxBufferSize: 128 * 11 })).toEqual({ tokens: 11, rows: 3, sequences: 3 });
    // One workgroup for each token.
    expect(limits({ maxComputeWorkgroupsPerDimension: 130 }).tokens).toBe(128);
    expect(() => limits({ maxBufferSize: 300 })).toThrow('A call with 1 token needs logits of 400 bytes');
    device.dispose();
  });

  test('say what one token needs if not even that fits', async () => {
    const device = await testDevice();
    const program: Program = { ...tinyProgram(), activations: [{ id: 'huge', elements: ['mul', 'tokens', 2 ** 31] }] };
    expect(() => callLimits(program, { slots: 1, capacity: 64 }, 16, device.limits)).toThrow(
      'A call with 1 token needs activation huge of 8.00 GiB',
    );
    device.dispose();
  });
});

describe('rotary tables', () => {
  const frequencies = [1, 0.1, 1e-4];

  test('the two parts join to the angle of any position', () => {
    const capacity = 100_000;
    const values = rotaryTable({ id: 't', kind: 'rotary', frequencies }, 0, rotaryRows(capacity));
    expect(values).toHaveLength((256 + 391) * 3 * 2);
    const at = (row: number, n: number): [number, number] => [
      values[(row * 3 + n) * 2]!,
      values[(row * 3 + n) * 2 + 1]!,
    ];
    for (const position of [0, 1, 255, 256, 257, 65_535, 65_536, 99_999]) {
      frequencies.forEach((frequency, n) => {
        const [c, s] = at(position & 255, n);
        const [hc, hs] = at(256 + (position >> 8), n);
        // Products of two numbers that are each off by half a unit of f32.
        expect(Math.abs(c * hc - s * hs - Math.cos(position * frequency))).toBeLessThan(3e-7);
        expect(Math.abs(s * hc + c * hs - Math.sin(position * frequency))).toBeLessThan(3e-7);
      });
    }
  });

  test('rows can be made in parts', () => {
    const spec = { id: 't', kind: 'rotary', frequencies } as const;
    const whole = rotaryTable(spec, 0, 300);
    expect([...rotaryTable(spec, 0, 200), ...rotaryTable(spec, 200, 300)]).toEqual([...whole]);
  });
});

describe('the prelude that decodes weights', () => {
  test.each([
    ['f32', new Float32Array([1.5, -2, 0, 1e30]).buffer],
    ['bf16', new Uint16Array([0x3fc0, 0xc000, 0, 0x714a]).buffer],
    ['f16', new Uint16Array([0x3e00, 0xc000, 0, 0x7bff]).buffer],
  ] as const)('%s', async (storage, bytes) => {
    const { gpu: device, dispose } = await testDevice().then((d) => ({ gpu: d.gpu, dispose: () => d.dispose() }));
    const code = `
      @group(0) @binding(0) var<storage, read> w: array<w_element>;
      @group(0) @binding(1) var<storage, read_write> out: array<vec4f>;
      @compute @workgroup_size(1) fn main() { out[0] = w_decode(w[0]); }
      ${weightsPrelude('w', storage)}`;
    const pipeline = device.createComputePipeline({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code }) },
    });
    const make = (usage: number): GPUBuffer => device.createBuffer({ size: 16, usage });
    const [weights, out, back] = [make(0x88), make(0x84), make(0x9)];
    device.queue.writeBuffer(weights, 0, bytes);
    const entries = [weights, out].map((buffer, binding) => ({ binding, resource: { buffer } }));
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(out, 0, back, 0, 16);
    device.queue.submit([encoder.finish()]);
    await back.mapAsync(1);
    const last = { f32: Math.fround(1e30), bf16: 0xca * 2 ** (0xe2 - 127 - 7), f16: 65504 }[storage];
    expect([...new Float32Array(back.getMappedRange())]).toEqual([1.5, -2, 0, last]);
    dispose();
  });
});
