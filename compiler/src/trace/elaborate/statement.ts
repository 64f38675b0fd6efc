/** Bodies of blocks, norms and functions, statement by statement. */
import type { Expression, Name, Statement } from '@hyb/grammar';
import { evaluate, labelled } from './expression.js';
import { bind, dimName, fail } from './frame.js';
import type { Frame } from './frame.js';
import { declareParam } from './param.js';
import { checkSize } from './shape.js';
import { declareSlot } from './slot.js';
import { FAILED, describe, elementsOf } from './values.js';
import type { Value } from './values.js';

/** What the body returns. Goes on after errors, so that one run finds them all. */
export function elaborateBody(statements: readonly Statement[], frame: Frame, name: Name): Value {
  let result: Value | undefined;
  let returned: Statement | undefined;
  for (const statement of statements) {
    if (returned !== undefined) {
      fail(frame, 'HYB3046', statement.span, {}, { related: [{ span: returned.span, message: 'the body ends here' }] });
      break;
    }
    if (statement.kind === 'ReturnStatement') {
      returned = statement;
      frame.place.name = 'result';
      result = evaluate(statement.value, frame);
      continue;
    }
    elaborateStatement(statement, frame);
  }
  if (result !== undefined) return result;
  fail(frame, 'HYB3047', name.span, { name: frame.name });
  return FAILED;
}

/** All statements but `return`. */
export function elaborateStatement(statement: Exclude<Statement, { kind: 'ReturnStatement' }>, frame: Frame): void {
  switch (statement.kind) {
    case 'ParamStatement':
      return declareParam(statement, frame);
    case 'SlotStatement':
      if (frame.owner === 'block' || frame.owner === 'norm') return declareSlot(statement, frame);
      return notHere('`slot`', statement, frame);
    case 'DimStatement': {
      const { name, value } = statement;
      const size = evaluate(value, frame);
      if (size.kind === 'number' && checkSize(size.value, value, frame)) {
        frame.unit.generic?.name(name.text, size.value);
        bind(frame, name, {
          kind: 'dim',
          dim: { name: dimName(frame, name.text), extent: size.value },
          span: name.span,
        });
        return;
      }
      if (size.kind !== 'number' && size.kind !== 'failed') {
        const what = `The dimension '${name.text}'`;
        fail(
          frame,
          'HYB3007',
          value.span,
          { what, expected: 'a whole number' },
          { expected: 'a whole number', found: describe(size) },
        );
      }
      bind(frame, name, { kind: 'value', value: FAILED, span: name.span });
      return;
    }
    case 'LetStatement': {
      const { names, value: expression } = statement;
      frame.place.name = names.map((name) => name.text).join('_');
      const value = evaluate(expression, frame);
      if (names.length === 1) {
        const [name] = names as readonly [Name];
        bind(frame, name, { kind: 'value', value: labelled(value, frame, name.text), span: name.span });
      } else destructure(names, value, expression, frame);
      return;
    }
    case 'RequireStatement': {
      const { condition, message } = statement;
      const value = evaluate(condition, frame);
      if (value.kind === 'failed' || (value.kind === 'boolean' && value.value)) return;
      if (value.kind !== 'boolean') {
        fail(
          frame,
          'HYB3007',
          condition.span,
          { what: 'The condition', expected: 'true or false' },
          { expected: 'true or false', found: describe(value) },
        );
        return;
      }
      frame.unit.requirements?.push({ condition });
      frame.unit.unmet.some = true;
      const text = message?.value ?? 'a requirement of the block does not hold';
      const place = frame.unit.instance ?? condition.span;
      fail(
        frame,
        'HYB3048',
        place,
        { name: frame.name, message: text },
        {
          related: [{ span: condition.span, message: 'required here' }],
        },
      );
      return;
    }
    case 'AssignStatement':
      return notHere('An assignment', statement, frame);
    case 'YieldStatement':
      return notHere('`yield`', statement, frame);
  }
}

export function notHere(what: string, { span }: { readonly span: Statement['span'] }, frame: Frame): void {
  const where = frame.owner === 'function' ? 'a function' : frame.owner === 'scan' ? 'a scan' : `a ${frame.owner}`;
  fail(frame, 'HYB3029', span, { what, where });
}

/** `let (a, b) = …`. */
export function destructure(names: readonly Name[], value: Value, expression: Expression, frame: Frame): void {
  const elements = elementsOf(value);
  if (elements === undefined || elements.length !== names.length) {
    if (value.kind !== 'failed') {
      const expected = `${names.length} values`;
      fail(frame, 'HYB3049', expression.span, { expected }, { expected, found: describe(value) });
    }
    for (const name of names) bind(frame, name, { kind: 'value', value: FAILED, span: name.span });
    return;
  }
  for (const [i, name] of names.entries()) {
    bind(frame, name, { kind: 'value', value: labelled(elements[i]!, frame, name.text), span: name.span });
  }
}

/** How often each name is applied in a body: a slot that stands in several places has weights of its own in each. */
export function applicationsOf(statements: readonly Statement[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const element of value) visit(element);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const node = value as { readonly kind?: string; readonly callee?: Expression };
    if (node.kind === 'Call' && node.callee?.kind === 'Name') {
      counts.set(node.callee.text, (counts.get(node.callee.text) ?? 0) + 1);
    }
    for (const [key, child] of Object.entries(value)) if (key !== 'span') visit(child);
  };
  visit(statements);
  return counts;
}
