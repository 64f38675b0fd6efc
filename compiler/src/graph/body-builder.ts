import type { BodyOpName } from '../ops/body-table.js';
import { isBodyOp } from '../ops/body-table.js';
import { bodyDefinition, verifyBody } from '../ops/body.js';
import type { OpAttributes, ScanBody, ScanNode } from '../ops/attributes.js';
import { ShapeError } from '../ops/op.js';
import { withoutTime } from '../ops/shape.js';
import { hasTime, printType } from './types.js';
import type { NodeBuilder } from './builder.js';
import type { NodeId } from './graph.js';
import { contentKey } from './key.js';
import type { TensorType } from './types.js';

/** Builds the body of a `scan`: one token's computation. */
export interface BodyBuilder extends NodeBuilder {
  /** The state's value before this token. */
  state(index: number, label?: string): NodeId;
  /**
   * An outer value: this token's, or that of `offset` tokens ago; the whole value where it has no `time`.
   * @throws ShapeError for a shifted value without `time`, or a negative offset.
   */
  input(index: number, offset?: number, label?: string): NodeId;
  /** @param next each state's value after the token, of the state's dimensions. @throws ShapeError */
  finishBody(next: readonly NodeId[], yields: NodeId): ScanBody;
  /** The nodes that the roots need, renumbered in order, and the roots' new ids. */
  finishNodes(roots: readonly NodeId[]): { readonly nodes: readonly ScanNode[]; readonly roots: readonly NodeId[] };
}

/**
 * @param states type of each state, without `time`
 * @param outers types of the outer values as the scan's inputs have them, with `time`; may grow while building
 */
export function createBodyBuilder(states: readonly TensorType[], outers: readonly TensorType[]): BodyBuilder {
  const nodes: ScanNode[] = [];
  const known = new Map<string, NodeId>();

  function append(node: Omit<ScanNode, 'id'>): NodeId {
    const key = contentKey({ op: node.op, inputs: node.inputs, attributes: node.attributes });
    const existing = known.get(key);
    if (existing !== undefined) {
      const first = nodes[existing]!;
      if (first.label === undefined && node.label !== undefined) nodes[existing] = { ...first, label: node.label };
      return existing;
    }
    nodes.push({ id: nodes.length, ...node });
    known.set(key, nodes.length - 1);
    return nodes.length - 1;
  }

  function typeOf(node: NodeId): TensorType {
    const found = nodes[node];
    if (found === undefined) throw new RangeError(`there is no node ${node}`);
    return found.type;
  }

  const builder: BodyBuilder = {
    add(op, inputs, attributes, details = {}) {
      if (!isBodyOp(op)) {
        throw new ShapeError(`\`${op}\` cannot stand in a scan`, {
          expected: 'element-wise ops, reductions and views',
        });
      }
      const type = bodyDefinition(op).infer(inputs.map(typeOf), attributes as OpAttributes[BodyOpName]);
      return append({ op, inputs, attributes, type, ...(details.label !== undefined && { label: details.label }) });
    },
    constant: (value) => builder.add('constant', [], { value }),
    state(index, label) {
      const type = states[index];
      if (type === undefined) throw new RangeError(`there is no state ${index}`);
      return append({
        op: 'scan_state',
        inputs: [],
        attributes: { index },
        type,
        ...(label !== undefined && { label }),
      });
    },
    input(index, offset = 0, label) {
      const type = outers[index];
      if (type === undefined) throw new RangeError(`there is no outer value ${index}`);
      if (!(Number.isSafeInteger(offset) && offset >= 0)) {
        throw new ShapeError('scan reads this token or earlier ones', {
          expected: 'an offset of at least 0',
          found: `${offset}`,
        });
      }
      if (offset > 0 && !hasTime(type)) {
        throw new ShapeError('scan: only values over time can be read shifted', { found: printType(type) });
      }
      const attributes = offset === 0 ? { index } : { index, offset };
      return append({
        op: 'scan_input',
        inputs: [],
        attributes,
        type: withoutTime(type),
        ...(label !== undefined && { label }),
      });
    },
    typeOf,
    nodeOf: (node) => ({ ...nodes[node]!, type: typeOf(node) }),
    finishBody(next, yields) {
      const { nodes: kept, roots } = builder.finishNodes([...next, yields]);
      const body: ScanBody = { nodes: kept, states, next: roots.slice(0, -1), yields: roots.at(-1)! };
      verifyBody(body, outers);
      return body;
    },
    finishNodes(roots) {
      const needed = new Set<NodeId>(roots);
      for (let id = nodes.length - 1; id >= 0; id--) {
        if (needed.has(id)) for (const input of nodes[id]!.inputs) needed.add(input);
      }
      const renumbered = new Map<NodeId, NodeId>();
      const kept: ScanNode[] = [];
      for (const node of nodes) {
        if (!needed.has(node.id)) continue;
        renumbered.set(node.id, kept.length);
        kept.push({ ...node, id: kept.length, inputs: node.inputs.map((input) => renumbered.get(input)!) });
      }
      return { nodes: kept, roots: roots.map((root) => renumbered.get(root)!) };
    },
  };
  return builder;
}
