/** The input of a linear map as row vectors, one a token and kept coordinate, read four columns at a time. */
import type { Size } from '@hyb/runtime';
import { Position, rowDims } from '../../fuse/position.js';
import type { SizedDim } from '../../fuse/position.js';
import type { FusedKernel } from '../../fuse/scope.js';
import type { GraphNode, NodeId } from '../../graph/graph.js';
import { hasTime } from '../../graph/types.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';

const extent = (dims: readonly SizedDim[]): number => dims.reduce((n, d) => n * d.extent, 1);

export class RowVectors {
  /** Columns of a row vector, and in fours. */
  readonly columns: number;
  readonly columns4: number;
  /** Row vectors in a call. */
  readonly count: Size;
  readonly #kept: readonly SizedDim[];
  readonly #contracted: readonly SizedDim[];
  readonly #node: GraphNode;
  /** Node in whose buffer the row vectors lie one after another, in fours. */
  readonly #leaf: NodeId | undefined;

  /** @param names dimensions of the node's value that are columns, in order; all others but time are kept */
  constructor(
    readonly kernel: FusedKernel,
    node: NodeId,
    names: readonly string[],
  ) {
    const { graph } = kernel;
    this.#node = graph.nodes[node]!;
    const dims = rowDims(this.#node.type);
    this.#contracted = names.map((name) => dims.find((d) => d.name === name)!);
    this.#kept = dims.filter((d) => !names.includes(d.name));
    this.columns = extent(this.#contracted);
    this.columns4 = Math.ceil(this.columns / 4);
    const size: Size = hasTime(this.#node.type) ? kernel.context.axis.size : 1;
    this.count = extent(this.#kept) === 1 ? size : ['mul', size, extent(this.#kept)];
    const trailing = [...this.#kept, ...this.#contracted].every((d, i) => d.name === dims[i]?.name);
    const leaf = this.#behindViews(node);
    this.#leaf = trailing && this.columns % 4 === 0 && kernel.isLeaf(leaf) ? leaf : undefined;
  }

  /** The node whose elements the value has, in the same order. */
  #behindViews(id: NodeId): NodeId {
    const node = this.kernel.graph.nodes[id]!;
    const view = (node.op === 'reshape' || node.op === 'rename') && !this.kernel.isLeaf(id);
    return view ? this.#behindViews(node.inputs[0]!) : id;
  }

  /** Columns 4k … 4k + 3 of a row vector; zeros past the end. */
  four(vector: Expression, k: Expression): Expression {
    if (this.#leaf !== undefined) return this.kernel.loadFour(this.#leaf, e.add(e.mul(vector, this.columns4), k));
    const lanes = [0, 1, 2, 3].map((lane) => {
      const column = e.add(e.mul(k, 4), lane);
      if (this.columns % 4 === 0) return this.element(vector, column);
      const clamped = e.min(column, this.columns - 1);
      return e.select(e.lt(column, this.columns), this.element(vector, clamped), e.f32(0));
    });
    return e.vector('vec4f', ...lanes);
  }

  element(vector: Expression, column: Expression): Expression {
    const { builder, evaluator } = this.kernel;
    const count = extent(this.#kept);
    const timed = hasTime(this.#node.type);
    const time = timed ? (count === 1 ? vector : builder.let('time', e.div(vector, count))) : undefined;
    const kept = count === 1 ? e.u32(0) : timed ? builder.let('kept', e.mod(vector, count)) : vector;
    const keptPosition = Position.fromFlat(builder, this.#kept, time, kept);
    const columnPosition = Position.fromFlat(builder, this.#contracted, time, builder.let('column', column));
    const dims = rowDims(this.#node.type);
    const coordinates = Object.fromEntries(
      dims.map((d) => [d.name, (this.#contracted.includes(d) ? columnPosition : keptPosition).at(d.name)]),
    );
    return evaluator.value(this.#node.id, Position.fromCoordinates(builder, dims, time, coordinates));
  }
}
