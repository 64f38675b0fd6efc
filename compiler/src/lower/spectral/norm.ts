/** Largest singular value of a weight, computed once after loading; the result goes to the layer's pack. */
import { linearSets } from '../../fuse/linear-groups.js';
import type { Graph, GraphNode } from '../../graph/graph.js';
import { KernelBuilder } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { CallOperand, KernelCall, VectorLayout } from '../call.js';
import { safeName } from '../names.js';
import { Lanczos, THREADS } from './lanczos.js';

/** Name under which the result stands in the layer's pack of vectors. */
export function spectralNormPath(graph: Graph, node: GraphNode): string {
  const weight = graph.nodes[node.inputs[0]!]! as GraphNode<'parameter'>;
  if (weight.op !== 'parameter') throw new Error('spectral_norm is computed of parameters only');
  return `spectral_norm(${weight.attributes.path})`;
}

/** Where the weight's rows lie in the matrix that the layer's products read. */
function rowsOf(graph: Graph, path: string, fused: boolean): { operand: CallOperand; first: number; stride: number } {
  const weightOf = (id: number): GraphNode<'parameter'> =>
    graph.nodes[graph.nodes[id]!.inputs[1]!]! as GraphNode<'parameter'>;
  for (const { anchors, interleave } of linearSets(graph, fused)) {
    let first = 0;
    const paths = anchors.map((a) => weightOf(a).attributes.path);
    for (const [j, anchor] of anchors.entries()) {
      const { out } = (graph.nodes[anchor] as GraphNode<'linear'>).attributes;
      if (paths[j] === path) {
        const operand = { kind: 'matrix', parameters: paths, interleaved: interleave > 1 } as const;
        return interleave > 1 ? { operand, first: j, stride: interleave } : { operand, first, stride: 1 };
      }
      first += out.reduce((n, d) => n * (d.extent as number), 1);
    }
  }
  throw new Error(`no linear reads ${path}`);
}

export function lowerSpectralNorm(
  graph: Graph,
  node: GraphNode<'spectral_norm'>,
  layout: VectorLayout,
  fused: boolean,
): KernelCall {
  const weight = graph.nodes[node.inputs[0]!]! as GraphNode<'parameter'>;
  const extents = weight.type.dims.map((d) => d.extent as number);
  const product = (n: readonly number[]): number => n.reduce((a, b) => a * b, 1);
  const rows = product(extents.slice(0, node.attributes.rows));
  const columns4 = Math.ceil(product(extents.slice(node.attributes.rows)) / 4);
  const { operand, first, stride } = rowsOf(graph, weight.attributes.path, fused);
  const columns = product(extents.slice(node.attributes.rows));

  const builder = new KernelBuilder();
  const weights = builder.buffer(
    'weights',
    'weights',
    'read',
    `the matrix that holds ${safeName(weight.attributes.path)}`,
  );
  const vectors = builder.buffer('vectors', 'f32', 'read_write', "the layer's small parameters; the result goes there");
  const direction = builder.buffer('direction', 'f32', 'read_write', `Lanczos vector [${columns}, padded]`);
  const residual = builder.buffer('residual', 'f32', 'read_write', 'the vector before, then the residual');
  const image = builder.buffer('image', 'f32', 'read_write', `W times the vector [${rows}]`);
  const lanczos = new Lanczos(
    builder,
    {
      rows,
      columns,
      at: (r, c) => weights.at(e.add(e.mul(e.add(e.mul(r, stride), first), columns4), c)),
    },
    { direction, residual, image },
  );
  const { steps } = lanczos;
  lanczos.run();
  builder.if(e.eq(e.builtin('local_index'), 0), () => {
    const largest = lanczos.largestEigenvalue();
    vectors.set(layout.offsets[spectralNormPath(graph, node)]!, e.call('sqrt', e.max(largest, 0)));
  });

  const kernel = builder.finish({
    name: safeName(`${graph.name}_prepare_${weight.attributes.path}_spectral_norm`),
    doc: `spectral norm of ${safeName(weight.attributes.path)}`,
    workgroupSize: [THREADS, 1, 1],
  });
  const scratch = (name: string, elements: number): CallOperand => ({ kind: 'scratch', node: node.id, name, elements });
  return {
    variants: [kernel],
    label: kernel.doc,
    bindings: {
      [weights.name]: operand,
      [vectors.name]: { kind: 'vectors' },
      [direction.name]: scratch('direction', columns4 * 4),
      [residual.name]: scratch('residual', columns4 * 4),
      [image.name]: scratch('image', rows),
    },
    uniforms: {},
    grid: [1, 1, 1],
    covers: [node.id],
    cost: { weightElements: 2 * steps * rows * columns, values: 0, operations: 4 * steps * rows * columns },
  };
}
