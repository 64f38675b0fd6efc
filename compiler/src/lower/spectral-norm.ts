/**
 * Largest singular value of a weight, computed once after loading: Lanczos on WᵀW in one workgroup (Golub & Van Loan, §10.1),
 * then the largest eigenvalue of the tridiagonal matrix by bisection with Sturm's sequence. Extreme eigenvalues converge
 * first, and loss of orthogonality only repeats them, so nothing is reorthogonalised. The result goes to the layer's pack.
 */
import { linearSets } from '../fuse/linear-groups.js';
import type { Graph, GraphNode } from '../graph/graph.js';
import { KernelBuilder } from '../kernel/build.js';
import * as e from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';
import type { CallOperand, KernelCall, VectorLayout } from './call.js';
import { safeName } from './names.js';

const THREADS = 256;
const STEPS = 48;
const BISECTIONS = 48;

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
  const steps = Math.min(STEPS, rows, columns);

  const builder = new KernelBuilder();
  const matrix = builder.buffer(
    'weights',
    'weights',
    'read',
    `the matrix that holds ${safeName(weight.attributes.path)}`,
  );
  const vectors = builder.buffer('vectors', 'f32', 'read_write', "the layer's small parameters; the result goes there");
  const direction = builder.buffer('direction', 'f32', 'read_write', `Lanczos vector [${columns}, padded]`);
  const residual = builder.buffer('residual', 'f32', 'read_write', 'the vector before, then the residual');
  const image = builder.buffer('image', 'f32', 'read_write', `W times the vector [${rows}]`);
  const partial = builder.shared('partial', 'f32', THREADS);
  const diagonal = builder.shared('diagonal', 'f32', steps);
  const offDiagonal = builder.shared('off_diagonal', 'f32', steps);
  const local = e.builtin('local_index');
  const row = (r: Expression): Expression => e.mul(e.add(e.mul(r, stride), first), columns4);

  /** Sum over the workgroup, known to all. */
  const total = (value: Expression): Expression => {
    partial.set(local, value);
    builder.barrier();
    for (let half = THREADS / 2; half >= 1; half /= 2) {
      builder.if(e.lt(local, half), () => partial.set(local, e.add(partial.at(local), partial.at(e.add(local, half)))));
      builder.barrier();
    }
    const sum = builder.let('sum', partial.at(0));
    builder.barrier();
    return sum;
  };
  /** Own elements: those of every THREADS-th group of four columns. The padding stays zero. */
  const ownColumns = (body: (i: Expression) => void): void =>
    builder.for(
      'c',
      local,
      columns4,
      (c) => {
        for (let lane = 0; lane < 4; lane++) body(builder.let('i', e.add(e.mul(c, 4), lane)));
      },
      { step: THREADS },
    );

  builder.comment('a start without structure');
  const square = builder.variable('square', 'f32', e.f32(0));
  ownColumns((i) => {
    const wave = e.add(e.mul(e.call('sin', e.add(e.mul(e.convert('f32', e.mod(i, 1024)), 2.399963), 1)), 0.5), 1);
    const start = builder.let('value', e.select(e.lt(i, columns), wave, e.f32(0)));
    direction.set(i, start);
    residual.set(i, e.f32(0));
    square.set(e.add(square.value, e.mul(start, start)));
  });
  const scale = builder.let('scale', e.call('rsqrt', total(square.value)));
  ownColumns((i) => direction.set(i, e.mul(direction.at(i), scale)));
  builder.barrier({ storage: true });

  const beta = builder.variable('beta', 'f32', e.f32(0));
  builder.for('step', 0, steps, (step) => {
    builder.for(
      'r',
      local,
      rows,
      (r) => {
        const sum = builder.variable('product', 'f32', e.f32(0));
        const start = builder.let('start', row(r));
        builder.for('c', 0, columns4, (c) => {
          const at = builder.let('at', e.mul(c, 4));
          const v = e.vector(
            'vec4f',
            direction.at(at),
            direction.at(e.add(at, 1)),
            direction.at(e.add(at, 2)),
            direction.at(e.add(at, 3)),
          );
          sum.set(e.add(sum.value, e.dot(matrix.at(e.add(start, c)), v)));
        });
        image.set(r, sum.value);
      },
      { step: THREADS },
    );
    builder.barrier({ storage: true });
    const along = builder.variable('along', 'f32', e.f32(0));
    builder.for(
      'c',
      local,
      columns4,
      (c) => {
        const sum = builder.variable('column_sums', 'vec4f', e.vector('vec4f', 0));
        builder.for('r', 0, rows, (r) => sum.set(e.add(sum.value, e.mul(matrix.at(e.add(row(r), c)), image.at(r)))));
        for (let lane = 0; lane < 4; lane++) {
          const i = builder.let('i', e.add(e.mul(c, 4), lane));
          const next = builder.let('next', e.sub(e.component(sum.value, lane), e.mul(beta.value, residual.at(i))));
          residual.set(i, next);
          along.set(e.add(along.value, e.mul(next, direction.at(i))));
        }
      },
      { step: THREADS },
    );
    const alpha = total(along.value);
    const rest = builder.variable('rest', 'f32', e.f32(0));
    ownColumns((i) => {
      const next = builder.let('next', e.sub(residual.at(i), e.mul(alpha, direction.at(i))));
      residual.set(i, next);
      rest.set(e.add(rest.value, e.mul(next, next)));
    });
    const length = builder.let('length', e.call('sqrt', total(rest.value)));
    beta.set(length);
    builder.if(e.eq(local, 0), () => {
      diagonal.set(step, alpha);
      offDiagonal.set(step, length);
    });
    const inverse = builder.let(
      'inverse',
      e.select(e.gt(length, e.mul(alpha, 1e-7)), e.div(e.f32(1), e.max(length, 1e-30)), e.f32(0)),
    );
    ownColumns((i) => {
      const old = builder.let('old', direction.at(i));
      direction.set(i, e.mul(residual.at(i), inverse));
      residual.set(i, old);
    });
    builder.barrier({ storage: true });
  });

  builder.if(e.eq(local, 0), () => {
    const high = builder.variable('high', 'f32', e.f32(0));
    builder.for('s', 0, steps, (s) => {
      const before = e.select(e.gt(s, 0), offDiagonal.at(e.max(e.sub(e.max(s, 1), 1), e.u32(0))), e.f32(0));
      high.set(e.max(high.value, e.sum(diagonal.at(s), offDiagonal.at(s), before)));
    });
    const low = builder.variable('low', 'f32', e.f32(0));
    builder.for('b', 0, BISECTIONS, () => {
      const middle = builder.let('middle', e.mul(e.add(low.value, high.value), 0.5));
      const pivot = builder.variable('pivot', 'f32', e.sub(diagonal.at(0), middle));
      const above = builder.variable('above', 'u32', e.select(e.gt(pivot.value, 0), e.u32(1), e.u32(0)));
      builder.for('s', 1, steps, (s) => {
        const off = builder.let('off', offDiagonal.at(e.sub(s, 1)));
        const safe = e.select(e.lt(e.call('abs', pivot.value), 1e-30), e.f32(-1e-30), pivot.value);
        pivot.set(e.sub(e.sub(diagonal.at(s), middle), e.div(e.mul(off, off), safe)));
        builder.if(e.gt(pivot.value, 0), () => above.set(e.u32(1)));
      });
      builder.if(
        e.eq(above.value, 1),
        () => low.set(middle),
        () => high.set(middle),
      );
    });
    vectors.set(layout.offsets[spectralNormPath(graph, node)]!, e.call('sqrt', e.max(low.value, 0)));
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
      [matrix.name]: operand,
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
