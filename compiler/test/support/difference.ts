/** Gradient rules against central differences (oracle 1). */
import { createGraphBuilder } from '../../src/graph/builder.js';
import type { LayerGraphBuilder } from '../../src/graph/builder.js';
import type { Graph, NodeId } from '../../src/graph/graph.js';
import { verifyGraph } from '../../src/graph/verify.js';
import { TIME, dim, elementsPerToken, hasTime, tensor } from '../../src/graph/types.js';
import type { Dim } from '../../src/graph/types.js';
import { differentiate } from '../../src/grad/differentiate.js';
import type { Reference } from '../../src/ops/op.js';
import { evaluateGraph, freshSegments } from '../../src/reference/evaluate.js';
import { relativeDifference } from './close.js';
import { random } from './random.js';
import type { Random } from './random.js';

export interface Operand {
  readonly dims: readonly Dim[];
  readonly sample?: (r: Random) => number;
}

/** An operand over time, of these further dimensions. */
export const overTime = (extents: Readonly<Record<string, number>>, sample?: Operand['sample']): Operand => ({
  dims: [TIME, ...Object.entries(extents).map(([name, extent]) => dim(name, extent))],
  ...(sample !== undefined && { sample }),
});
/** A parameter. */
export const fixed = (dims: readonly Dim[], sample?: Operand['sample']): Operand => ({
  dims,
  ...(sample !== undefined && { sample }),
});

const LENGTHS = [4, 1, 3];
const TOKENS = 8;
const STEP = 1e-5;
/** Error of central differences: about STEP² of the third derivative, and rounding of 1e-16 / STEP. */
const TOLERANCE = 2e-7;

/** Draws operands, builds the graph, and compares all its gradients with differences of a random combination of its outputs. */
export function checkGradients(
  operands: readonly Operand[],
  build: (b: LayerGraphBuilder, nodes: readonly NodeId[]) => NodeId,
  options: { readonly seed?: number; readonly tokens?: readonly number[] } = {},
): Graph {
  const draw = random(options.seed ?? 1);
  const timed = operands.filter((o) => o.dims.includes(TIME));
  const width = timed.reduce((n, o) => n + elementsPerToken(tensor(o.dims)), 0);
  const b = createGraphBuilder({ width });
  const parameters = new Map<string, Reference>();
  const x = { shape: [TOKENS, width], data: new Float64Array(TOKENS * width) };
  let start = 0;
  const nodes = operands.map(({ dims, sample }, i) => {
    const type = tensor(dims);
    const size = elementsPerToken(type);
    const value = (): number => (sample === undefined ? draw.normal() : sample(draw));
    if (!hasTime(type)) {
      const path = `p${i}`;
      parameters.set(
        path,
        draw.tensor(
          dims.map((d) => d.extent as number),
          value,
        ),
      );
      return b.parameter({ path, type, init: { kind: 'constant', value: 0 }, role: 'vector' });
    }
    for (let t = 0; t < TOKENS; t++) for (let k = 0; k < size; k++) x.data[t * width + start + k] = value();
    const part = b.add('slice', [b.input('x')], { dim: 'width', start, end: start + size, name: 'part' });
    start += size;
    return b.add('reshape', [part], { dims });
  });
  const graph = b.finish('T', build(b, nodes));
  expect(verifyGraph(graph, { gradients: true })).toEqual([]);
  const segments = freshSegments(...LENGTHS);
  const tokens = options.tokens === undefined ? {} : { tokens: options.tokens };
  const output = (): Reference => evaluateGraph(graph, { x, parameters, segments, ...tokens }).output;
  const gradient = draw.tensor(output().shape);
  const loss = (): number => output().data.reduce((total, value, i) => total + value * gradient.data[i]!, 0);

  const joint = differentiate(graph);
  expect(verifyGraph(joint, { gradients: true })).toEqual([]);
  const { values } = evaluateGraph(joint, { x, parameters, segments, gradient, ...tokens });
  const compare = (name: string, at: Reference, node: NodeId | undefined): void => {
    const differences = at.data.map((value, i) => {
      at.data[i] = value + STEP;
      const above = loss();
      at.data[i] = value - STEP;
      const below = loss();
      at.data[i] = value;
      return (above - below) / (2 * STEP);
    });
    const expected = { shape: at.shape, data: differences };
    const actual = node === undefined ? { shape: at.shape, data: new Float64Array(at.data.length) } : values[node]!;
    expect(actual.shape).toEqual(at.shape);
    const difference = relativeDifference(actual, expected);
    if (!(difference <= TOLERANCE))
      throw new Error(`the gradient of ${name} is off by ${difference} of its largest entry`);
  };
  if (width > 0) compare('x', x, joint.gradients.input);
  for (const [path, value] of parameters) compare(path, value, joint.gradients.parameters[path]);
  return graph;
}
