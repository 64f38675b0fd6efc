/**
 * Gradient of a matrix: for each token the outer product of the result's gradient and the input, added up over the call's
 * tokens in order, then to what earlier parts of the batch gave. Tiles of a small matrix keep few workgroups busy: there the
 * tokens are shared out in runs, and a second kernel adds up the runs' sums, in order.
 */
import type { Size } from '@hyb/runtime';
import { FusedKernel } from '../../fuse/scope.js';
import type { FusionContext } from '../../fuse/scope.js';
import type { StructuredGroup } from '../../fuse/group.js';
import type { GraphNode } from '../../graph/graph.js';
import type { Buffer } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { KernelCall } from '../call.js';
import { withVariants } from '../call.js';
import { describe, kernelName } from '../names.js';
import { OUTER_PRODUCTS, TILE_LINES, TILE_QUADS } from './outer-products.js';
import type { OuterProductsVariant } from './outer-products.js';
import { RowVectors } from './row-vectors.js';

/** Workgroups that a matrix is to keep busy, and runs that its tokens are shared out in at most. */
const WORKGROUPS = 128;
const MOST_RUNS = 16;
/** Runs are no shorter than this, and of a multiple of that. */
const SHORTEST_RUN = 256;
const RUN_UNIT = 16;
const THREADS = 64;

export interface MatrixOperand {
  readonly parameters: readonly string[];
  readonly interleaved: boolean;
}

export function lowerMatrixWeightGradient(
  context: FusionContext,
  group: StructuredGroup,
  matrix: MatrixOperand,
): readonly KernelCall[] {
  const weight = (): WeightGradient => new WeightGradient(context, group, matrix);
  if (weight().mostRuns === 1) return [withVariants(OUTER_PRODUCTS.map((variant) => weight().products(variant)))];
  return [withVariants(OUTER_PRODUCTS.map((variant) => weight().productsOfRuns(variant))), weight().sumOfRuns()];
}

/** Makes one kernel. */
class WeightGradient {
  readonly #kernel: FusedKernel;
  readonly #node: GraphNode<'matrix_weight_gradient'>;
  readonly #gradient: RowVectors;
  readonly #input: RowVectors;
  /** Runs in a call at most; 1: the tiles are enough. */
  readonly mostRuns: number;

  constructor(
    readonly context: FusionContext,
    group: StructuredGroup,
    readonly matrix: MatrixOperand,
  ) {
    this.#kernel = new FusedKernel(context, group);
    const { graph } = context;
    this.#node = graph.nodes[group.anchors[0]] as GraphNode<'matrix_weight_gradient'>;
    const [gradient, input] = this.#node.inputs as [number, number];
    this.#gradient = new RowVectors(this.#kernel, gradient, [graph.nodes[gradient]!.type.dims.at(-1)!.name]);
    this.#input = new RowVectors(this.#kernel, input, this.#node.attributes.in);
    const [across, down] = this.#tiles;
    this.mostRuns = Math.min(MOST_RUNS, Math.ceil(WORKGROUPS / (across * down)));
  }

