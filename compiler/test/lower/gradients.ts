/** Runs the kernels of a gradient's lowering on a ragged batch and compares every gradient with the op's f64 meaning. */
import type { Graph, GraphNode, NodeId } from '../../src/graph/graph.js';
import type { TensorType } from '../../src/graph/types.js';
import type { CallOperand, KernelCall } from '../../src/lower/call.js';
import type { Lowering } from '../../src/lower/scope.js';
import type { OpAttributes, OpName } from '../../src/ops/attributes.js';
import { opDefinition } from '../../src/ops/table.js';
import { random } from '../support/random.js';
import { close } from './against-reference.js';
import { makeBatch } from './batch.js';
import type { Batch } from './batch.js';
import { interpret, runCalls } from './machine.js';
import type { BufferValues, Executor } from './machine.js';
import { graphOfAll, PlainScope, sizeOf } from './plain-scope.js';

/** One gradient op: its inputs' types, and the attributes of its nodes, which differ in `of` if at all. */
export interface GradientCase<N extends OpName> {
  readonly op: N;
  readonly types: readonly TensorType[];
  readonly attributes: readonly OpAttributes[N][];
}

export interface GradientComparison<N extends OpName> {
  readonly gradients: GradientCase<N>;
  readonly lowering: Lowering<N>;
  /** Tokens of each sequence. */
  readonly counts: readonly number[];
  /** Allowed difference, in units of the largest expected value of the compared gradient. */
  readonly tolerance: number;
  readonly seed?: number;
  /** Samples input `i`; by default normal. */
  readonly sample?: (i: number, r: ReturnType<typeof random>) => number;
  readonly execute?: Executor;
}

export async function compareGradients<N extends OpName>(c: GradientComparison<N>): Promise<void> {
  const graph = graphOfAll(c.gradients.op, c.gradients.attributes, c.gradients.types);
  const { types } = c.gradients;
  const nodes = graph.nodes.slice(types.length) as GraphNode<N>[];
  const node = nodes[0]!;
  const batch = makeBatch(
    c.counts.map((count, slot) => ({ slot, count, position: 0 })),
    { slots: c.counts.length, capacity: 0 },
  );
  const { tokens } = batch.sizes;
  const r = random(c.seed ?? 1);
  const inputs = types.map((type, i) =>
    Float32Array.from({ length: sizeOf(type, tokens) }, () => (c.sample ? c.sample(i, r) : r.normal())),
  );
  const calls = c.lowering({ graph, node, nodes, mode: 'train', scope: () => new PlainScope(graph, node) });
  const results = await execute(graph, calls, batch, inputs, c.execute ?? interpret);
  const segments = c.counts.map((length, s) => ({
    start: batch.tables.sequences[4 * s + 1]!,
    length,
    position: 0,
  }));
  const memo = new WeakMap<object, unknown>();
  const references = inputs.map((data, i) => ({
    shape: types[i]!.dims.map((d) => (d.extent === 'time' ? tokens : d.extent)),
    data: Float64Array.from(data),
  }));
  for (const each of nodes) {
    const expected = opDefinition(each.op).evaluate(references, each.attributes as OpAttributes[OpName], {
      tokens,
      segments,
      state: segments.map(() => new Map()),
      types: { inputs: types, output: each.type },
      memo,
    });
    const { of } = each.attributes as { readonly of?: unknown };
    close(`gradient ${String(of ?? '')}`, results.get(each.id)!, expected.data, c.tolerance);
  }
}

async function execute(
  graph: Graph,
  calls: readonly KernelCall[],
  batch: Batch,
  inputs: readonly Float32Array[],
  executor: Executor,
): Promise<ReadonlyMap<NodeId, Float32Array>> {
  const results = new Map<NodeId, Float32Array>(
    graph.nodes
      .slice(inputs.length)
      .map(({ id, type }) => [id, new Float32Array(sizeOf(type, batch.sizes.tokens)).fill(NaN)]),
  );
  const valueOf = (operand: CallOperand): BufferValues => {
    if (operand.kind !== 'value') throw new Error(`a gradient has no ${operand.kind}`);
    return results.get(operand.node) ?? inputs[operand.node]!;
  };
  await runCalls(calls, batch, valueOf, executor);
  return results;
}
