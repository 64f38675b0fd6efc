/** Functions over time, which own their decode state, and rotary positions. */
import type { NodeId } from '../../graph/graph.js';
import type { Dim, Extent } from '../../graph/types.js';
import type { OpAttributes } from '../../ops/attributes.js';
import { inNorm } from '../elaborate/call.js';
import { describeDims, describeSize } from '../elaborate/describe.js';
import { addNode, addTensor, fail, nodeType } from '../elaborate/frame.js';
import { FAILED } from '../elaborate/values.js';
import type { Value } from '../elaborate/values.js';
import type { Builtin, BuiltinCall, BuiltinParameter } from './builtin.js';
import { readNumber, readPair, readTensor, spanOf } from './read.js';

const NONE = { kind: 'none' } as const;

/** Checks a tensor's number of dimensions and sizes; `undefined` where any size will do. */
function hasShape(
  call: BuiltinCall,
  name: string,
  node: NodeId,
  names: readonly string[],
  sizes: readonly (Extent | undefined)[],
): boolean {
  const { dims } = nodeType(call.frame, node);
  const fits =
    dims.length === sizes.length &&
    dims.every((d, i) => (sizes[i] === undefined ? d.extent !== 'time' : d.extent === sizes[i]));
  if (fits) return true;
  const expected = names.map((n, i) => {
    const size = sizes[i];
    return size === undefined || size === 'time' ? n : `${n}: ${describeSize(size, call.frame.unit)}`;
  });
  fail(
    call.frame,
    'HYB3010',
    spanOf(call, name),
    { what: `'${name}' of '${call.builtin.name}'` },
    {
      expected: `[${expected.join(', ')}]`,
      found: describeDims(dims, call.frame.unit),
    },
  );
  return false;
}

function outsideScan(call: BuiltinCall): boolean {
  if (call.frame.tape.kind === 'layer') return true;
  fail(call.frame, 'HYB3032', call.span, { what: `'${call.builtin.name}'` });
  return false;
}

function divides(call: BuiltinCall, name: string, whole: Dim, part: Dim): boolean {
  const { unit } = call.frame;
  if (typeof whole.extent === 'number' && typeof part.extent === 'number') {
    // In a generic check the sample sizes tell nothing about divisibility that the block does not require.
    if (whole.extent % part.extent === 0 || unit.generic !== undefined) return true;
  }
  fail(
    call.frame,
    'HYB3065',
    spanOf(call, name),
    { whole: whole.name, part: part.name },
    {
      expected: `a multiple of ${describeSize(part.extent as number, unit)}`,
      found: describeSize(whole.extent as number, unit),
    },
  );
  return false;
}

const tensorArgument = (name: string, doc: string): BuiltinParameter => ({ name, kind: 'tensor', doc });