  get #rows(): number {
    return this.#gradient.columns;
  }

  get #tiles(): readonly [number, number] {
    return [Math.ceil(this.#input.columns4 / TILE_QUADS), Math.ceil(this.#rows / TILE_LINES)];
  }

  /** Adds to the matrix straight away. */
  products(variant: OuterProductsVariant): KernelCall {
    const { builder } = this.#kernel;
    const { columns4 } = this.#input;
    const target = this.#target();
    const base = this.#kernel.uniform('row_base', 0, 'u32', 'first row of the bound part of the matrix');
    const count = this.#kernel.uniform('row_count', this.#rows, 'u32', 'rows of the bound part');
    const total = this.#kernel.uniform('vector_count', this.#gradient.count, 'u32', 'row vectors');
    variant.emit({
      builder,
      lines: count,
      quads: columns4,
      first: e.u32(0),
      end: total,
      fours: 'lines',
      left: (vector, four) => this.#gradient.four(vector, e.add(e.div(base, 4), four)),
      right: (vector, quad) => this.#input.four(vector, quad),
      store: (row, quad, sum) => {
        const place = builder.let('place', e.add(e.mul(row, columns4), quad));
        target.set(place, e.add(target.at(place), sum));
      },
    });
    return this.#finish('matmul', variant, {
      weightElements: 2 * this.#rows * this.#input.columns,
      values: this.#read,
      grid: [...this.#tiles, 1],
      split: { buffer: target.name, base: 'row_base', count: 'row_count', axis: 1, rowsPerWorkgroup: TILE_LINES },
    });
  }

  productsOfRuns(variant: OuterProductsVariant): KernelCall {
    const { builder } = this.#kernel;
    const { columns4 } = this.#input;
    const sums = this.#sums('read_write');
    const total = this.#kernel.uniform('vector_count', this.#gradient.count, 'u32', 'row vectors');
    const length = this.#kernel.uniform('run_length', this.#runLength, 'u32', 'row vectors of a run');
    const run = e.builtin('workgroup_z');
    const first = builder.let('first_vector', e.mul(run, length));
    variant.emit({
      builder,
      lines: e.u32(this.#rows),
      quads: columns4,
      first,
      end: builder.let('end_vector', e.min(e.add(first, length), total)),
      fours: 'lines',
      left: (vector, four) => this.#gradient.four(vector, four),
      right: (vector, quad) => this.#input.four(vector, quad),
      store: (row, quad, sum) => {
        const inRun = e.add(e.mul(row, columns4), quad);
        sums.set(builder.let('place', e.add(e.mul(run, this.#rows * columns4), inRun)), sum);
      },
    });
    return this.#finish('matmul_runs', variant, {
      weightElements: 0,
      values: ['add', this.#read, ['mul', this.#runs, this.#rows * this.#input.columns]],
      grid: [...this.#tiles, this.#runs],
    });
  }

  /** Sizes are uniforms, so that the kernel is the same for all matrices. */
  sumOfRuns(): KernelCall {
    const { builder } = this.#kernel;
    const { columns4, columns } = this.#input;
    const rows = this.#rows;
    const target = this.#target();
    const sums = this.#sums('read');
    const base = this.#kernel.uniform('row_base', 0, 'u32', 'first row of the bound part of the matrix');
    const count = this.#kernel.uniform('row_count', rows, 'u32', 'rows of the bound part');
    const quads = this.#kernel.uniform('row_quads', columns4, 'u32', 'fours of a row');
    const pitch = this.#kernel.uniform('run_quads', rows * columns4, 'u32', 'fours of a run');
    const runs = this.#kernel.uniform('run_count', this.#runs, 'u32', 'runs of row vectors');
    const row = e.builtin('workgroup_y');
    const quad = builder.let('quad', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
    builder.if(e.and(e.lt(quad, quads), e.lt(row, count)), () => {
      const place = builder.let('place', e.add(e.mul(row, quads), quad));
      const first = builder.let('first', e.add(place, e.mul(base, quads)));
      const sum = builder.variable('sum', 'vec4f', target.at(place));
      builder.for('run', 0, runs, (run) => sum.set(e.add(sum.value, sums.at(e.add(e.mul(run, pitch), first)))));
      target.set(place, sum.value);
    });
    const moved: Size = ['mul', this.#runs, rows * columns];
    return this.#kernel.finish({
      name: kernelName(this.context.graph, this.context.mode, this.#node.id, 'all_runs'),
      doc: 'Adds up runs of row vectors in the gradient of a matrix.',
      label: `${this.#label}: runs`,
      workgroupSize: [THREADS, 1, 1],
      grid: [Math.ceil(columns4 / THREADS), rows, 1],
      split: { buffer: target.name, base: 'row_base', count: 'row_count', axis: 1, rowsPerWorkgroup: 1 },
      cost: { weightElements: 2 * rows * columns, values: moved, operations: moved },
    });
  }

  /** Elements of the factors. */
  get #read(): Size {
    return ['mul', this.#gradient.count, this.#rows + this.#input.columns];
  }

  get #runLength(): Size {
    const { count } = this.#gradient;
    return ['mul', RUN_UNIT, ['ceil_div', count, ['mul', RUN_UNIT, this.#runsAtMost]]];
  }

  get #runsAtMost(): Size {
    return ['min', this.mostRuns, ['ceil_div', this.#gradient.count, SHORTEST_RUN]];
  }

  get #runs(): Size {
    return ['ceil_div', this.#gradient.count, this.#runLength];
  }

  #target(): Buffer {
    const { parameters, interleaved } = this.matrix;
    const doc = `gradient of the matrix [${this.#rows}, ${this.#input.columns}]`;
    return this.#kernel.bind(
      'matrix_gradient',
      { kind: 'gradient', parameters, interleaved },
      'vec4f',
      'read_write',
      doc,
    );
  }

  #sums(access: 'read' | 'read_write'): Buffer {
    const elements: Size = ['mul', this.#runsAtMost, 4 * this.#rows * this.#input.columns4];
    const scratch = { kind: 'scratch', node: this.#node.id, name: 'runs', elements } as const;
    return this.#kernel.bind('run_sums', scratch, 'vec4f', access, 'sums of runs of row vectors [run, rows, columns]');
  }

  get #label(): string {
    return `${describe(this.context.graph, [this.#node.id])}: gradient of the matrix`;
  }

  #finish(
    name: string,
    variant: OuterProductsVariant,
    {
      weightElements,
      values,
      ...where
    }: Pick<KernelCall, 'grid' | 'split'> & { readonly weightElements: Size; readonly values: Size },
  ): KernelCall {
    return this.#kernel.finish({
      name: kernelName(this.context.graph, this.context.mode, this.#node.id, name),
      doc: this.#label,
      label: this.#label,
      requires: variant.requires,
      workgroupSize: variant.workgroupSize,
      ...where,
      cost: {
        weightElements,
        values,
        operations: ['mul', this.#gradient.count, 2 * this.#rows * this.#input.columns],
      },
    });
  }
}
