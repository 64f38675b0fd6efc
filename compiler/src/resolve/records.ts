/** `head` and `embedding`: records with known fields, set as a whole or field by field. */
import type { Expression, Name } from '@hyb/grammar';
import { didYouMean, listNames } from '../diagnostics/suggest.js';
import type { Constant } from '../model/model.js';
import type { GivenArgument } from './arguments.js';
import { KIND_NAMES } from './arguments.js';
import { printPath } from './definition.js';
import type { Environment } from './environment.js';
import { describeValue, evaluate } from './evaluate.js';
import type { EvaluationContext } from './evaluate.js';
import { report } from './messages/report.js';
import { kindOf } from './value.js';
import type { Kind } from './value.js';

interface FieldValue {
  readonly value: Expression;
  readonly environment: Environment;
}

/** The fields of one record as they are set, the last setting of each. */
export class RecordFields {
  readonly #values = new Map<string, FieldValue>();
  readonly #arguments = new Map<string, Map<string, GivenArgument>>();

  constructor(
    readonly name: string,
    readonly fields: readonly string[],
    readonly context: EvaluationContext,
  ) {}

  /** `head = { … }`: nothing set before remains. */
  replace(value: Expression, environment: Environment): void {
    if (value.kind === 'ErrorExpression') return;
    this.#values.clear();
    this.#arguments.clear();
    if (value.kind !== 'RecordExpression') {
      const found = evaluate(value, environment, this.context);
      if (found === undefined) return;
      const expected = `{ ${this.fields.join(' = …, ')} = … }`;
      const values = { field: this.name, expected, found: describeValue(found) };
      this.context.diagnostics.add(report('HYB2004', value.span, values));
      return;
    }
    for (const field of value.fields) {
      const { root, steps } = field.target;
      if (steps.length > 0) {
        this.context.diagnostics.add(
          report('HYB2006', field.target.span, { path: `${this.name}.${printPath(field.target)}` }),
        );
      } else if (this.#values.has(root.text)) {
        this.context.diagnostics.add(report('HYB2003', root.span, { field: root.text }));
      } else this.set(root, field.value, environment);
    }
  }

  /** `head.tie = true` */
  set(name: Name, value: Expression, environment: Environment): void {
    if (!this.fields.includes(name.text)) {
      const details = {
        ...didYouMean(name.span, name.text, this.fields),
        expected: listNames(this.fields),
        found: name.text,
      };
      this.context.diagnostics.add(
        report('HYB2002', name.span, { field: name.text, where: `'${this.name}'` }, details),
      );
      return;
    }
    this.#values.set(name.text, { value, environment });
    this.#arguments.delete(name.text);
  }

  /** `head.norm.eps = 1e-6` */
  override(field: string, argument: GivenArgument, parameter: string): void {
    const overrides = this.#arguments.get(field) ?? new Map<string, GivenArgument>();
    overrides.set(parameter, argument);
    this.#arguments.set(field, overrides);
  }

  written(field: string): (FieldValue & { readonly arguments: ReadonlyMap<string, GivenArgument> }) | undefined {
    const found = this.#values.get(field);
    return found === undefined ? undefined : { ...found, arguments: this.#arguments.get(field) ?? new Map() };
  }

  /** Whether arguments of the field are overridden although nothing is set. */
  orphan(field: string): GivenArgument | undefined {
    if (this.#values.has(field)) return undefined;
    const [first] = this.#arguments.get(field)?.values() ?? [];
    return first;
  }

  /** The field's value: `fallback` where it is not set, undefined (with a finding) where it is of another kind. */
  value<F>(field: string, kind: Kind, fallback: F, allowsNone = false): Constant | F | undefined {
    const found = this.#values.get(field);
    if (found === undefined) return fallback;
    const value = evaluate(found.value, found.environment, this.context);
    if (value === undefined) return undefined;
    if (value.kind === 'none' && allowsNone) return fallback;
    const matches = kindOf(value) === kind || (kind === 'float' && value.kind === 'number');
    if (matches && value.kind !== 'quantity' && value.kind !== 'block') return value;
    const values = { field: `${this.name}.${field}`, expected: KIND_NAMES[kind], found: describeValue(value) };
    this.context.diagnostics.add(report('HYB2004', found.value.span, values));
    return undefined;
  }
}
