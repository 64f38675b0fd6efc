import type { Graph } from '../../src/graph/graph.js';
import type { TensorType } from '../../src/graph/types.js';
import type { OpAttributes, OpName } from '../../src/ops/attributes.js';
import type { Reference, Segment } from '../../src/ops/op.js';
import { opDefinition } from '../../src/ops/table.js';

export interface OpResult {
  readonly output: Reference;
  readonly type: TensorType;
  readonly states: readonly ReadonlyMap<string, Reference>[];
}

/** One call of an op outside any graph. */
export function evaluateOp<N extends OpName>(
  name: N,
  inputs: readonly Reference[],
  attributes: OpAttributes[N],
  types: readonly TensorType[],
  segments: readonly Segment[],
  states: readonly ReadonlyMap<string, Reference>[] = [],
): OpResult {
  const definition = opDefinition(name);
  const type = definition.infer(types, attributes as OpAttributes[OpName]);
  const state = segments.map((_, s) => new Map(states[s]));
  const output = definition.evaluate(inputs, attributes as OpAttributes[OpName], {
    tokens: segments.reduce((n, s) => Math.max(n, s.start + s.length), 0),
    segments,
    state,
    types: { inputs: types, output: type },
  });
  return { output, type, states: state };
}

/** The only node of an op in a graph. */
export function nodeOf(graph: Graph, op: OpName) {
  const found = graph.nodes.filter((node) => node.op === op);
  expect(found).toHaveLength(1);
  return found[0]!;
}
