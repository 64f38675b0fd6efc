/** Layers built by hand from the papers' formulas, as the standard library would have them: what tests evaluate. */
import { createGraphBuilder } from '../../src/graph/builder.js';
import type { LayerGraphBuilder } from '../../src/graph/builder.js';
import type { Graph, GraphInstance, Initializer, ModelGraph, NodeId } from '../../src/graph/graph.js';
import { TIME, dim, tensor } from '../../src/graph/types.js';
import type { Dim } from '../../src/graph/types.js';

const NORMAL: Initializer = { kind: 'normal', std: 0.02 };
const ONE: Initializer = { kind: 'constant', value: 1 };

export function matrix(b: LayerGraphBuilder, path: string, dims: readonly Dim[]): NodeId {
  return b.parameter({ path, type: tensor(dims), init: NORMAL, role: 'matrix' });
}
export function vector(b: LayerGraphBuilder, path: string, dims: readonly Dim[]): NodeId {
  return b.parameter({ path, type: tensor(dims), init: ONE, role: 'vector' });
}

export function rmsNorm(b: LayerGraphBuilder, x: NodeId, path: string, name: string, eps: number): NodeId {
  const d = b.typeOf(x).dims.find((e) => e.name === name)!;
  const mean = b.add('mean', [b.add('mul', [x, x], {})], { dims: [name] });
  const scale = b.add('rsqrt', [b.add('add', [mean, b.constant(eps)], {})], {});
  return b.add('mul', [b.add('mul', [x, scale], {}), vector(b, path, [d])], {}, { label: 'normed' });
}

function project(b: LayerGraphBuilder, x: NodeId, path: string, from: readonly Dim[], to: readonly Dim[]): NodeId {
  return b.add('linear', [x, matrix(b, `${path}.weight`, [...to, ...from])], { in: from.map((d) => d.name), out: to });
}

/** Puts a mixer into a residual layer with a norm before it. */
export function residualLayer(
  name: string,
  width: number,
  eps: number,
  mixer: (b: LayerGraphBuilder, x: NodeId) => NodeId,
): Graph {
  const b = createGraphBuilder({ width });
  const x = b.input('x');
  const normed = rmsNorm(b, x, 'norm.pre.weight', 'width', eps);
  return b.finish(name, b.add('add', [x, mixer(b, normed)], {}));
}

export interface Mamba2Sizes {
  readonly heads: number;
  readonly head_dim: number;
  readonly state: number;
  readonly groups: number;
  readonly conv: number;
  readonly eps: number;
}

export function mamba2(sizes: Mamba2Sizes, width: number) {
  const { heads, head_dim, state, groups, conv, eps } = sizes;
  const inner = heads * head_dim;
  const channels = inner + 2 * groups * state;
  const W = dim('width', width);
  return (b: LayerGraphBuilder, x: NodeId): NodeId => {
    const z = project(b, x, 'in_z', [W], [dim('inner', inner)]);
    const xbc = project(b, x, 'in_xbc', [W], [dim('channels', channels)]);
    const raw = project(b, x, 'in_dt', [W], [dim('heads', heads)]);
    const C = dim('channels', channels);
    const mixed = b.add(
      'silu',
      [
        b.add('conv1d', [xbc, vector(b, 'mix.weight', [C, dim('kernel', conv)]), vector(b, 'mix.bias', [C])], {
          kernel: conv,
        }),
      ],
      {},
    );
    const part = (start: number, size: number, dims: readonly Dim[]): NodeId =>
      b.add('reshape', [b.add('slice', [mixed], { dim: 'channels', start, end: start + size, name: 'part' })], {
        dims: [TIME, ...dims],
      });
    const u = part(0, inner, [dim('heads', heads), dim('head_dim', head_dim)]);
    const B = part(inner, groups * state, [dim('groups', groups), dim('state', state)]);
    const Cm = part(inner + groups * state, groups * state, [dim('groups', groups), dim('state', state)]);
    const H = [dim('heads', heads)];
    const dt = b.add('softplus', [b.add('add', [raw, vector(b, 'dt_bias', H)], {})], {});
    const A = b.add('neg', [b.add('exp', [vector(b, 'A_log', H)], {})], {});
    const y = b.add('ssd', [u, dt, A, B, Cm], { heads, head_dim, groups, state });
    const skipped = b.add('add', [y, b.add('mul', [vector(b, 'D', H), u], {})], {});
    const flat = b.add('reshape', [skipped], { dims: [TIME, dim('inner', inner)] });
    const gated = b.add('mul', [flat, b.add('silu', [z], {})], {});
    const grouped = b.add('reshape', [gated], {
      dims: [TIME, dim('groups', groups), dim('group_size', inner / groups)],
    });
    const mean = b.add('mean', [b.add('mul', [grouped, grouped], {})], { dims: ['group_size'] });
    const scaled = b.add('mul', [grouped, b.add('rsqrt', [b.add('add', [mean, b.constant(eps)], {})], {})], {});
    const normed = b.add(
      'mul',
      [
        b.add('reshape', [scaled], { dims: [TIME, dim('inner', inner)] }),
        vector(b, 'norm.gated.weight', [dim('inner', inner)]),
      ],
      {},
    );
    return project(b, normed, 'out', [dim('inner', inner)], [W]);
  };
}

