/** Largest logit and entropy of attention: a workgroup a token, invocations over keys. For measuring, not for speed. */
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import { readToken } from '../batch.js';
import type { KernelCall } from '../call.js';
import { describe, kernelName } from '../names.js';
import type { LoweringContext } from '../scope.js';
import { knownByTree } from '../workgroup-tree.js';
import type { Join } from '../workgroup-tree.js';
import { firstSeen, MASKED, scoreOf } from './shape.js';

const THREADS = 64;

export function lowerAttendProbe(context: LoweringContext<'attend_probe'>): readonly KernelCall[] {
  const { graph, node, nodes, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const [q, k] = node.inputs.map((id) => graph.nodes[id]!.type) as [typeof node.type, typeof node.type];
  const extent = (type: typeof node.type, i: number): number => type.dims[i]!.extent as number;
  const [heads, width, kvHeads] = [extent(q, 1), extent(q, 2), extent(k, 1)];
  const { scale, window } = node.attributes;
  const time = e.builtin('workgroup_x');
  const local = e.builtin('local_index');
  const { position } = readToken(scope, time);
  const first = builder.let('first_key', e.add(e.sub(time, position), firstSeen(position, window)));
  const partial = builder.shared('partial', 'f32', THREADS);
  const joined = (value: Expression, join: Join): Expression =>
    knownByTree(builder, partial, THREADS, 'joined', value, join);
  const largest = builder.variable('largest', 'f32', e.f32(MASKED));
  const entropy = builder.variable('entropy', 'f32', e.f32(0));
  builder.for('head', 0, heads, (head) => {
    const kvHead = builder.let('kv_head', e.div(head, heads / kvHeads));
    const product = (key: Expression): Expression => {
      const sum = builder.variable('product', 'f32', e.f32(0));
      builder.for('i', 0, width, (i) => {
        const query = scope.input(0, { time, [q.dims[1]!.name]: head, [q.dims[2]!.name]: i });
        const own = scope.input(1, { time: key, [k.dims[1]!.name]: kvHead, [k.dims[2]!.name]: i });
        sum.set(e.add(sum.value, e.mul(query, own)));
      });
      return builder.let('logit', e.mul(sum.value, scale));
    };
    const overKeys = (visit: (key: Expression) => void): void =>
      builder.for('key', e.add(first, local), e.add(time, 1), visit, { step: THREADS });
    const logit = builder.variable('own_logit', 'f32', e.f32(MASKED));
    const score = builder.variable('own_score', 'f32', e.f32(MASKED));
    overKeys((key) => {
      const value = product(key);
      logit.set(e.max(logit.value, value));
      score.set(e.max(score.value, scoreOf(value, node.attributes)));
    });
    largest.set(e.max(largest.value, joined(logit.value, e.max)));
    const most = builder.let('most', joined(score.value, e.max));
    const total = builder.variable('total', 'f32', e.f32(0));
    const weighted = builder.variable('weighted', 'f32', e.f32(0));
    overKeys((key) => {
      const value = builder.let('score', scoreOf(product(key), node.attributes));
      const weight = builder.let('weight', e.exp(e.sub(value, most)));
      total.set(e.add(total.value, weight));
      weighted.set(e.add(weighted.value, e.mul(weight, value)));
    });
    const all = builder.let('all', joined(total.value, e.add));
    const mean = builder.let('mean_score', e.div(joined(weighted.value, e.add), all));
    entropy.set(e.add(entropy.value, e.sub(e.add(e.call('log', all), most), mean)));
  });
  builder.if(e.eq(local, 0), () => {
    for (const { id, attributes } of nodes) {
      scope.outputOf(id, { time }, attributes.of === 'logits' ? largest.value : e.div(entropy.value, heads));
    }
  });
  return [
    scope.finish({
      name: kernelName(graph, mode, node.id, 'probe'),
      doc: 'Largest logit and entropy of attention.',
      label: describe(graph, [node.id]),
      workgroupSize: [THREADS, 1, 1],
      grid: ['tokens', 1, 1],
      cost: {
        weightElements: 0,
        values: ['mul', 'tokens', ['mul', 'context', kvHeads * width]],
        operations: ['mul', 'tokens', ['mul', 'context', 4 * heads * width]],
      },
    }),
  ];
}
