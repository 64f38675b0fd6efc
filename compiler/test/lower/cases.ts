/** One-op graphs that the tests of lowerings run. */
import type { Graph } from '../../src/graph/graph.js';
import { TIME, dim, tensor } from '../../src/graph/types.js';
import type { OpAttributes } from '../../src/ops/attributes.js';
import type { GradientCase } from './gradients.js';
import type { random } from '../support/random.js';
import { graphOf } from './plain-scope.js';

export function convolution(channels: number, kernel: number, bias = true): Graph {
  return graphOf('conv1d', { kernel }, [
    tensor([TIME, dim('channels', channels)]),
    tensor([dim('channels', channels), dim('kernel', kernel)]),
    ...(bias ? [tensor([dim('channels', channels)])] : []),
  ]);
}

export interface AttentionSizes {
  readonly heads: number;
  readonly kv: number;
  readonly d: number;
  readonly dv?: number;
}

export function attention(
  { heads, kv, d, dv = d }: AttentionSizes,
  attributes: Partial<OpAttributes['attend']> = {},
): Graph {
  return graphOf('attend', { scale: d ** -0.5, ...attributes }, [
    tensor([TIME, dim('heads', heads), dim('head_dim', d)]),
    tensor([TIME, dim('kv_heads', kv), dim('head_dim', d)]),
    tensor([TIME, dim('kv_heads', kv), dim('value_dim', dv)]),
  ]);
}

export function stateSpace(attributes: OpAttributes['ssd']): Graph {
  const { heads, head_dim, groups, state } = attributes;
  return graphOf('ssd', attributes, [
    tensor([TIME, dim('heads', heads), dim('head_dim', head_dim)]),
    tensor([TIME, dim('heads', heads)]),
    tensor([dim('heads', heads)]),
    tensor([TIME, dim('groups', groups), dim('state', state)]),
    tensor([TIME, dim('groups', groups), dim('state', state)]),
  ]);
}

/** Steps as softplus makes them, rates as they are initialised: some heads forget within a token, some hardly ever. */
export function sampleRecurrence(i: number, r: ReturnType<typeof random>): number {
  if (i === 1) return Math.exp(r.uniform(Math.log(0.001), Math.log(2)));
  if (i === 2) return -r.uniform(0.05, 16);
  return r.normal();
}

/** Types of attention's inputs and of the gradient of its result. */
export function attentionGradients(
  { heads, kv, d, dv = d }: AttentionSizes,
  attributes: Partial<OpAttributes['attend']> = {},
  of: readonly OpAttributes['attend_gradient']['of'][] = ['q', 'k', 'v'],
): GradientCase<'attend_gradient'> {
  return {
    op: 'attend_gradient',
    types: [
      tensor([TIME, dim('heads', heads), dim('head_dim', d)]),
      tensor([TIME, dim('kv_heads', kv), dim('head_dim', d)]),
      tensor([TIME, dim('kv_heads', kv), dim('value_dim', dv)]),
      tensor([TIME, dim('heads', heads), dim('value_dim', dv)]),
    ],
    attributes: of.map((each) => ({ scale: d ** -0.5, ...attributes, of: each })),
  };
}

export function stateSpaceGradients(
  attributes: OpAttributes['ssd'],
  of: readonly OpAttributes['ssd_gradient']['of'][] = ['x', 'dt', 'A', 'B', 'C'],
): GradientCase<'ssd_gradient'> {
  const { nodes } = stateSpace(attributes);
  const types = nodes.slice(0, 5).map((node) => node.type);
  return {
    op: 'ssd_gradient',
    types: [...types, types[0]!],
    attributes: of.map((each) => ({ ...attributes, of: each })),
  };
}
