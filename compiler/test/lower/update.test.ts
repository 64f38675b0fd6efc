/** Kernels of the update in the checking interpreter, against the rules in f64. */
import { BLOCK_QUADS, TOTALS } from '@hyb/runtime';
import { describeFault, run } from '../../src/kernel/check/index.js';
import { updateCalls } from '../../src/lower/update/update.js';
import { verifyKernel } from '../../src/kernel/verify.js';
import { orthogonalised } from '../../src/numeric/newton-schulz.js';
import { FORMATS, round } from '../../src/numeric/format.js';
import { random } from '../support/random.js';
import { settingsOf, totalsOf } from '../support/update-buffers.js';

const calls = updateCalls({ scaling: 'current', narrow: true });
const r = random(3);
/** Fours of one whole block and a part of another. */
const TWO_BLOCKS = BLOCK_QUADS + 904;
const normals = (length: number): Float32Array => Float32Array.from({ length }, () => r.normal());

type Buffers = Readonly<Record<string, Float32Array | Uint32Array>>;

/** Runs a kernel of the update, folded over two rows of workgroups where there are several. */
function execute(
  name: string,
  buffers: Buffers,
  uniforms: Readonly<Record<string, number>>,
  groups: number | readonly [number, number, number],
): void {
  const call = calls[name]!;
  const kernel = call.variants[0]!;
  expect(verifyKernel(kernel)).toEqual([]);
  const grid = typeof groups === 'number' ? folded(groups) : groups;
  const { faults } = run(kernel, {
    buffers: Object.fromEntries(kernel.buffers.map((b) => [b.name, buffers[b.name]!])),
    uniforms,
    grid,
    allowNonFinite: true,
  });
  expect(faults.map(describeFault)).toEqual([]);
}

function folded(groups: number): readonly [number, number, number] {
  const x = Math.ceil(groups / 2);
  return [x, Math.ceil(groups / x), 1];
}

const ROWS = 27;
const COLUMNS = 20;
const SIZE = ROWS * COLUMNS;
/** Rows 0 … 6 of another part come first. */
const FIRST = 7;
const multiples = Float32Array.from({ length: 2 * (FIRST + ROWS) }, (_, i) => (i % 3) / 2);
const uniforms = { quad_count: SIZE / 4, row_quads: COLUMNS / 4, first_row: FIRST };
const groups = Math.ceil(SIZE / 4 / 64);

describe('rules', () => {
  const [master, gradient, first] = [normals(SIZE), normals(SIZE), normals(SIZE)];
  const second = normals(SIZE).map((v) => v * v);

  test.each(['f32', 'bf16', 'f16'] as const)('AdamW with copies in %s', (storage) => {
    const [beta1, beta2, eps, rate, decay, step, factor] = [0.9, 0.95, 1e-8, 0.01, 0.1, 3, 0.5];
    const settings = settingsOf({
      rate,
      decay,
      beta1,
      beta2,
      eps,
      firstCorrection: 1 / (1 - beta1 ** step),
      secondCorrection: 1 / (1 - beta2 ** step),
    });
    const buffers = {
      settings,
      totals: totalsOf({ factor }),
      rows: multiples,
      master: master.slice(),
      gradient: gradient.slice(),
      first: first.slice(),
      second: second.slice(),
      working: new Uint32Array(SIZE / 2),
    };
    execute(`AdamW.${storage}`, buffers, uniforms, groups);
    for (let i = 0; i < SIZE; i++) {
      const row = FIRST + Math.floor(i / COLUMNS);
      const g = gradient[i]! * factor;
      const m = beta1 * first[i]! + (1 - beta1) * g;
      const v = beta2 * second[i]! + (1 - beta2) * g * g;
      const own = rate * multiples[2 * row]!;
      const direction = m / (1 - beta1 ** step) / (Math.sqrt(v / (1 - beta2 ** step)) + eps);
      const expected = master[i]! * (1 - own * decay * multiples[2 * row + 1]!) - own * direction;
      expect(Math.abs(buffers.master[i]! - expected)).toBeLessThan(2e-6);
      expect(Math.abs(buffers.first[i]! - m)).toBeLessThan(1e-6);
      expect(Math.abs(buffers.second[i]! - v)).toBeLessThan(3e-6);
      if (storage === 'f32') continue;
      const half = (buffers.working[i >> 1]! >>> (16 * (i % 2))) & 0xffff;
      const value = storage === 'bf16' ? fromBits(half << 16) : fromHalf(half);
      expect(value).toBe(round(buffers.master[i]!, storage));
    }
  });

  test('SGD with momentum, with and without looking ahead', () => {
    for (const nesterov of [0, 1]) {
      const settings = settingsOf({ rate: 0.1, decay: 0.01, beta1: 0.9, nesterov });
      const buffers = {
        settings,
        totals: totalsOf({ factor: 1 }),
        rows: multiples,
        master: master.slice(),
        gradient,
        first: first.slice(),
      };
      execute('SGD.f32', buffers, uniforms, groups);
      for (let i = 0; i < SIZE; i++) {
        const row = FIRST + Math.floor(i / COLUMNS);
        const m = 0.9 * first[i]! + gradient[i]!;
        const own = 0.1 * multiples[2 * row]!;
        const step = nesterov === 1 ? gradient[i]! + 0.9 * m : m;
        const expected = master[i]! * (1 - own * 0.01 * multiples[2 * row + 1]!) - own * step;
        expect(Math.abs(buffers.master[i]! - expected)).toBeLessThan(2e-6);
      }
    }
  });

  test('a step that is not finite changes nothing', () => {
    const buffers = {
      settings: settingsOf({ rate: 1 }),
      totals: totalsOf({ factor: 1, notFinite: 1 }),
      rows: multiples,
      master: master.slice(),
      gradient,
      first: first.slice(),
      second: second.slice(),
    };
    execute('AdamW.f32', buffers, uniforms, groups);
    expect(buffers.master).toEqual(master);
    expect(buffers.first).toEqual(first);
  });
});

