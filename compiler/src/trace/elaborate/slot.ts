/** Slots: places that a norm of the model fills. An empty slot passes its argument on. */
import type { Call, SlotStatement, Span } from '@hyb/grammar';
import type { NodeId } from '../../graph/graph.js';
import type { NormInstance } from '../../model/model.js';
import { bindArguments, reportMissing } from './arguments.js';
import { elaborateBlock } from './block.js';
import { describeDims } from './describe.js';
import { evaluate } from './expression.js';
import { bind, fail } from './frame.js';
import type { Frame } from './frame.js';
import { tensorNode } from './operators.js';
import { FAILED, NONE, describe, typeOf } from './values.js';
import type { SlotValue, Value } from './values.js';

/** Slots that every block has: before it, after it, and after the residual is added. */
const STANDARD = ['pre', 'out', 'post'];

export function declareSlot(statement: SlotStatement, frame: Frame): void {
  const { name } = statement;
  const { text, span } = name;
  if (STANDARD.includes(text) && frame.owner === 'block') {
    fail(frame, 'HYB3068', span, { name: text });
    bind(frame, name, { kind: 'value', value: FAILED, span });
    return;
  }
  let norm: NormInstance | null = null;
  const filled = Object.hasOwn(frame.slots, text) ? frame.slots[text] : undefined;
  if (filled !== undefined) norm = filled;
  else if (statement.default !== undefined) {
    const value = evaluate(statement.default, frame);
    const given = value.kind === 'slot' ? (value.norm ?? NONE) : value;
    if (given.kind === 'norm') norm = given;
    else if (given.kind !== 'none') {
      if (given.kind !== 'failed') {
        const what = `The default of slot '${text}'`;
        fail(
          frame,
          'HYB3007',
          statement.default.span,
          { what, expected: 'a norm or none' },
          { expected: 'a norm or none', found: describe(given) },
        );
      }
      bind(frame, name, { kind: 'value', value: FAILED, span });
      return;
    }
  }
  const repeated = (frame.applications.get(text) ?? 0) > 1;
  bind(frame, name, { kind: 'value', value: { kind: 'slot', name: text, span, norm, repeated }, span });
}

export function applySlot(slot: SlotValue, expression: Call, frame: Frame): Value {
  const signature = { name: slot.name, span: slot.span, parameters: [{ name: 'x', optional: false }] };
  const bound = bindArguments(signature, expression.arguments, frame);
  const [argument] = bound?.bound.get('x') ?? [];
  if (bound === undefined) return FAILED;
  if (argument === undefined) {
    reportMissing(signature, ['x'], expression.span, frame);
    return FAILED;
  }
  const value = evaluate(argument.value, frame);
  if (value.kind === 'failed') return FAILED;
  if (slot.norm === null) {
    return tensorNode(value, frame, argument.value.span) === undefined ? FAILED : value;
  }
  return applyNorm(slot.norm, slotPath(slot, frame), value, argument.value.span, frame, expression.span);
}

/** `gated`, or with several applications `qk.queries` after the `let` it stands in, numbered if that has several. */
function slotPath(slot: SlotValue, frame: Frame): string {
  if (!slot.repeated) return slot.name;
  const { name, used } = frame.place;
  const key = `${slot.name}.${name}`;
  const count = (used.get(key) ?? 0) + 1;
  used.set(key, count);
  return count === 1 ? key : `${key}.${count}`;
}

/** A norm with weights of its own at `path`: keeps the shape, and its value is rounded. */
export function applyNorm(
  norm: NormInstance,
  path: string,
  value: Value,
  argument: Span,
  frame: Frame,
  span: Span,
  /** What precision rules call it. */
  member = `${frame.path}${path}`,
): Value {
  if (frame.tape.kind === 'scan') {
    fail(frame, 'HYB3032', span, { what: `The norm '${norm.declaration.name.text}'` });
    return FAILED;
  }
  const { declaration } = norm;
  const local = `${frame.path}${path}`;
  const node = tensorNode(value, frame, argument);
  if (node === undefined) return FAILED;
  if (declaration.inputs.length !== 1) {
    fail(
      frame,
      'HYB3039',
      declaration.name.span,
      { name: declaration.name.text },
      { expected: '1 input', found: `${declaration.inputs.length}` },
    );
    return FAILED;
  }
  const x: Value = { kind: 'tensor', tape: frame.tape, node };
  const result = elaborateBlock(norm, [{ value: x, span: argument }], {
    frame,
    path: `${local}.`,
    norm: frame.norm ?? member,
    span,
  });
  if (result.kind !== 'tensor') return FAILED;
  const [before, after] = [typeOf(x).dims, typeOf(result).dims];
  if (
    before.length !== after.length ||
    before.some((d, i) => d.name !== after[i]!.name || d.extent !== after[i]!.extent)
  ) {
    fail(
      frame,
      'HYB3039',
      declaration.name.span,
      { name: declaration.name.text },
      {
        expected: describeDims(before, frame.unit),
        found: describeDims(after, frame.unit),
      },
    );
    return FAILED;
  }
  return { ...result, node: roundNorm(frame, result.node, member) };
}

function roundNorm(frame: Frame, node: NodeId, path: string): NodeId {
  return frame.unit.rounder.round(frame, node, { role: 'activations', member: frame.norm ?? path, norm: true });
}
