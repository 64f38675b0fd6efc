/** The single-name fields of a model: its sizes, constants and blocks, evaluated on demand and in any order. */
import type { BlockDeclaration, Expression, Name } from '@hyb/grammar';
import { nearest, replaceFix } from '../diagnostics/suggest.js';
import type { BlockInstance } from '../model/model.js';
import type { Declared, FileScope } from '../sources/scope.js';
import type { Assignment } from './definition.js';
import type { Environment, Lookup } from './environment.js';
import { describeValue, evaluate } from './evaluate.js';
import type { EvaluationContext } from './evaluate.js';
import type { GivenArgument } from './arguments.js';
import { instantiate } from './instantiate.js';
import { report } from './messages/report.js';
import type { Diagnostics } from '../diagnostics/collector.js';
import { printNumber } from './value.js';
import type { Value } from './value.js';

/** Fields that the language gives a meaning; all other names of a model are its blocks and constants. */
export const MODEL_FIELDS = ['vocab', 'width', 'context', 'norm', 'layers', 'head', 'embedding', 'weights'] as const;
const SIZES = ['vocab', 'width', 'context'] as const;
export type SizeField = (typeof SIZES)[number];

/** Indices on the device are 32-bit. */
const MAX_SIZE = 2 ** 31 - 1;

/** A field's definition; `previous` is what a base said. */
interface FieldDefinition {
  readonly assignment: Assignment;
  readonly previous: FieldDefinition | undefined;
  result: { readonly value: Value | undefined } | undefined;
  open: boolean;
}

export class Fields implements EvaluationContext {
  readonly #definitions = new Map<string, FieldDefinition>();
  readonly #overrides = new Map<string, Map<string, GivenArgument>>();
  readonly #used = new Set<string>();
  readonly #chain: string[] = [];
  #width: { readonly value: number | undefined } | undefined;

  constructor(readonly diagnostics: Diagnostics) {}

  define(name: string, assignment: Assignment): void {
    this.#overrides.delete(name);
    this.#definitions.set(name, { assignment, previous: this.#definitions.get(name), result: undefined, open: false });
  }

  /** `A.cap = 50`: every use of the block has it, until the block is defined anew. */
  override(block: string, parameter: string, argument: GivenArgument): void {
    const overrides = this.#overrides.get(block) ?? new Map<string, GivenArgument>();
    overrides.set(parameter, argument);
    this.#overrides.set(block, overrides);
  }

  has(name: string): boolean {
    return this.#definitions.has(name);
  }

  assignment(name: string): Assignment | undefined {
    return this.#definitions.get(name)?.assignment;
  }

  /** Names of blocks in the order of the source, those whose definition is wrong included. */
  blocks(): readonly string[] {
    return [...this.#definitions].flatMap(([name, { assignment }]) =>
      !isModelField(name) && isBlockExpression(assignment.value, assignment.scope) ? [name] : [],
    );
  }

  isBlock(name: string): boolean {
    const definition = this.#definitions.get(name);
    if (definition === undefined || isModelField(name)) return false;
    return isBlockExpression(definition.assignment.value, definition.assignment.scope);
  }

  isShared(name: string): boolean {
    return this.#definitions.get(name)?.assignment.value.kind === 'Shared';
  }

  /** Where the names of an assignment's value are looked up. */
  environment(assignment: Assignment): Environment {
    return new ModelEnvironment(this, assignment.scope, undefined);
  }

  /** The model's width, as defaults of parameters see it. */
  get width(): number | undefined {
    this.#width ??= { value: this.size('width') };
    return this.#width.value;
  }

  /** A size of the model; undefined where it is missing or wrong (reported by `size` once, `missing` says which). */
  size(field: SizeField): number | undefined {
    const definition = this.#definitions.get(field);
    if (definition === undefined) return undefined;
    const value = this.#evaluate(field, definition);
    if (value === undefined) return undefined;
    const { span } = definition.assignment.value;
    if (value.kind !== 'number') {
      const values = { field, expected: 'a whole number', found: describeValue(value) };
      this.diagnostics.add(report('HYB2004', span, values));
      return undefined;
    }
    if (!value.integer || value.value < 1 || value.value > MAX_SIZE) {
      const range = `a whole number from 1 to ${printNumber(MAX_SIZE)}`;
      this.diagnostics.add(report('HYB2005', span, { field, range, found: printNumber(value.value) }));
      return undefined;
    }
    return value.value;
  }

  /** A block by name; undefined where its definition is wrong. */
  block(name: string): BlockInstance | undefined {
    const definition = this.#definitions.get(name);
    const value = definition === undefined ? undefined : this.#evaluate(name, definition);
    return value?.kind === 'block' ? value : undefined;
  }

  /** The block as a single layer has it, with exactly these arguments changed. */
  variant(name: string, overrides: ReadonlyMap<string, GivenArgument>): BlockInstance | undefined {
    const definition = this.#definitions.get(name);
    if (definition === undefined) return undefined;
    const environment = new ModelEnvironment(this, definition.assignment.scope, { name, definition });
    const value = this.#instantiate(definition.assignment, overrides, environment);
    return value?.kind === 'block' ? value : undefined;
  }

  /** The declaration behind a block's name, whether or not its arguments are right. */
  declaration(name: string): BlockDeclaration | undefined {
    const assignment = this.assignment(name);
    const found = assignment === undefined ? undefined : blockDeclaration(assignment.value, assignment.scope);
    return found?.declaration;
  }