describe('Muon', () => {
  /** Three matrices of one shape, of which the last lies transposed between the rows of others, in a batch [3][12][20]. */
  const shape = { rows: 10, columns: 20 };
  const batch = { rows: 12, columns: 20 };
  const size = batch.rows * batch.columns;

  test('momentum of a parameter, and where its direction lies', () => {
    const [beta, factor] = [0.9, 0.5];
    for (const nesterov of [0, 1]) {
      const settings = settingsOf({ momentum: beta, nesterov });
      // Rows 1, 3, 5 … of a part of 22 rows are the parameter's; it is tall, [10, 8], and lies transposed.
      const [gradient, first] = [normals(22 * 8), normals(22 * 8)];
      const buffers = { settings, totals: totalsOf({ factor }), gradient, first: first.slice(), product: normals(300) };
      const before = buffers.product.slice();
      const sizes = { row_count: 10, row_quads: 2, own_row: 1, row_step: 2, padded_count: 12 };
      execute('orthogonal.momentum', buffers, { ...sizes, target_first: 40, target_row: 1, target_column: 12 }, 1);
      const expected = before.slice();
      for (let r = 0; r < 12; r++) {
        for (let c = 0; c < 8; c++) {
          const i = (1 + 2 * r) * 8 + c;
          const g = r < 10 ? gradient[i]! * factor : 0;
          const mean = r < 10 ? beta * first[i]! + (1 - beta) * g : 0;
          expected[40 + c * 12 + r] = nesterov === 1 ? (1 - beta) * g + beta * mean : mean;
          if (r < 10) expect(buffers.first[i]).toBeCloseTo(mean, 6);
        }
      }
      expect([...buffers.product]).toEqual([...expected].map((value) => expect.closeTo(value, 6) as number));
    }
  });

  test('Newton-Schulz iterations of a batch', () => {
    const count = 3;
    let x: Float32Array<ArrayBuffer> = new Float32Array(count * size);
    for (let i = 0; i < x.length; i++) if (i % size < shape.rows * shape.columns) x[i] = r.normal();
    const expected = Array.from({ length: count }, (_, i) =>
      orthogonalised(Float64Array.from(x.subarray(i * size, (i + 1) * size)), batch.rows, batch.columns, 5),
    );
    const partials = new Float32Array(count);
    const sums = { quad_count: size / 4, block_count: 1 };
    execute('orthogonal.squares', { left: x, partials }, sums, [1, 1, count]);
    execute('orthogonal.normalise', { product: x, partials }, sums, [1, 1, count]);
    const [gram, polynomial] = [new Float32Array(count * 144), new Float32Array(count * 144)];
    for (let step = 0; step < 5; step++) {
      const square = { row_count: 12, column_quads: 3 };
      const next = new Float32Array(x.length);
      execute('orthogonal.gram', { left: x, right: x, product: gram }, { ...square, depth_quads: 5 }, [1, 1, count]);
      const operands = { left: gram, right: gram, addend: gram, product: polynomial };
      execute('orthogonal.polynomial', operands, { ...square, depth_quads: 3 }, [1, 1, count]);
      const sizes = { row_count: 12, column_quads: 5, depth_quads: 3 };
      execute('orthogonal.product', { left: polynomial, right: x, product: next }, sizes, [1, 1, count]);
      x = next;
    }
    // Singular values stay below 1.3, and each step may add some roundings to what is off.
    for (let i = 0; i < x.length; i++)
      expect(Math.abs(x[i]! - expected[Math.floor(i / size)]![i % size]!)).toBeLessThan(2e-5);
  });

  test('blocks of a matrix that is longer than one, and one of zeros', () => {
    const quads = BLOCK_QUADS + 100;
    const matrices = normals(8 * quads).fill(0, 4 * quads);
    const partials = new Float32Array(4);
    const sums = { quad_count: quads, block_count: 2 };
    const norm = Math.sqrt(matrices.reduce((sum, value) => sum + value * value, 0));
    const expected = matrices.map((value) => value / norm);
    execute('orthogonal.squares', { left: matrices, partials }, sums, [2, 1, 2]);
    execute('orthogonal.normalise', { product: matrices, partials }, sums, [2, 1, 2]);
    for (let i = 0; i < matrices.length; i++) expect(Math.abs(matrices[i]! - expected[i]!)).toBeLessThan(1e-6);
  });

  test.each(['f32', 'bf16'] as const)('what is left is applied, with copies in %s', (storage) => {
    const [rate, decay, scale] = [0.02, 0.1, 1.5];
    const master = normals(22 * 8);
    const left = normals(300);
    const buffers = {
      settings: settingsOf({ rate, decay }),
      totals: totalsOf({ factor: 1 }),
      rows: multiples,
      master: master.slice(),
      left,
      working: new Uint32Array(master.length / 2),
    };
    const sizes = { row_count: 10, row_quads: 2, own_row: 1, row_step: 2, first_row: 5, scale };
    execute(`Muon.${storage}`, buffers, { ...sizes, target_first: 40, target_row: 1, target_column: 12 }, 1);
    for (let i = 0; i < master.length; i++) {
      const [row, c] = [Math.floor(i / 8), i % 8];
      const own = (row - 1) / 2;
      const mine = own >= 0 && own < 10 && Number.isInteger(own);
      const [m0, m1] = [multiples[2 * (5 + row)]!, multiples[2 * (5 + row) + 1]!];
      const changed = master[i]! * (1 - rate * m0 * decay * m1) - rate * m0 * scale * left[40 + c * 12 + own]!;
      expect(buffers.master[i]).toBeCloseTo(mine ? changed : master[i]!, 6);
      if (!mine || storage === 'f32') continue;
      const half = (buffers.working[i >> 1]! >>> (16 * (i % 2))) & 0xffff;
      expect(fromBits(half << 16)).toBe(round(buffers.master[i]!, storage));
    }
  });
});

