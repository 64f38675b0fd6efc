/** What matrix-vector and matrix-matrix lowering share: the matrix of a group, its segments, its input and its results. */
import type { AnchorValues, FusedKernel } from '../../fuse/scope.js';
import type { LinearGroup } from '../../fuse/group.js';
import { Position, rowDims } from '../../fuse/position.js';
import type { SizedDim } from '../../fuse/position.js';
import type { Graph, GraphNode } from '../../graph/graph.js';
import { hasTime } from '../../graph/types.js';
import type { Buffer } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { Operand } from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import type { Size } from '@hyb/runtime';
import type { KernelCall } from '../call.js';
import { describe } from '../names.js';

const lift = (value: Operand): Expression => (typeof value === 'number' ? e.u32(value) : value);
const extent = (dims: readonly SizedDim[]): number => dims.reduce((n, d) => n * d.extent, 1);

export class LinearShape {
  readonly anchors: readonly GraphNode<'linear'>[];
  readonly interleave: number;
  /** Rows that an invocation finishes together. */
  readonly unit: number;
  /** Where the matrix may be parted: multiples of this many rows. */
  readonly partRows: number;
  /** Rows of the whole matrix, and its columns in elements and in loads of four (the last one padded with zeros). */
  readonly rows: number;
  readonly columns: number;
  readonly columns4: number;
  readonly weights: Buffer;
  /** Dimensions of the input besides time that are kept, and those contracted, in order. */
  readonly kept: readonly SizedDim[];
  readonly contracted: readonly SizedDim[];
  /** Row vectors of the input in a call. */
  readonly vectors: Size;
  readonly #starts: readonly number[];
  /** The input lies in a buffer that can be read four elements at a time. */
  readonly #aligned: boolean;