const ssd: Builtin = {
  name: 'ssd',
  category: 'sequence',
  signature: 'ssd(x, dt, A, B, C)',
  doc:
    'The selective state space recurrence of Mamba-2 (Dao & Gu 2024): S = exp(dt A) S + dt x B, y = S C. ' +
    'x [time, heads, head_dim], dt [time, heads], A [heads], negative, B and C [time, groups, state].',
  example:
    'dim heads    = 2\ndim head_dim = width div 2\ndim groups   = 1\ndim state    = 16\n' +
    'param in_b  = linear(width -> (groups, state))\nparam in_dt = linear(width -> heads)\nparam A_log: [heads] @init(log(uniform(1, 16)))\n' +
    'let B = in_b(x)\nlet u = x as [time, heads, head_dim]\nreturn ssd(u, softplus(in_dt(x)), -exp(A_log), B, B) as [time, width]',
  parameters: [
    tensorArgument('x', 'Values [time, heads, head_dim].'),
    tensorArgument('dt', 'Steps [time, heads].'),
    tensorArgument('A', 'Decay of each head [heads], negative.'),
    tensorArgument('B', 'Input maps [time, groups, state].'),
    tensorArgument('C', 'Output maps [time, groups, state].'),
  ],
  apply: (call) => {
    if (!outsideScan(call)) return FAILED;
    const nodes = ['x', 'dt', 'A', 'B', 'C'].map((name) => readTensor(call, name));
    const [x, dt, A, B, C] = nodes;
    if (x === undefined || dt === undefined || A === undefined || B === undefined || C === undefined) return FAILED;
    if (!hasShape(call, 'x', x, ['time', 'heads', 'head_dim'], ['time', undefined, undefined])) return FAILED;
    const [, heads, channels] = nodeType(call.frame, x).dims as readonly [Dim, Dim, Dim];
    const shapes = [
      hasShape(call, 'dt', dt, ['time', heads.name], ['time', heads.extent]),
      hasShape(call, 'A', A, [heads.name], [heads.extent]),
      hasShape(call, 'B', B, ['time', 'groups', 'state'], ['time', undefined, undefined]),
    ];
    if (shapes.includes(false)) return FAILED;
    const [, groups, state] = nodeType(call.frame, B).dims as readonly [Dim, Dim, Dim];
    if (!hasShape(call, 'C', C, ['time', groups.name, state.name], ['time', groups.extent, state.extent]))
      return FAILED;
    if (!divides(call, 'B', heads, groups)) return FAILED;
    if ((heads.extent as number) % (groups.extent as number) !== 0)
      return { kind: 'tensor', tape: call.frame.tape, node: x };
    const attributes: OpAttributes['ssd'] = {
      heads: heads.extent as number,
      head_dim: channels.extent as number,
      groups: groups.extent as number,
      state: state.extent as number,
    };
    return rounded(call, addTensor(call.frame, 'ssd', [x, dt, A, B, C], attributes, call.span));
  },
};

const option = (name: string, kind: BuiltinParameter['kind'], doc: string): BuiltinParameter => ({
  name,
  kind,
  doc,
  default: NONE,
});

const attend: Builtin = {
  name: 'attend',
  category: 'sequence',
  signature: 'attend(q, k, v, scale = none, cap = none, window = none, temperature = 1, clip = none)',
  doc:
    'Causal attention: each head of q [time, heads, head_dim] reads its group of k and v [time, kv_heads, …]. ' +
    'p = softmax(temperature * cap * tanh(scale * q k / cap)); y = sum of p v.',
  example:
    'dim heads    = 2\ndim head_dim = width div 2\nparam q  = linear(width -> (heads, head_dim))\nparam kv = linear(width -> (heads, head_dim))\n' +
    'let keys = kv(x)\nreturn attend(q(x), keys, keys, window = 128) as [time, width]',
  parameters: [
    tensorArgument('q', 'Queries [time, heads, head_dim].'),
    tensorArgument('k', 'Keys [time, kv_heads, head_dim].'),
    tensorArgument('v', 'Values [time, kv_heads, any].'),
    option('scale', 'float', 'Multiplies q times k; by default head_dim ** -0.5.'),
    option('cap', 'float', 'Logits become cap * tanh(logits / cap).'),
    option('window', 'int', 'A token sees only the last `window` ones, itself included.'),
    {
      name: 'temperature',
      kind: 'float',
      doc: 'Multiplies the logits.',
      default: { kind: 'number', value: 1, integer: true },
    },
    option('clip', 'tuple', '(zeta, gamma): probabilities become clip((zeta - gamma) * p + gamma, 0, 1).'),
  ],
  apply: (call) => {
    if (!outsideScan(call)) return FAILED;
    const [q, k, v] = ['q', 'k', 'v'].map((name) => readTensor(call, name));
    const options = attendOptions(call);
    if (q === undefined || k === undefined || v === undefined || options === undefined) return FAILED;
    if (!hasShape(call, 'q', q, ['time', 'heads', 'head_dim'], ['time', undefined, undefined])) return FAILED;
    const [, heads, channels] = nodeType(call.frame, q).dims as readonly [Dim, Dim, Dim];
    if (!hasShape(call, 'k', k, ['time', 'kv_heads', channels.name], ['time', undefined, channels.extent]))
      return FAILED;
    const [, keyHeads] = nodeType(call.frame, k).dims as readonly [Dim, Dim];
    if (!hasShape(call, 'v', v, ['time', keyHeads.name, 'any'], ['time', keyHeads.extent, undefined])) return FAILED;
    if (!divides(call, 'k', heads, keyHeads)) return FAILED;
    if ((heads.extent as number) % (keyHeads.extent as number) !== 0)
      return { kind: 'tensor', tape: call.frame.tape, node: q };
    const { scale, ...rest } = options;
    const { rounder } = call.frame.unit;
    const query = rounder.round(call.frame, q, { role: 'activations', ...inNorm(call.frame) });
    const cached = [k, v].map((node) =>
      rounder.round(call.frame, node, { role: 'state', cached: true, ...inNorm(call.frame) }),
    );
    const attributes = { scale: scale ?? (channels.extent as number) ** -0.5, ...rest };
    return rounded(call, addTensor(call.frame, 'attend', [query, ...cached], attributes, call.span));
  },
};

