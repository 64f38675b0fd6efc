/** Norm slots: which norm stands where, after defaults of the model, of a block by name and of single layers. */
import type { BlockDeclaration, Expression, Name, Span } from '@hyb/grammar';
import { didYouMean, listNames } from '../diagnostics/suggest.js';
import type { NormInstance } from '../model/model.js';
import type { GivenArgument } from './arguments.js';
import type { Environment } from './environment.js';
import { describeValue, evaluate } from './evaluate.js';
import type { EvaluationContext } from './evaluate.js';
import { instantiate, withArguments } from './instantiate.js';
import { printPath } from './definition.js';
import { report } from './messages/report.js';
import { dictionary } from './value.js';

/** Slots that every block has: before it, after it, and after the residual is added. */
export const STANDARD_SLOTS = ['pre', 'out', 'post'] as const;

/** All slots of a block, the standard ones first. */
export function slotsOf(declaration: BlockDeclaration): readonly string[] {
  const own = declaration.body.flatMap((statement) =>
    statement.kind === 'SlotStatement' ? [statement.name.text] : [],
  );
  return [...STANDARD_SLOTS, ...own.filter((name) => !(STANDARD_SLOTS as readonly string[]).includes(name))];
}

/** A value for a slot, with the environment to evaluate it in. */
export interface SlotValue {
  readonly slot: Name;
  readonly value: Expression;
  readonly environment: Environment;
}

/** One change of slots; changes are applied in order, the model's defaults first. */
export type SlotChange =
  /** `norm = { … }` or `none`: nothing set before remains. */
  | { readonly kind: 'replace'; readonly values: readonly SlotValue[] }
  /** `norm.qk = …` */
  | { readonly kind: 'set'; readonly value: SlotValue }
  /** `norm.pre.eps = …` */
  | { readonly kind: 'argument'; readonly slot: Name; readonly argument: GivenArgument; readonly name: Name };

interface Filling extends SlotValue {
  readonly arguments: ReadonlyMap<string, GivenArgument>;
}

/** Reads `{ pre = …, qk = none }` or `none`. Undefined, with a finding, for anything else. */
export function readSlots(
  path: string,
  value: Expression,
  environment: Environment,
  context: EvaluationContext,
): readonly SlotValue[] | undefined {
  if (value.kind === 'NoneLiteral') return [];
  if (value.kind === 'ErrorExpression') return undefined;
  if (value.kind !== 'RecordExpression') {
    context.diagnostics.add(report('HYB2022', value.span, { path }));
    return undefined;
  }
  const seen = new Map<string, Span>();
  return value.fields.flatMap((field) => {
    const slot = field.target.root;
    if (field.target.steps.length > 0) {
      context.diagnostics.add(report('HYB2006', field.target.span, { path: `${path}.${printPath(field.target)}` }));
      return [];
    }
    const earlier = seen.get(slot.text);
    if (earlier !== undefined) {
      const related = [{ span: earlier, message: 'the other one' }];
      context.diagnostics.add(report('HYB2003', slot.span, { field: slot.text }, { related }));
      return [];
    }
    seen.set(slot.text, slot.span);
    return [{ slot, value: field.value, environment }];
  });
}

/** Reports a slot that the block does not have. */
export function checkSlot(slot: Name, owner: string, slots: readonly string[], context: EvaluationContext): boolean {
  if (slots.includes(slot.text)) return true;
  const details = { ...didYouMean(slot.span, slot.text, slots), expected: listNames(slots), found: slot.text };
  context.diagnostics.add(report('HYB2020', slot.span, { owner, slot: slot.text }, details));
  return false;
}

/**
 * What stands in each slot of a block after the changes. Slots that the block does not have are passed over: a model's
 * default for `qk` means nothing to a block without it.
 */
