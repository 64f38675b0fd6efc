/** Values of the last tokens, of outer values that a scan's body reads shifted: the state of a decoding scan. */
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import { shiftedReach } from '../../ops/body.js';
import { historyName } from '../../ops/scan.js';
import type { KernelScope, LoweringContext } from '../scope.js';
import { extentOf } from './axes.js';

export function bindHistory(
  scope: KernelScope,
  { graph, node }: LoweringContext<'scan'>,
  index: number,
  access: 'read' | 'read_write',
) {
  const { body } = node.attributes;
  const { type } = graph.nodes[node.inputs[body.states.length + index]!]!;
  const dims = type.dims.filter((d) => d.extent !== 'time');
  const reach = shiftedReach(body, node.inputs.length - body.states.length)[index]!;
  const elements = dims.reduce((n, d) => n * extentOf(d), 1);
  const buffer = scope.bind(
    `earlier_${index}`,
    { kind: 'state', node: node.id, name: historyName(index) },
    'f32',
    access,
    `last values of input ${index} [${['slot', reach, ...dims.map((d) => `${d.name}: ${extentOf(d)}`)].join(', ')}]`,
  );
  return {
    buffer,
    reach,
    dims,
    elements,
    address: (slot: Expression, row: Expression, flat: Expression) =>
      e.add(e.mul(e.add(e.mul(slot, reach), row), elements), flat),
  };
}