function attendOptions(call: BuiltinCall): Partial<OpAttributes['attend']> | undefined {
  const scale = readNumber(call, 'scale');
  const cap = readNumber(call, 'cap');
  const window = readNumber(call, 'window');
  const temperature = readNumber(call, 'temperature');
  const clip = readPair(call, 'clip');
  if (
    scale === undefined ||
    cap === undefined ||
    window === undefined ||
    temperature === undefined ||
    clip === undefined
  ) {
    return undefined;
  }
  const wrong = (name: string, reason: string): undefined =>
    fail(call.frame, 'HYB3066', spanOf(call, name), { name, reason });
  if (cap !== 'none' && !(cap > 0 && Number.isFinite(cap))) return wrong('cap', 'it is positive');
  if (window !== 'none' && !(window > 0)) return wrong('window', 'it is a positive number of tokens');
  if (clip !== 'none' && !(clip[0] >= 1 && clip[1] <= 0))
    return wrong('clip', 'zeta is at least 1 and gamma at most 0');
  for (const [name, value] of Object.entries({ scale, temperature })) {
    if (value !== 'none' && !Number.isFinite(value)) return wrong(name, 'it is finite');
  }
  return {
    ...(scale !== 'none' && { scale }),
    ...(cap !== 'none' && { cap }),
    ...(window !== 'none' && { window }),
    ...(temperature !== 'none' && temperature !== 1 && { temperature }),
    ...(clip !== 'none' && { clip }),
  };
}

function rounded(call: BuiltinCall, value: Value): Value {
  if (value.kind !== 'tensor') return FAILED;
  const { rounder } = call.frame.unit;
  return { ...value, node: rounder.round(call.frame, value.node, { role: 'activations', ...inNorm(call.frame) }) };
}

const spectralNorm: Builtin = {
  name: 'spectral_norm',
  category: 'weights',
  signature: 'spectral_norm(W)',
  doc: 'Largest singular value of the weight of a `linear`.',
  example: 'param map = linear(width -> width)\nreturn map(x) / spectral_norm(map.weight)',
  parameters: [tensorArgument('W', 'The weight of a linear map that the block applies, such as `map.weight`.')],
  apply: (call) => {
    if (!outsideScan(call)) return FAILED;
    const W = readTensor(call, 'W');
    if (W === undefined) return FAILED;
    const { dims } = nodeType(call.frame, W);
    if (dims.length < 2 || dims.some((d) => d.extent === 'time')) {
      fail(
        call.frame,
        'HYB3010',
        spanOf(call, 'W'),
        { what: "'W' of 'spectral_norm'" },
        { expected: '[rows, columns]', found: describeDims(dims, call.frame.unit) },
      );
      return FAILED;
    }
    const node = addNode(call.frame, 'spectral_norm', [W], { rows: rowsOf(call, W) }, call.span);
    return node === undefined ? FAILED : { kind: 'tensor', tape: call.frame.tape, node };
  },
};

/** A linear map's weight has as many rows as outputs; of other matrices the first dimension counts. */
function rowsOf(call: BuiltinCall, node: NodeId): number {
  const built = call.frame.tape.builder.nodeOf(node);
  const path = built.op === 'parameter' ? (built.attributes as { readonly path: string }).path : undefined;
  return (path === undefined ? undefined : call.frame.unit.rows.get(path)) ?? 1;
}

export const SEQUENCE: readonly Builtin[] = [ssd, attend, spectralNorm];
