/** The body of a `scan`: its rules, and its interpreter. */
import { hasTime, printType } from '../graph/types.js';
import type { TensorType } from '../graph/types.js';
import type { OpAttributes, ScanBody, ScanLeaf, ScanNode } from './attributes.js';
import { BODY_OPS, isBodyOp } from './body-table.js';
import type { BodyOpName } from './body-table.js';
import { ShapeError } from './op.js';
import type { EvaluationContext, OpDefinition, Reference } from './op.js';
import { sameDims, withoutTime } from './shape.js';

/** The definition of a body op whose name is not known statically; see `opDefinition`. */
export function bodyDefinition(name: BodyOpName): OpDefinition<BodyOpName> {
  return BODY_OPS[name] as unknown as OpDefinition<BodyOpName>;
}

/** The leaf of a `scan_state` or `scan_input` node. */
export function scanLeaf(node: ScanNode): { readonly index: number; readonly offset: number } {
  const { index, offset = 0 } = node.attributes as ScanLeaf;
  return { index, offset };
}

/** How many tokens back each outer value is read. */
export function shiftedReach(body: ScanBody, outers: number): readonly number[] {
  const reach = new Array<number>(outers).fill(0);
  for (const node of body.nodes) {
    if (node.op !== 'scan_input') continue;
    const { index, offset } = scanLeaf(node);
    reach[index] = Math.max(reach[index]!, offset);
  }
  return reach;
}

/** Checks ids, leaves, allowed ops and types against the outer values. @throws ShapeError */
export function verifyBody(body: ScanBody, outers: readonly TensorType[]): void {
  body.nodes.forEach((node, id) => {
    if (node.id !== id) throw new ShapeError(`scan: node ${node.id} stands at ${id}`);
    if (node.inputs.some((input) => !(Number.isInteger(input) && input >= 0 && input < id))) {
      throw new ShapeError(`scan: node ${id} reads a node that does not come before it`);
    }
    const expected = inferNode(body, node, outers);
    if (!sameDims(expected.dims, node.type.dims) || expected.dtype !== node.type.dtype) {
      throw new ShapeError(`scan: node ${id} (${node.op}) has the wrong type`, {
        expected: printType(expected),
        found: printType(node.type),
      });
    }
  });
  if (body.next.length !== body.states.length) {
    throw new ShapeError('scan needs the next value of each state', {
      expected: `${body.states.length}`,
      found: `${body.next.length}`,
    });
  }
  body.next.forEach((id, i) => {
    const next = body.nodes[id]?.type;
    if (next === undefined || !sameDims(next.dims, body.states[i]!.dims)) {
      throw new ShapeError('scan: the next value does not fit the state', {
        expected: printType(body.states[i]!),
        found: next === undefined ? 'nothing' : printType(next),
      });
    }
  });
  if (body.nodes[body.yields] === undefined) throw new ShapeError('scan yields nothing');
}

function inferNode(body: ScanBody, node: ScanNode, outers: readonly TensorType[]): TensorType {
  if (node.op === 'scan_state') {
    const type = body.states[scanLeaf(node).index];
    if (type === undefined) throw new ShapeError(`scan: there is no state ${scanLeaf(node).index}`);
    return type;
  }
  if (node.op === 'scan_input') {
    const { index, offset } = scanLeaf(node);
    const type = outers[index];
    if (type === undefined) throw new ShapeError(`scan: there is no outer value ${index}`);
    if (!(Number.isSafeInteger(offset) && offset >= 0)) {
      throw new ShapeError('scan reads this token or earlier ones', {
        expected: 'an offset of at least 0',
        found: `${offset}`,
      });
    }
    if (offset > 0 && !hasTime(type))
      throw new ShapeError('scan: only values over time can be read shifted', { found: printType(type) });
    return withoutTime(type);
  }
  if (!isBodyOp(node.op))
    throw new ShapeError(`\`${node.op}\` cannot stand in a scan`, { expected: 'element-wise ops and reductions' });
  const inputs = node.inputs.map((id) => body.nodes[id]!.type);
  return bodyDefinition(node.op).infer(inputs, node.attributes as OpAttributes[BodyOpName]);
}

/** Values of all nodes for one token. */
export function evaluateNodes(
  nodes: readonly ScanNode[],
  states: readonly Reference[],
  outer: (index: number, offset: number) => Reference,
): readonly Reference[] {
  const values: Reference[] = [];
  for (const node of nodes) {
    if (node.op === 'scan_state') values.push(states[scanLeaf(node).index]!);
    else if (node.op === 'scan_input') {
      const { index, offset } = scanLeaf(node);
      values.push(outer(index, offset));
    } else {
      const context: EvaluationContext = {
        tokens: 0,
        segments: [],
        state: [],
        types: { inputs: node.inputs.map((id) => nodes[id]!.type), output: node.type },
      };
      const inputs = node.inputs.map((id) => values[id]!);
      values.push(
        bodyDefinition(node.op as BodyOpName).evaluate(inputs, node.attributes as OpAttributes[BodyOpName], context),
      );
    }
  }
  return values;
}