  constructor(
    readonly kernel: FusedKernel,
    readonly group: LinearGroup,
  ) {
    this.anchors = group.anchors.map((id) => kernel.graph.nodes[id] as GraphNode<'linear'>);
    this.interleave = group.interleave;
    this.unit = group.rowPairs ? 2 : group.interleave;
    this.partRows = group.rowPairs?.block ?? 1;
    const first = this.anchors[0]!;
    const input = kernel.graph.nodes[first.inputs[0]!]!;
    this.contracted = first.attributes.in.map((name) => rowDims(input.type).find((d) => d.name === name)!);
    this.kept = rowDims(input.type).filter((d) => !first.attributes.in.includes(d.name));
    this.columns = extent(this.contracted);
    this.columns4 = Math.ceil(this.columns / 4);
    let rows = 0;
    this.#starts = this.anchors.map((a) => {
      const start = rows;
      rows += extent(a.attributes.out as readonly SizedDim[]);
      return start;
    });
    this.rows = rows;
    const keptCount = extent(this.kept);
    // Where something else in the kernel reads the same buffer element by element it has to be one of elements.
    const readElsewhere = [...group.epilogue, ...group.stores, ...group.reductions].some(
      (id) => !group.anchors.includes(id) && kernel.graph.nodes[id]!.inputs.includes(input.id),
    );
    this.#aligned =
      kernel.isLeaf(input.id) &&
      input.op !== 'input' &&
      hasTime(input.type) &&
      !readElsewhere &&
      this.columns % 4 === 0 &&
      [...this.kept, ...this.contracted].every((d, i) => d.name === rowDims(input.type)[i]?.name);
    const size: Size = hasTime(input.type) ? kernel.context.axis.size : 1;
    this.vectors = keptCount === 1 ? size : ['mul', size, keptCount];
    this.weights = kernel.bind(
      'weights',
      {
        kind: 'matrix',
        parameters: this.anchors.map((a) => weightPath(kernel.graph, a)),
        interleaved: this.interleave > 1,
      },
      'weights',
      'read',
      `weights [${rows}, ${this.columns}]`,
    );
  }

  /** Token and kept coordinate of a row vector's index. */
  split(vector: Expression): { time: Expression; kept: Expression } {
    const keptCount = extent(this.kept);
    if (keptCount === 1) return { time: vector, kept: e.u32(0) };
    const { builder } = this.kernel;
    return { time: builder.let('time', e.div(vector, keptCount)), kept: builder.let('kept', e.mod(vector, keptCount)) };
  }

  /** Row `lane` of the unit with this index: rows of a unit need not be neighbours. */
  rowOfUnit(unit: Expression, lane: Operand): Expression {
    const pairs = this.group.rowPairs;
    if (!pairs || pairs.pairing === 'interleaved') return e.add(e.mul(unit, this.unit), lane);
    const { builder } = this.kernel;
    const half = pairs.block / 2;
    const block = builder.let('block', e.mul(e.div(unit, half), pairs.block));
    const pair = builder.let('pair', e.mod(unit, half));
    const turned = e.add(pair, e.mul(lift(lane), pairs.pairs));
    // Elements past those that are turned, two by two.
    const rest = e.add(e.mul(pair, 2), lane);
    return e.add(block, pairs.pairs === half ? turned : e.select(e.lt(pair, pairs.pairs), turned, rest));
  }

  /** Input columns 4k … 4k + 3 of the row vector; past the end, where weights are zero, the last one again. */
  input4(time: Expression, kept: Expression, k: Expression): Expression {
    if (this.#aligned) {
      return this.kernel.load4(this.anchors[0]!.inputs[0]!, time, e.add(e.mul(kept, this.columns4), k));
    }
    const ragged = this.columns % 4 !== 0;
    const lanes = [0, 1, 2, 3].map((lane) => {
      const column = e.add(e.mul(k, 4), lane);
      return this.input(time, kept, ragged && lane > 0 ? e.min(column, this.columns - 1) : column);
    });
    return e.vector('vec4f', ...lanes);
  }

  input(time: Expression, kept: Expression, column: Expression): Expression {
    const { builder, graph, evaluator } = this.kernel;
    const input = graph.nodes[this.anchors[0]!.inputs[0]!]!;
    const dims = rowDims(input.type);
    const at = hasTime(input.type) ? time : undefined;
    const trailing = [...this.kept, ...this.contracted].every((d, i) => d.name === dims[i]?.name);
    const k = builder.let('column', column);
    if (trailing) {
      return evaluator.value(input.id, Position.fromFlat(builder, dims, at, e.add(e.mul(kept, this.columns), k)));
    }
    const keptPosition = Position.fromFlat(builder, this.kept, at, kept);
    const columnPosition = Position.fromFlat(builder, this.contracted, at, k);
    const coordinates = Object.fromEntries(
      dims.map((d) => [d.name, (this.contracted.includes(d) ? columnPosition : keptPosition).at(d.name)]),
    );
    return evaluator.value(input.id, Position.fromCoordinates(builder, dims, at, coordinates));
  }

  /** Adds biases and runs the epilogues of a unit of matrix rows. */
  store(time: Expression, kept: Expression, rows: readonly Expression[], values: readonly Expression[]): void {
    const { builder } = this.kernel;
    if (this.interleave > 1) {
      const unit = builder.let('unit', e.div(rows[0]!, this.interleave));
      const results = this.anchors.map((anchor, j) => ({ anchor, at: unit, value: values[j]! }));
      this.kernel.store(this.#anchorValues(time, kept, results));
      return;
    }
    const branch = (i: number): void => {
      const anchor = this.anchors[i]!;
      const start = this.#starts[i]!;
      const own = (): void => {
        const lanes = rows.map((row, lane) => {
          const at = start === 0 ? row : builder.let('at', e.sub(row, start));
          return this.#anchorValues(time, kept, [{ anchor, at, value: values[lane]! }]);
        });
        this.kernel.storeLanes(lanes as [AnchorValues] | [AnchorValues, AnchorValues]);
      };
      if (i === this.anchors.length - 1) own();
      else builder.if(e.lt(rows[0]!, this.#starts[i + 1]!), own, () => branch(i + 1));
    };
    branch(0);
  }

  #anchorValues(
    time: Expression,
    kept: Expression,
    results: readonly { anchor: GraphNode<'linear'>; at: Expression; value: Expression }[],
  ): AnchorValues {
    const { builder } = this.kernel;
    return new Map(
      results.map(({ anchor, at, value }) => {
        const out = anchor.attributes.out as readonly SizedDim[];
        const bias = anchor.inputs[2];
        const total =
          bias === undefined
            ? value
            : builder.let(
                'biased',
                e.add(value, this.kernel.evaluator.value(bias, Position.fromFlat(builder, out, undefined, at))),
              );
        const flat = e.add(e.mul(kept, extent(out)), at);
        const position = Position.fromFlat(
          builder,
          rowDims(anchor.type),
          hasTime(anchor.type) ? time : undefined,
          flat,
        );
        return [anchor.id, { position, value: total }];
      }),
    );
  }

  cost(vectors: Size): KernelCall['cost'] {
    return {
      weightElements: this.rows * this.columns,
      values: this.kernel.moved(),
      operations: ['mul', vectors, 2 * this.rows * this.columns],
    };
  }
}

export function weightPath(graph: Graph, linear: GraphNode<'linear'>): string {
  const weight = graph.nodes[linear.inputs[1]!]!;
  if (weight.op !== 'parameter') throw new Error('the weight of a fused linear is a parameter');
  return (weight as GraphNode<'parameter'>).attributes.path;
}

export function linearLabel(graph: Graph, group: LinearGroup): string {
  const computed = describe(graph, [...group.reductions, ...group.anchors, ...group.epilogue]);
  const names = group.cacheWrites.map(({ name }) => `${name}s`);
  return names.length > 0 ? `${computed} + append ${names.join(' and ')}` : computed;
}
