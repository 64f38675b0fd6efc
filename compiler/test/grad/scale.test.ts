/** How training scales what it rounds to 8 bits, in f64. */
import { roundScaled, scaleCasts } from '../../src/grad/scale.js';
import type { Scaling } from '../../src/grad/scale.js';
import { createGraphBuilder } from '../../src/graph/builder.js';
import type { Graph } from '../../src/graph/graph.js';
import { dim, tensor } from '../../src/graph/types.js';
import { FORMATS, round } from '../../src/numeric/format.js';
import { evaluateGraph, freshSegments } from '../../src/reference/evaluate.js';
import { random } from '../support/random.js';

const [TOKENS, WIDTH] = [7, 5];
const X = tensor([dim('time', 'time'), dim('width', WIDTH)]);

function castGraph(to: 'bf16' | 'e4m3' | 'e5m2'): Graph {
  const builder = createGraphBuilder({ width: WIDTH });
  return builder.finish('cast', builder.add('cast', [builder.input('x', X)], { to }));
}

function values(graph: Graph, x: Float64Array): Float64Array {
  const { output } = evaluateGraph(graph, {
    x: { shape: [TOKENS, WIDTH], data: x },
    parameters: () => {
      throw new Error('no parameters');
    },
    segments: freshSegments(TOKENS),
  });
  return output.data;
}

const scaled = (to: 'e4m3' | 'e5m2', scaling: Scaling, x: Float64Array): Float64Array =>
  values(scaleCasts(castGraph(to), scaling).graph, x);

const draw = random(11);
const sample = (size: number): Float64Array =>
  Float64Array.from({ length: TOKENS * WIDTH }, () => Math.fround(size * draw.normal()));

describe.each(['e4m3', 'e5m2'] as const)('%s', (format) => {
  const { largest } = FORMATS[format];

  test.each([1e-9, 1, 1e6])('current scaling makes use of all of the format at magnitudes of %p', (size) => {
    const x = sample(size);
    const most = x.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const found = scaled(format, 'current', x);
    expect(found).toEqual(x.map((v) => round(v * (largest / most), format) / (largest / most)));
    // Half a unit in the last of 3 or 2 bits, of what is not among the subnormal.
    const bound = format === 'e4m3' ? 2 ** -4 : 2 ** -3;
    const normal = most * (format === 'e4m3' ? 2 ** -14 : 2 ** -29);
    x.forEach((v, i) => {
      if (Math.abs(v) > normal) expect(Math.abs(found[i]! - v)).toBeLessThanOrEqual(bound * Math.abs(v));
    });
  });

  test('zeros stay zeros', () => {
    const x = new Float64Array(TOKENS * WIDTH);
    expect(scaled(format, 'current', x)).toEqual(x);
  });

  test('one factor for all tensors saturates and flushes where it is wrong', () => {
    const x = sample(1);
    expect(scaled(format, 4, x)).toEqual(x.map((v) => round(4 * v, format) / 4));
    expect(scaled(format, 2 ** 40, x)).toEqual(x.map((v) => (Math.sign(v) * largest) / 2 ** 40));
    expect(scaled(format, 2 ** -40, x).every((v) => v === 0)).toBe(true);
  });
});

test('only 8-bit formats are scaled', () => {
  const graph = castGraph('bf16');
  expect(scaleCasts(graph, 'current').graph).toBe(graph);
  const builder = createGraphBuilder({ width: WIDTH });
  const x = builder.input('x', X);
  expect(roundScaled(builder, x, 'f32', 'current')).toBe(x);
});