describe('norms', () => {
  const gradient = normals(4 * TWO_BLOCKS);
  const master = normals(4 * 300);
  const norm = Math.sqrt(gradient.reduce((a, b) => a + b * b, 0));

  function norms(
    values: Float32Array,
    {
      clip,
      loss = 1,
      lossLimit = 3.4e38,
    }: { readonly clip: number; readonly loss?: number; readonly lossLimit?: number },
  ) {
    const partials = new Float32Array(2 * 3);
    const words = (of: Float32Array): Uint32Array => new Uint32Array(of.buffer);
    execute('squares', { buffer: words(values), partials }, { quad_count: TWO_BLOCKS, first_block: 0 }, 2);
    execute('squares', { buffer: words(master), partials }, { quad_count: 300, first_block: 2 }, 1);
    const totals = totalsOf({ loss });
    const settings = settingsOf({ clip, unscale: 0.25, lossLimit });
    execute('norms', { partials: words(partials), settings, totals }, { gradient_blocks: 2, block_count: 3 }, 1);
    return new Float32Array(totals.buffer);
  }

  test('unscaled, and clipped where they are too large', () => {
    const totals = norms(gradient, { clip: 1 });
    expect(totals[TOTALS.gradientNorm]).toBeCloseTo(norm / 4, 4);
    expect(totals[TOTALS.parameterNorm]).toBeCloseTo(Math.sqrt(master.reduce((a, b) => a + b * b, 0)), 4);
    expect(totals[TOTALS.factor]).toBeCloseTo(1 / norm, 7);
    expect(totals[TOTALS.notFinite]).toBe(0);
    expect(norms(gradient, { clip: 0 })[TOTALS.factor]).toBe(0.25);
    expect(norms(gradient, { clip: 1e9 })[TOTALS.factor]).toBe(0.25);
  });

  test.each([NaN, Infinity, -Infinity, 3e38])('%p is found wherever it is', (value) => {
    for (const at of [0, 4 * BLOCK_QUADS - 1, 4 * TWO_BLOCKS - 1]) {
      const values = gradient.slice();
      values[at] = value;
      // The square of 3e38 overflows, though it is finite itself.
      expect(norms(values, { clip: 1 })[TOTALS.notFinite]).toBeGreaterThan(0);
    }
  });

  test('a loss that is not finite is found', () => {
    expect(norms(gradient, { clip: 1, loss: NaN })[TOTALS.notFinite]).toBeGreaterThan(0);
  });

  test('a loss over its limit is found', () => {
    expect(norms(gradient, { clip: 1, loss: 2, lossLimit: 2 })[TOTALS.notFinite]).toBe(0);
    expect(norms(gradient, { clip: 1, loss: 2.5, lossLimit: 2 })[TOTALS.notFinite]).toBeGreaterThan(0);
  });

  test('losses are added up', () => {
    const losses = normals(131);
    const totals = totalsOf({ loss: 2 });
    execute('addLosses', { losses, totals }, { row_count: 130 }, 1);
    const expected = losses.subarray(0, 130).reduce((a, b) => a + b, 2);
    expect(new Float32Array(totals.buffer)[TOTALS.loss]).toBeCloseTo(expected, 4);
  });
});

