/** The spectral norm computed at loading, against power iteration in f64, in the interpreter and on the adapter. */
import { createGraphBuilder } from '../../src/graph/builder.js';
import type { Graph } from '../../src/graph/graph.js';
import { dim } from '../../src/graph/types.js';
import { TOKENS } from '../../src/fuse/axis.js';
import type { AddedTo } from '../../src/fuse/scope.js';
import { lower, lowerPreparation, vectorLayout } from '../../src/lower/lower.js';
import { topSingular } from '../../src/numeric/singular.js';
import { CallRunner, device } from '../support/device.js';
import { InterpretedRun } from '../support/interpreted.js';
import { matrix } from '../support/layers.js';
import { sizesFor } from '../support/lowered.js';
import type { Run } from '../support/operands.js';
import { random } from '../support/random.js';

/** Two linears of one input, the second divided by its weight's spectral norm. */
function graphOf(width: number, outs: readonly [number, number]): Graph {
  const b = createGraphBuilder({ width });
  const x = b.input('x');
  const W = dim('width', width);
  const [p, q] = outs.map((out, i) => {
    const O = dim(`out${i}`, out);
    return b.add('linear', [x, matrix(b, `w${i}`, [O, W])], { in: ['width'], out: [O] });
  }) as [number, number];
  const sigma = b.add('spectral_norm', [matrix(b, 'w1', [dim('out1', outs[1]), W])], { rows: 1 });
  const scaled = b.add('div', [q, sigma], {});
  const sums = [p, scaled].map((y, i) => b.add('sum', [y], { dims: [`out${i}`] }));
  return b.finish('S', b.add('add', [x, b.add('add', sums as [number, number], {})], {}));
}

describe.each([
  [24, [8, 40]],
  [7, [5, 1]],
  [61, [5, 30]],
  [128, [64, 64]],
] as const)('width %i, outputs %j', (width, outs) => {
  const graph = graphOf(width, outs);
  const r = random(width);
  const parameters = new Map(
    outs.map((out, i) => [`w${i}`, Float32Array.from({ length: out * width }, () => r.normal())] as const),
  );
  const expected = topSingular(Float64Array.from(parameters.get('w1')!), outs[1], width).value;
  const calls = lowerPreparation(graph, true);
  const layout = vectorLayout(graph);
  const run: Run = {
    graph,
    calls,
    parameters,
    sizes: sizesFor(1, 1),
    contents: new Map([['{"kind":"vectors"}', new Float32Array(layout.elements)]]),
  };
  const at = layout.offsets['spectral_norm(w1)']!;

  test('in the interpreter, without a fault', () => {
    const interpreted = new InterpretedRun(run);
    interpreted.execute();
    expect(interpreted.faults).toEqual([]);
    const value = interpreted.buffer({ kind: 'vectors' })[at]!;
    // λ = σ² of WᵀW in f32 sums of `width` products each way: relative error of σ within width · 2^-24.
    expect(Math.abs(value / expected - 1)).toBeLessThan(width * 2 ** -23);
  });

  test('on the adapter', async () => {
    const runner = new CallRunner(await device(), run);
    await runner.execute();
    const value = (await runner.read({ kind: 'vectors' }))[at]!;
    expect(Math.abs(value / expected - 1)).toBeLessThan(width * 2 ** -23);
  });
});

/** A weight whose gradient is three times that of its largest singular value. */
function gradientRun(rows: number, columns: number, w: Float32Array, before: Float32Array): Run {
  const b = createGraphBuilder({ width: columns });
  const weight = matrix(b, 'w', [dim('out', rows), dim('in', columns)]);
  const gradient = b.add('mul', [b.add('spectral_norm_gradient', [weight], { rows: 1 }), b.constant(3)], {});
  const graph = b.finish('S', gradient);
  const place: AddedTo = {
    kind: 'matrix',
    parameters: ['w'],
    interleaved: false,
    row: 0,
    stride: 1,
    columns,
    pitch: Math.ceil(columns / 4) * 4,
  };
  const calls = lower(graph, {
    mode: 'train',
    fused: true,
    axis: TOKENS,
    inPlace: false,
    roots: [graph.output],
    gradients: { matrices: new Map(), added: new Map([[graph.output, [place]]]) },
  });
  return {
    graph,
    calls,
    parameters: new Map([['w', w]]),
    sizes: sizesFor(1, 1),
    contents: new Map([[JSON.stringify(target), before]]),
  };
}
const target = { kind: 'gradient', parameters: ['w'], interleaved: false } as const;

describe.each([
  [1, 7],
  [40, 24],
  [30, 61],
  [96, 96],
])('gradient of a weight [%i, %i]', (rows, columns) => {
  const r = random(rows);
  const w = Float32Array.from({ length: rows * columns }, () => r.normal());
  const pitch = Math.ceil(columns / 4) * 4;
  const before = Float32Array.from({ length: rows * pitch }, () => r.normal());
  const exact = Float64Array.from(w);
  const { value, left, right } = topSingular(exact, rows, columns);
  const rest = exact.map((x, i) => x - value * left[Math.floor(i / columns)]! * right[i % columns]!);
  const gap = 1 - topSingular(rest, rows, columns).value / value;
  /** Rounding in WᵀW of some `columns` units in the last place, that neighbouring singular vectors mix in over the gap. */
  const tolerance = (columns * 2 ** -24) / gap;

  function expectGradient(after: ArrayLike<number>): void {
    let worst = 0;
    for (let i = 0; i < rows * pitch; i++) {
      const [row, column] = [Math.floor(i / pitch), i % pitch];
      const added = column < columns ? 3 * left[row]! * right[column]! : 0;
      worst = Math.max(worst, Math.abs(after[i]! - before[i]! - added));
    }
    expect(worst).toBeLessThan(3 * tolerance + 2 ** -22);
  }

  test('in the interpreter, without a fault', () => {
    const interpreted = new InterpretedRun(gradientRun(rows, columns, w, before));
    interpreted.execute();
    expect(interpreted.faults).toEqual([]);
    expectGradient(interpreted.buffer(target));
  });

  test('on the adapter', async () => {
    const runner = new CallRunner(await device(), gradientRun(rows, columns, w, before));
    await runner.execute();
    expectGradient(await runner.read(target));
  });
});
