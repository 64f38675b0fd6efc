/** Recurrences that the scan's lowering is tested with: those of the papers, and awkward ones. */
import type { BodyBuilder } from '../../src/graph/body-builder.js';
import { createBodyBuilder } from '../../src/graph/body-builder.js';
import type { Graph, GraphNode, NodeId } from '../../src/graph/graph.js';
import type { Dim, TensorType } from '../../src/graph/types.js';
import { TIME, dim, tensor } from '../../src/graph/types.js';
import type { GradientCase } from './gradients.js';
import { graphOf } from './plain-scope.js';

export interface ScanCase {
  readonly states: readonly { readonly dims: readonly Dim[]; readonly initial?: readonly Dim[] }[];
  /** Dimensions of outer values; `time` first where they have it. */
  readonly outers: readonly (readonly Dim[])[];
  readonly body: (b: BodyBuilder) => { readonly next: readonly NodeId[]; readonly yields: NodeId };
}

export function scanGraph({ states, outers, body }: ScanCase): Graph {
  const types: readonly TensorType[] = [
    ...states.map(({ dims, initial }) => tensor(initial ?? dims)),
    ...outers.map((dims) => tensor(dims)),
  ];
  const b = createBodyBuilder(
    states.map((s) => tensor(s.dims)),
    types.slice(states.length),
  );
  const { next, yields } = body(b);
  return graphOf('scan', { body: b.finishBody(next, yields) }, types);
}

/** A vector that decays at its own rate in each channel: h = a h + sqrt(1 - a²) i x, with the gates from outside. */
export function decaying(width: number): ScanCase {
  const W = dim('width', width);
  return {
    states: [{ dims: [W], initial: [] }],
    outers: [
      [TIME, W],
      [TIME, W],
      [TIME, W],
    ],
    body: (b) => {
      const [h, gate, i, x] = [b.state(0), b.add('sigmoid', [b.input(0)], {}), b.input(1), b.input(2)];
      const rest = b.add('sqrt', [b.add('sub', [b.constant(1), b.add('mul', [gate, gate], {})], {})], {});
      const fresh = b.add('mul', [rest, b.add('mul', [b.add('sigmoid', [i], {}), x], {})], {});
      const next = b.add('add', [b.add('mul', [gate, h], {}), fresh], {});
      return { next: [next], yields: next };
    },
  };
}

/** A matrix that forgets and corrects, with heads: S = α S + β (v - α S k) kᵀ, y = S q. */
export function correcting(heads: number, dv: number, dk: number): ScanCase {
  const [H, V, K] = [dim('heads', heads), dim('value', dv), dim('key', dk)];
  return {
    states: [{ dims: [H, V, K], initial: [] }],
    outers: [
      [TIME, H, K],
      [TIME, H, K],
      [TIME, H, V],
      [TIME, H],
      [TIME, H],
    ],
    body: (b) => {
      const mul = (x: NodeId, y: NodeId): NodeId => b.add('mul', [x, y], {});
      const unit = (x: NodeId): NodeId => {
        const norm = b.add(
          'sqrt',
          [b.add('add', [b.add('sum', [mul(x, x)], { dims: ['key'] }), b.constant(1e-6)], {})],
          {},
        );
        return b.add('div', [x, norm], {});
      };
      const [q, k, v] = [b.input(0), unit(b.input(1)), b.input(2)];
      const [alpha, beta] = [b.add('sigmoid', [b.input(3)], {}), b.add('sigmoid', [b.input(4)], {})];
      const decayed = mul(alpha, b.state(0));
      const read = b.add('sum', [mul(decayed, k)], { dims: ['key'] });
      const change = mul(mul(beta, b.add('sub', [v, read], {})), k);
      const next = b.add('add', [decayed, change], {});
      return { next: [next], yields: b.add('sum', [mul(next, q)], { dims: ['key'] }) };
    },
  };
}

