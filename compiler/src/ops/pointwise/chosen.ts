import type { NodeBuilder } from '../../graph/builder.js';
import type { NodeId } from '../../graph/graph.js';

/** Gradients of `max` and `min`: to the operand that was chosen, in halves where both are equal. */
export function chosen(
  builder: NodeBuilder,
  op: 'max' | 'min',
  a: NodeId,
  b: NodeId,
  g: NodeId,
): readonly [NodeId, NodeId] {
  const one = builder.constant(1);
  const tie = builder.add('where', [builder.add('equal', [a, b], {}), builder.constant(0.5), builder.constant(0)], {});
  const wins = builder.add('less', op === 'max' ? [b, a] : [a, b], {});
  const share = builder.add('where', [wins, one, tie], {});
  const rest = builder.add('sub', [one, share], {});
  return [builder.add('mul', [g, share], {}), builder.add('mul', [g, rest], {})];
}
