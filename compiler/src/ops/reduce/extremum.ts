import type { NodeBuilder } from '../../graph/builder.js';
import type { NodeId } from '../../graph/graph.js';
import type { Dim } from '../../graph/types.js';

/** Gradient of `amax` and `amin`: shared equally by the elements that attain the extremum. */
export function attained(
  builder: NodeBuilder,
  { x, y, g, dims }: { readonly x: NodeId; readonly y: NodeId; readonly g: NodeId; readonly dims: readonly Dim[] },
): NodeId {
  const kept = new Set(builder.typeOf(y).dims.map((d) => d.name));
  const lost = dims.filter((d) => !kept.has(d.name)).map((d) => d.name);
  const hit = builder.add('equal', [x, y], {});
  const mask = builder.add('where', [hit, builder.constant(1), builder.constant(0)], {});
  const share = builder.add('div', [g, builder.add('sum', [mask], { dims: lost })], {});
  return builder.add('mul', [mask, share], {});
}