describe('8-bit copies', () => {
  test.each(['e4m3', 'e5m2'] as const)('%s by current scaling, bit by bit', (format) => {
    const quads = TWO_BLOCKS;
    const master = normals(4 * quads);
    const largest = master.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const partials = new Float32Array(4);
    const scales = new Float32Array(2);
    const working = new Float32Array(4 * quads);
    execute('largest', { master, partials }, { quad_count: quads, first_block: 0 }, 2);
    execute('largestOfAll', { partials, scales }, { block_count: 2, matrix_index: 1 }, 1);
    expect(scales[1]).toBe(largest);
    const sizes = { quad_count: quads, matrix_index: 1 };
    execute(`round.${format}`, { master, working, scales }, sizes, Math.ceil(quads / 64));
    const scale = Math.fround(FORMATS[format].largest / largest);
    const expected = master.map((v) => Math.fround(round(Math.fround(v * scale), format) / scale));
    expect(working).toEqual(expected);
    // The largest magnitude comes out as it went in, up to the division.
    const out = working.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    expect(Math.abs(out - largest)).toBeLessThan(largest * 2 ** -22);
  });

  test('by one factor for all', () => {
    const kernel = updateCalls({ scaling: 1 / 16, narrow: false })['round.e4m3']!.variants[0]!;
    const master = normals(8);
    const working = new Float32Array(8);
    const { faults } = run(kernel, {
      buffers: { master, working, scales: Float32Array.of(1) },
      uniforms: { quad_count: 2, matrix_index: 0 },
      grid: [1, 1, 1],
    });
    expect(faults).toEqual([]);
    expect(working).toEqual(master.map((v) => 16 * round(v / 16, 'e4m3')));
  });

  test('zeros stay zeros', () => {
    const working = new Float32Array(8).fill(1);
    const sizes = { quad_count: 2, matrix_index: 0 };
    execute('round.e4m3', { master: new Float32Array(8), working, scales: new Float32Array(1) }, sizes, 1);
    expect(working).toEqual(new Float32Array(8));
  });
});

function fromBits(bits: number): number {
  return new Float32Array(Uint32Array.of(bits >>> 0).buffer)[0]!;
}

function fromHalf(bits: number): number {
  const [sign, exponent, fraction] = [bits >>> 15 ? -1 : 1, (bits >>> 10) & 31, bits & 1023];
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}
