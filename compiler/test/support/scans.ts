/** Recurrences of the papers as `scan` bodies, for tests. */
import { createBodyBuilder } from '../../src/graph/body-builder.js';
import type { LayerGraphBuilder } from '../../src/graph/builder.js';
import type { NodeId } from '../../src/graph/graph.js';
import { TIME, dim, tensor } from '../../src/graph/types.js';
import { matrix } from './layers.js';

/** h_t = a_t h_{t-1} + (1 - a_t) x_t, a = sigmoid(W x): a gated leaky average. */
export function leaky(width: number) {
  const W = dim('width', width);
  return (b: LayerGraphBuilder, x: NodeId): NodeId => {
    const a = b.add(
      'sigmoid',
      [b.add('linear', [x, matrix(b, 'gate.weight', [W, W])], { in: ['width'], out: [W] })],
      {},
    );
    const outers = [a, x];
    const body = createBodyBuilder([tensor([W])], outers.map(b.typeOf));
    const [h, at, xt] = [body.state(0), body.input(0), body.input(1)];
    const rest = body.add('sub', [body.constant(1), at], {});
    const next = body.add('add', [body.add('mul', [at, h], {}), body.add('mul', [rest, xt], {})], {});
    return b.add('scan', [b.constant(0), ...outers], { body: body.finishBody([next], next) });
  };
}

/**
 * A matrix that forgets and corrects, one head: S_t = α_t S_{t-1} + β_t (v_t - α_t S_{t-1} k_t) k_tᵀ, y_t = S_t q_t; and a
 * second state that counts, a shifted read of v, and a learned initial value.
 */
export function correcting(width: number, d: number) {
  const [W, D] = [dim('width', width), dim('d', d)];
  return (b: LayerGraphBuilder, x: NodeId): NodeId => {
    const project = (name: string, to: string): NodeId =>
      b.add('linear', [x, matrix(b, `${name}.weight`, [dim(to, d), W])], { in: ['width'], out: [dim(to, d)] });
    const gate = (name: string): NodeId => b.add('sigmoid', [b.add('sum', [project(name, 'd')], { dims: ['d'] })], {});
    const [q, k, v] = [project('q', 'key'), project('k', 'key'), project('v', 'value')];
    const initial = b.parameter({
      path: 'initial',
      type: tensor([dim('value', d)]),
      init: { kind: 'normal', std: 1 },
      role: 'vector',
    });
    const offset = b.parameter({
      path: 'offset',
      type: tensor([dim('value', d)]),
      init: { kind: 'normal', std: 1 },
      role: 'vector',
    });
    const outers = [q, k, v, gate('alpha'), gate('beta'), offset];
    const state = tensor([dim('value', d), dim('key', d)]);
    const body = createBodyBuilder([state, tensor([])], outers.map(b.typeOf));
    const mul = (p: NodeId, r: NodeId): NodeId => body.add('mul', [p, r], {});
    const [S, n] = [body.state(0), body.state(1)];
    const [qt, kt, vt, alpha, beta] = [0, 1, 2, 3, 4].map((i) => body.input(i)) as [
      NodeId,
      NodeId,
      NodeId,
      NodeId,
      NodeId,
    ];
    const decayed = mul(alpha, S);
    const read = body.add('sum', [mul(decayed, kt)], { dims: ['key'] });
    const fresh = body.add('add', [vt, mul(body.input(2, 2), body.constant(0.5))], {});
    const change = mul(mul(beta, body.add('sub', [fresh, read], {})), kt);
    const next = body.add('add', [decayed, change], {});
    const count = body.add('add', [n, body.constant(1)], {});
    const y = body.add('sum', [mul(next, qt)], { dims: ['key'] });
    const yields = body.add('add', [body.add('add', [y, body.input(5)], {}), mul(count, body.constant(0.01))], {});
    const scanned = b.add('scan', [initial, b.constant(0), ...outers], {
      body: body.finishBody([next, count], yields),
    });
    return b.add('linear', [scanned, matrix(b, 'out.weight', [W, D])], { in: ['value'], out: [W] });
  };
}

/** A toy that knows where it is: x * cos(position). */
export function positional(_width: number) {
  return (b: LayerGraphBuilder, x: NodeId): NodeId =>
    b.add('mul', [x, b.add('cos', [b.add('reshape', [b.add('position', [], {})], { dims: [TIME] })], {})], {});
}