  /** The value of a field that is no block; for saying what it is. */
  constant(name: string): Value | undefined {
    const definition = this.#definitions.get(name);
    return definition === undefined ? undefined : this.#evaluate(name, definition);
  }

  /** Evaluates every constant, and warns of those that nothing refers to. To be called last. */
  finish(): void {
    for (const [name, definition] of this.#definitions) {
      if (isModelField(name) || this.isBlock(name)) continue;
      const { assignment } = definition;
      const { value, target } = assignment;
      const near = nearest(name, MODEL_FIELDS);
      const fixes = near === undefined ? [] : [replaceFix(target.root.span, near)];
      if (value.kind === 'RecordExpression' || value.kind === 'PatternExpression' || value.kind === 'MapExpression') {
        this.diagnostics.add(report('HYB2002', target.span, { field: name, where: 'models' }, { fixes }));
        continue;
      }
      if (value.kind === 'Shared') {
        this.diagnostics.add(report('HYB2040', value.span, {}));
        continue;
      }
      this.#evaluate(name, definition);
      if (value.kind === 'ErrorExpression') continue;
      if (!this.#used.has(name)) this.diagnostics.add(report('HYB2039', target.span, { name }, { fixes }));
    }
  }

  lookup(
    name: Name,
    self: { readonly name: string; readonly definition: FieldDefinition } | undefined,
  ): Lookup | undefined {
    const { text } = name;
    // In `with { width = width * 2 }` the right side means the base's value.
    const own = self?.name === text ? (self.definition.previous ?? self.definition) : undefined;
    const definition = own ?? this.#definitions.get(text);
    if (definition === undefined) return undefined;
    if (isModelField(text) && !isSize(text)) return undefined;
    this.#used.add(text);
    const value = this.#evaluate(text, definition);
    return value === undefined ? { state: 'failed' } : { state: 'known', value };
  }

  names(): Iterable<string> {
    return [...this.#definitions.keys()].filter((name) => !isModelField(name) || isSize(name));
  }

  #evaluate(name: string, definition: FieldDefinition): Value | undefined {
    if (definition.result !== undefined) return definition.result.value;
    const { assignment } = definition;
    if (definition.open) {
      const chain = [...this.#chain.slice(this.#chain.indexOf(name)), name].map((link) => `'${link}'`).join(' → ');
      this.diagnostics.add(report('HYB1016', assignment.target.span, { chain }));
      definition.result = { value: undefined };
      return undefined;
    }
    definition.open = true;
    this.#chain.push(name);
    const environment = new ModelEnvironment(this, assignment.scope, { name, definition });
    const value = isBlockExpression(assignment.value, assignment.scope)
      ? this.#instantiate(assignment, this.#current(name, definition), environment)
      : assignment.value.kind === 'Shared'
        ? undefined
        : evaluate(assignment.value, environment, this);
    this.#chain.pop();
    definition.open = false;
    definition.result ??= { value };
    return definition.result.value;
  }

  #current(name: string, definition: FieldDefinition): ReadonlyMap<string, GivenArgument> {
    const overrides = this.#definitions.get(name) === definition ? this.#overrides.get(name) : undefined;
    return overrides ?? new Map();
  }

  #instantiate(
    assignment: Assignment,
    overrides: ReadonlyMap<string, GivenArgument>,
    environment: Environment,
  ): Value | undefined {
    const written = assignment.value.kind === 'Shared' ? assignment.value.value : assignment.value;
    const block = blockDeclaration(written, assignment.scope);
    // A name that is no block: evaluation says what is wrong with it.
    if (block === undefined) return evaluate(written, environment, this);
    const given = written.kind === 'Call' ? written.arguments.map((argument) => ({ ...argument, environment })) : [];
    return instantiate(block.declaration, block.scope, given, written.span, this, overrides);
  }
}

class ModelEnvironment implements Environment {
  constructor(
    readonly fields: Fields,
    readonly scope: FileScope,
    readonly self: { readonly name: string; readonly definition: FieldDefinition } | undefined,
  ) {}

  value(name: Name): Lookup | undefined {
    return this.fields.lookup(name, this.self);
  }

  names(): Iterable<string> {
    return this.fields.names();
  }
}

export function isModelField(name: string): boolean {
  return (MODEL_FIELDS as readonly string[]).includes(name);
}

function isSize(name: string): name is SizeField {
  return (SIZES as readonly string[]).includes(name);
}

/** The block that an expression makes an instance of: `MLP(inner = 128)`, `Leaky`, `shared A(…)`. */
export function blockDeclaration(expression: Expression, scope: FileScope): Declared<BlockDeclaration> | undefined {
  const written = expression.kind === 'Shared' ? expression.value : expression;
  const callee = written.kind === 'Call' ? written.callee : written;
  const declared = callee.kind === 'Name' ? scope.find(callee.text) : undefined;
  if (declared?.declaration.kind !== 'BlockDeclaration' || declared.declaration.form !== 'block') return undefined;
  return declared as Declared<BlockDeclaration>;
}

/**
 * Whether an expression is meant to be a block. The call of a capitalised name that does not exist counts as one, so
 * that only the name is reported and not the pattern too.
 */
export function isBlockExpression(expression: Expression, scope: FileScope): boolean {
  if (blockDeclaration(expression, scope) !== undefined) return true;
  const written = expression.kind === 'Shared' ? expression.value : expression;
  if (written.kind !== 'Call' || written.callee.kind !== 'Name') return false;
  const { text } = written.callee;
  return scope.isBroken(text) || (scope.find(text) === undefined && /^[A-Z]/.test(text));
}