export function fillSlots(
  changes: readonly SlotChange[],
  slots: readonly string[],
  context: EvaluationContext,
): Readonly<Record<string, NormInstance | null>> | undefined {
  const filled = new Map<string, Filling>();
  for (const change of changes) {
    switch (change.kind) {
      case 'replace':
        filled.clear();
        for (const value of change.values) filled.set(value.slot.text, { ...value, arguments: new Map() });
        break;
      case 'set':
        filled.set(change.value.slot.text, { ...change.value, arguments: new Map() });
        break;
      case 'argument': {
        const slot = change.slot.text;
        const filling = filled.get(slot);
        if (filling === undefined || filling.value.kind === 'NoneLiteral') {
          if (slots.includes(slot)) {
            context.diagnostics.add(report('HYB2023', change.slot.span, { slot, argument: change.name.text }));
          }
          break;
        }
        filled.set(slot, {
          ...filling,
          arguments: new Map([...filling.arguments, [change.name.text, change.argument]]),
        });
      }
    }
  }
  let complete = true;
  const result: [string, NormInstance | null][] = [];
  for (const slot of slots) {
    const filling = filled.get(slot);
    if (filling === undefined) continue;
    const norm = evaluateNorm(slot, filling.value, filling.environment, filling.arguments, context);
    if (norm === undefined) complete = false;
    else result.push([slot, norm]);
  }
  return complete ? dictionary(result) : undefined;
}

/** The norm that an expression says, null for `none`, undefined (with a finding) for anything else. */
export function evaluateNorm(
  slot: string,
  expression: Expression,
  environment: Environment,
  overrides: ReadonlyMap<string, GivenArgument>,
  context: EvaluationContext,
): NormInstance | null | undefined {
  const callee = expression.kind === 'Call' ? expression.callee : expression;
  if (overrides.size > 0 && callee.kind === 'Name') {
    const declared = environment.scope.find(callee.text);
    if (declared?.declaration.kind === 'BlockDeclaration' && declared.declaration.form === 'norm') {
      const { declaration, scope } = declared;
      for (const argument of overrides.values()) {
        if (!checkParameter(declaration, argument, context)) return undefined;
      }
      const given =
        expression.kind === 'Call' ? expression.arguments.map((argument) => ({ ...argument, environment })) : [];
      return instantiate(declaration, scope, given, expression.span, context, overrides) as NormInstance | undefined;
    }
  }
  if (callee.kind === 'Name' && environment.value(callee) === undefined) {
    const declared = environment.scope.find(callee.text);
    if (declared?.declaration.kind === 'BlockDeclaration' && declared.declaration.form === 'block') {
      const found = `the block ${declared.declaration.name.text}`;
      context.diagnostics.add(report('HYB2021', expression.span, { slot, found }));
      return undefined;
    }
  }
  const value = evaluate(expression, environment, context);
  if (value === undefined) return undefined;
  if (value.kind === 'none') return null;
  if (value.kind === 'norm') {
    if (overrides.size === 0) return value;
    // The norm came from a constant of the model: what it was made with stays, the rest is changed.
    for (const argument of overrides.values()) {
      if (!checkParameter(value.declaration, argument, context)) return undefined;
    }
    return withArguments(value, overrides, context);
  }
  context.diagnostics.add(report('HYB2021', expression.span, { slot, found: describeValue(value) }));
  return undefined;
}

/** Reports an argument of a path (`A.cap = …`) that the block or norm has no parameter for. */
export function checkParameter(
  declaration: BlockDeclaration,
  argument: GivenArgument,
  context: EvaluationContext,
): boolean {
  const { name } = argument;
  const parameters = declaration.parameters.map((parameter) => parameter.name.text);
  if (name === undefined || parameters.includes(name.text)) return true;
  const callee = declaration.name.text;
  const related = [{ span: declaration.name.span, message: `${callee} is declared here` }];
  const details = { ...didYouMean(name.span, name.text, parameters), related };
  context.diagnostics.add(report('HYB2010', name.span, { callee, name: name.text }, details));
  return false;
}