/** xLSTM's matrix memory with its stabiliser: three states of different dimensions. */
export function matrixMemory(heads: number, d: number): ScanCase {
  const [H, V, K] = [dim('heads', heads), dim('value', d), dim('key', d)];
  return {
    states: [
      { dims: [H, V, K], initial: [] },
      { dims: [H, K], initial: [K] },
      { dims: [H], initial: [] },
    ],
    outers: [
      [TIME, H, K],
      [TIME, H, K],
      [TIME, H, V],
      [TIME, H],
      [TIME, H],
    ],
    body: (b) => {
      const mul = (x: NodeId, y: NodeId): NodeId => b.add('mul', [x, y], {});
      const [C, n, m] = [b.state(0), b.state(1), b.state(2)];
      const [q, k, v, i, f] = [b.input(0), b.input(1), b.input(2), b.input(3), b.input(4)] as const;
      const forget = b.add('neg', [b.add('softplus', [b.add('neg', [f], {})], {})], {});
      const kept = b.add('add', [forget, m], {});
      const largest = b.add('max', [kept, i], {});
      const [fp, ip] = [kept, i].map((x) => b.add('exp', [b.add('sub', [x, largest], {})], {})) as [NodeId, NodeId];
      const nextC = b.add('add', [mul(fp, C), mul(ip, mul(v, k))], {});
      const nextN = b.add('add', [mul(fp, n), mul(ip, k)], {});
      const total = b.add('sum', [mul(nextN, q)], { dims: ['key'] });
      const scale = b.add('max', [b.add('abs', [total], {}), b.constant(1)], {});
      const y = b.add('sum', [mul(nextC, q)], { dims: ['key'] });
      return { next: [nextC, nextN, largest], yields: b.add('div', [y, scale], {}) };
    },
  };
}

/** A dense recurrence h = tanh(W h + x): every element reads every other; W is an outer value without time. */
export function dense(width: number): ScanCase {
  const [W, J] = [dim('width', width), dim('from', width)];
  return {
    states: [{ dims: [W] }],
    outers: [
      [W, J],
      [TIME, W],
    ],
    body: (b) => {
      const from = b.add('rename', [b.state(0)], { names: { width: 'from' } });
      const mixed = b.add(
        'mul',
        [b.add('sum', [b.add('mul', [b.input(0), from], {})], { dims: ['from'] }), b.constant(0.1)],
        {},
      );
      const next = b.add('tanh', [b.add('add', [mixed, b.input(1)], {})], {});
      return { next: [next], yields: next };
    },
  };
}

/** Two states that change places, one of them transposed; the old one is yielded. */
export function swapping(rows: number, columns: number): ScanCase {
  const [A, B] = [dim('a', rows), dim('b', columns)];
  return {
    states: [{ dims: [A, B] }, { dims: [B, A], initial: [A] }],
    outers: [[TIME, A]],
    body: (b) => {
      const [S, R] = [b.state(0), b.state(1)];
      const next = b.add('add', [b.add('transpose', [R], { order: ['a', 'b'] }), b.input(0)], {});
      const other = b.add('mul', [b.add('transpose', [S], { order: ['b', 'a'] }), b.constant(0.5)], {});
      const all = b.add('amax', [b.add('mul', [S, R], {})], { dims: ['b'] });
      return { next: [next, other], yields: b.add('add', [all, b.add('amin', [R], { dims: ['b'] })], {}) };
    },
  };
}

/** Reads three tokens, a count, a shared scalar, reshaped heads and a mean over few elements. */
export function shifting(heads: number, width: number): ScanCase {
  const [H, P, W] = [dim('heads', heads), dim('part', width), dim('width', heads * width)];
  return {
    states: [
      { dims: [H, P], initial: [P] },
      { dims: [], initial: [] },
    ],
    outers: [[TIME, W], [W], [TIME], []],
    body: (b) => {
      const split = (x: NodeId): NodeId => b.add('reshape', [x], { dims: [H, P] });
      const recent = [0, 1, 3].map((offset) => split(b.input(0, offset))).reduce((x, y) => b.add('add', [x, y], {}));
      const gate = b.add('mul', [b.add('sigmoid', [b.input(2)], {}), b.add('sigmoid', [b.input(2, 2)], {})], {});
      const centre = b.add('mean', [b.state(0)], { dims: ['part'] });
      const fresh = b.add('mul', [recent, split(b.input(1))], {});
      const next = b.add('add', [b.add('mul', [b.add('sub', [b.state(0), centre], {}), gate], {}), fresh], {});
      const count = b.add('add', [b.state(1), b.constant(0.25)], {});
      const large = b.add('less', [b.input(3), next], {});
      const flat = b.add('reshape', [b.add('where', [large, next, count], {})], { dims: [W] });
      return { next: [next, count], yields: flat };
    },
  };
}

/** All gradients of a case. */
export function scanGradients(scanCase: ScanCase): GradientCase<'scan_gradient'> {
  const graph = scanGraph(scanCase);
  const node = graph.nodes[graph.output] as GraphNode<'scan'>;
  return {
    op: 'scan_gradient',
    types: [...node.inputs.map((i) => graph.nodes[i]!.type), node.type],
    attributes: node.inputs.map((_, of) => ({ ...node.attributes, of })),
  };
}
