/**
 * The gradient of a weight's largest singular value: the outer product of its singular vectors. They come from Lanczos with all
 * its vectors kept orthogonal, in one workgroup; then every element is its own.
 */
import type { StructuredGroup } from '../../fuse/group.js';
import type { AddedTo, FusionContext } from '../../fuse/scope.js';
import { FusedKernel } from '../../fuse/scope.js';
import type { GraphNode } from '../../graph/graph.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import type { CallOperand, KernelCall } from '../call.js';
import { describe, kernelName } from '../names.js';
import { Lanczos, lanczosSteps, THREADS } from './lanczos.js';

type GradientNode = GraphNode<'spectral_norm_gradient'>;
type MatrixPlace = Extract<AddedTo, { kind: 'matrix' }>;

/** Rows of the result that an invocation stores. */
const ROWS = 8;

export function lowerSpectralNormGradient(context: FusionContext, group: StructuredGroup): readonly KernelCall[] {
  return [singularVectors(context, group), outerProduct(context, group)];
}

function nodeOf({ graph }: FusionContext, { anchors }: StructuredGroup) {
  const node = graph.nodes[anchors[0]]! as GradientNode;
  const extents = node.type.dims.map((d) => d.extent as number);
  const size = (of: readonly number[]): number => of.reduce((n, extent) => n * extent, 1);
  const { rows } = node.attributes;
  return { node, rows: size(extents.slice(0, rows)), columns: size(extents.slice(rows)) };
}

/** Where the weight lies: where its gradient does, which this one is a summand of. */
function placeOf({ graph, gradients }: FusionContext, node: GradientNode): MatrixPlace {
  for (const [id, places] of gradients?.added ?? []) {
    const place = places.find((p): p is MatrixPlace => p.kind === 'matrix');
    if (place && (id === node.id || graph.nodes[id]!.inputs.includes(node.id))) return place;
  }
  throw new Error("the gradient of a spectral norm is no summand of a matrix's gradient");
}

function bindVector(
  kernel: FusedKernel,
  node: GradientNode,
  name: string,
  elements: number,
  access: 'read' | 'read_write',
) {
  const operand: CallOperand = { kind: 'scratch', node: node.id, name, elements };
  return kernel.bind(name, operand, 'f32', access, `${name} [${elements}]`);
}

function singularVectors(context: FusionContext, group: StructuredGroup): KernelCall {
  const { graph, mode } = context;
  const { node, rows, columns } = nodeOf(context, group);
  const { parameters, interleaved, row, stride, pitch } = placeOf(context, node);
  const kernel = new FusedKernel(context, group);
  const { builder } = kernel;
  const operand: CallOperand = { kind: 'matrix', parameters, interleaved };
  const weights = kernel.bind('weights', operand, 'weights', 'read', 'the matrix that holds the weight');
  const padded = 4 * Math.ceil(columns / 4);
  const steps = lanczosSteps({ rows, columns });
  const vector = (name: string, elements: number) => bindVector(kernel, node, name, elements, 'read_write');
  const [right, left] = [vector('right', padded), vector('left', rows)];
  const all = vector('lanczos_vectors', steps * padded);
  const lanczos = new Lanczos(
    builder,
    { rows, columns, at: (r, c) => weights.at(e.add(e.mul(e.add(e.mul(r, stride), row), pitch / 4), c)) },
    { direction: right, residual: vector('residual', padded), image: left, all },
  );
  const local = e.builtin('local_index');
  const shares = builder.shared('shares', 'f32', steps);
  lanczos.run();
  builder.comment('the vector whose image is longest, and its image');
  builder.if(e.eq(local, 0), () => lanczos.eigenvector(builder.let('eigenvalue', lanczos.largestEigenvalue()), shares));
  builder.barrier();
  /** One over the root of a sum of squares over the workgroup; zero of zero. */
  const inverseRoot = (square: Expression): Expression => {
    const whole = lanczos.total(square);
    return builder.let('inverse', e.select(e.gt(whole, 0), e.call('rsqrt', e.max(whole, 1e-38)), e.f32(0)));
  };
  const length = builder.variable('length', 'f32', e.f32(0));
  lanczos.ownColumns((i) => {
    const sum = builder.variable('sum', 'f32', e.f32(0));
    builder.for('s', 0, steps, (s) => {
      sum.set(e.add(sum.value, e.mul(shares.at(s), all.at(e.add(e.mul(s, padded), i)))));
    });
    right.set(i, sum.value);
    length.set(e.add(length.value, e.mul(sum.value, sum.value)));
  });
  const scale = inverseRoot(length.value);
  lanczos.ownColumns((i) => right.set(i, e.mul(right.at(i), scale)));
  builder.barrier({ storage: true });
  lanczos.multiply();
  const ownRows = (body: (r: Expression) => void): void => builder.for('r', local, rows, body, { step: THREADS });
  const square = builder.variable('square', 'f32', e.f32(0));
  ownRows((r) => square.set(e.add(square.value, e.mul(left.at(r), left.at(r)))));
  const unit = inverseRoot(square.value);
  ownRows((r) => left.set(r, e.mul(left.at(r), unit)));
  return kernel.finish({
    name: kernelName(graph, mode, node.id, 'singular_vectors'),
    doc: 'Singular vectors of the largest singular value of a weight.',
    label: `${describe(graph, [node.id])}: singular vectors`,
    workgroupSize: [THREADS, 1, 1],
    grid: [1, 1, 1],
    cost: { weightElements: 2 * steps * rows * columns, values: 0, operations: 4 * steps * rows * columns },
  });
}

function outerProduct(context: FusionContext, group: StructuredGroup): KernelCall {
  const { graph, mode } = context;
  const { node, rows, columns } = nodeOf(context, group);
  const kernel = new FusedKernel(context, group);
  const { builder } = kernel;
  const right = bindVector(kernel, node, 'right', 4 * Math.ceil(columns / 4), 'read');
  const left = bindVector(kernel, node, 'left', rows, 'read');
  const column = builder.let('column', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
  const first = builder.let('first_row', e.mul(e.builtin('workgroup_y'), ROWS));
  builder.if(e.lt(column, columns), () => {
    const factor = builder.let('factor', right.at(column));
    builder.for('row', first, e.min(e.add(first, ROWS), rows), (row) => {
      const flat = builder.let('flat', e.add(e.mul(row, columns), column));
      const position = kernel.flatPosition(node.id, undefined, flat);
      const value = builder.let('product', e.mul(left.at(row), factor));
      kernel.store(new Map([[node.id, { position, value }]]));
    });
  });
  return kernel.finish({
    name: kernelName(graph, mode, node.id, 'outer_product'),
    doc: 'Gradient of the largest singular value of a weight.',
    label: describe(graph, [node.id]),
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(columns / THREADS), Math.ceil(rows / ROWS), 1],
    cost: { weightElements: 0, values: 2 * rows * columns, operations: rows * columns },
  });
}