export interface AttentionSizes {
  readonly heads: number;
  readonly kv_heads: number;
  readonly head_dim: number;
  readonly rope?: readonly number[];
  readonly pairing?: 'half' | 'interleaved';
  readonly window?: number;
  readonly cap?: number;
  readonly temperature?: number;
  readonly clip?: readonly [number, number];
}

export function attention(
  { heads, kv_heads, head_dim, rope, pairing = 'half', ...rest }: AttentionSizes,
  width: number,
) {
  const W = dim('width', width);
  const D = dim('head_dim', head_dim);
  return (b: LayerGraphBuilder, x: NodeId): NodeId => {
    const turn = (y: NodeId): NodeId =>
      rope === undefined ? y : b.add('rope', [y], { frequencies: rope, pairing, amplitude: 1 });
    const q = turn(project(b, x, 'q', [W], [dim('heads', heads), D]));
    const k = turn(project(b, x, 'k', [W], [dim('kv_heads', kv_heads), D]));
    const v = project(b, x, 'v', [W], [dim('kv_heads', kv_heads), D]);
    const y = b.add('attend', [q, k, v], { scale: head_dim ** -0.5, ...rest });
    return project(b, y, 'o', [dim('heads', heads), D], [W]);
  };
}

export function mlp(inner: number, width: number) {
  const [W, I] = [dim('width', width), dim('inner', inner)];
  return (b: LayerGraphBuilder, x: NodeId): NodeId => {
    const r = b.add('max', [project(b, x, 'up', [W], [I]), b.constant(0)], {});
    return project(b, b.add('pow', [r, b.constant(2)], {}), 'down', [I], [W]);
  };
}

export function gatedMlp(inner: number, width: number) {
  const [W, I] = [dim('width', width), dim('inner', inner)];
  return (b: LayerGraphBuilder, x: NodeId): NodeId => {
    const gate = b.add('silu', [project(b, x, 'gate', [W], [I])], {});
    return project(b, b.add('mul', [gate, project(b, x, 'up', [W], [I])], {}), 'down', [I], [W]);
  };
}

/** Embedding, the layers in order (one graph for each name), norm and head; `tie` shares the embedding's table. */
export function modelOf(
  sizes: { readonly vocab: number; readonly width: number; readonly eps: number; readonly tie?: boolean },
  layers: readonly { readonly alias: string; readonly graph: Graph }[],
): ModelGraph {
  const { vocab, width, eps, tie = false } = sizes;
  const [V, W] = [dim('vocab', vocab), dim('width', width)];
  const e = createGraphBuilder({ width });
  const embedding = e.finish('embedding', e.add('embed', [e.input('tokens'), matrix(e, 'weight', [V, W])], {}));
  const h = createGraphBuilder({ width });
  const normed = rmsNorm(h, h.input('x'), 'norm.weight', 'width', eps);
  const head = h.finish('head', h.add('linear', [normed, matrix(h, 'weight', [V, W])], { in: ['width'], out: [V] }));
  const graphs: Graph[] = [embedding];
  const instances: GraphInstance[] = [{ graph: 0, path: 'embedding', aliases: {} }];
  layers.forEach(({ alias, graph }, layer) => {
    let at = graphs.findIndex((g) => g.name === graph.name);
    if (at < 0) at = graphs.push(graph) - 1;
    instances.push({ graph: at, path: `layers.${layer}`, alias, layer, aliases: {} });
  });
  instances.push({ graph: graphs.length, path: 'head', aliases: tie ? { weight: 'embedding.weight' } : {} });
  return { name: 'Test', vocab, width, context: 4096, graphs: [...graphs, head], instances };
}
