/** Names in recipes. */
import type { Expression, Field, TrainDeclaration } from '@hyb/grammar';
import type { Choice, Spec } from '../../train/spec.js';
import { bindInitializer } from './bodies.js';
import { named } from './binder.js';
import type { Binder } from './binder.js';
import { bindExpression } from './expressions.js';
import type { Names } from './expressions.js';
import { choiceEntity, fieldEntities, modelFields, recipeFields, recipeSpec } from './fixed.js';
import { bindPrecision, bindSelector, ModelNames } from './models.js';
import type { ModelFacts } from './model-facts.js';

export function bindRecipe(declaration: TrainDeclaration, facts: ModelFacts | undefined, binder: Binder): void {
  if (declaration.of !== undefined) binder.use(declaration.of, binder.inFile(declaration.of.text));
  if (declaration.base !== undefined) binder.use(declaration.base, binder.inFile(declaration.base.text));
  const model = new ModelNames(binder, facts);
  const sizes = ['vocab', 'width', 'context'];
  const values: Names = {
    binder,
    callsFile: true,
    local: (name) => (sizes.includes(name) ? named(name, modelFields) : undefined),
  };
  const bind = new RecipeValues(values, model);
  for (const item of declaration.items) {
    if (item.kind === 'PrecisionBlock') bindPrecision(item, model);
    else bindItem(item, bind);
  }
}

function bindItem({ target, value }: Field, bind: RecipeValues): void {
  const { binder } = bind.values;
  const { root, steps } = target;
  binder.use(root, named(root.text, recipeFields), steps.length === 0 ? 'definition' : 'write');
  let spec = recipeSpec(root.text);
  for (const [i, step] of steps.entries()) {
    if (step.kind !== 'PathMember') break;
    // `init.M.out = …`: what follows the field is a selector.
    if (spec?.kind === 'selected') {
      bindSelector({ kind: 'Path', span: target.span, root: step.name, steps: steps.slice(i + 1) }, bind.model);
      return bind.value(value, spec.of);
    }
    if (spec?.kind === 'named') return bind.value(value, spec.of);
    const inner = innerFields(spec);
    binder.use(step.name, named(step.name.text, fieldEntities(inner, root.text)), 'write');
    spec = Object.hasOwn(inner, step.name.text) ? inner[step.name.text]!.spec : undefined;
  }
  bind.value(value, spec);
}

/** What a path may name below a field: fields of its record, or arguments of any of its choices. */
function innerFields(spec: Spec | undefined): Choice['parameters'] {
  switch (spec?.kind) {
    case 'record':
      return spec.fields;
    case 'choice':
      return Object.assign({}, ...spec.of.map(({ parameters }) => parameters)) as Choice['parameters'];
    case 'any':
      return Object.assign({}, ...spec.of.map(innerFields)) as Choice['parameters'];
    case 'optional':
      return innerFields(spec.of);
    default:
      return {};
  }
}

class RecipeValues {
  constructor(
    readonly values: Names,
    readonly model: ModelNames,
  ) {}

  value(value: Expression, spec: Spec | undefined): void {
    switch (spec?.kind) {
      case 'choice':
        return this.#choice(value, spec.of) ? undefined : bindExpression(value, this.values);
      case 'optional':
        return this.value(value, spec.of);
      case 'list':
      case 'pair':
        if (value.kind !== 'Tuple') return this.value(value, spec.of);
        return value.elements.forEach((each) => this.value(each, spec.of));
      case 'record':
        if (value.kind !== 'RecordExpression') return bindExpression(value, this.values);
        for (const { target, value: inner } of value.fields) {
          const known = fieldEntities(spec.fields, 'record');
          this.values.binder.use(target.root, named(target.root.text, known), 'definition');
          this.value(
            inner,
            Object.hasOwn(spec.fields, target.root.text) ? spec.fields[target.root.text]!.spec : undefined,
          );
        }
        return;
      case 'named':
        if (value.kind !== 'RecordExpression') return bindExpression(value, this.values);
        // The names are the author's own.
        return value.fields.forEach((field) => this.value(field.value, spec.of));
      case 'selected':
        if (value.kind !== 'RecordExpression') return bindExpression(value, this.values);
        for (const field of value.fields) {
          bindSelector(field.target, this.model);
          this.value(field.value, spec.of);
        }
        return;
      case 'initializer':
        return bindInitializer(value, this.values);
      case 'any': {
        const fitting = spec.of.find((each) => fits(value, each));
        return fitting === undefined ? bindExpression(value, this.values) : this.value(value, fitting);
      }
      default:
        bindExpression(value, this.values);
    }
  }

  #choice(value: Expression, choices: readonly Choice[]): boolean {
    const callee = value.kind === 'Call' ? value.callee : value;
    const choice = callee.kind === 'Name' ? choices.find(({ name }) => name === callee.text) : undefined;
    if (choice === undefined || callee.kind !== 'Name') return false;
    this.values.binder.use(callee, choiceEntity(choice));
    if (value.kind !== 'Call') return true;
    const options = fieldEntities(choice.parameters, choice.name);
    const names = Object.keys(choice.parameters);
    for (const [i, argument] of value.arguments.entries()) {
      if (argument.name !== undefined) this.values.binder.use(argument.name, named(argument.name.text, options));
      const name = argument.name?.text ?? names[i];
      const spec = name !== undefined && Object.hasOwn(choice.parameters, name) ? choice.parameters[name] : undefined;
      this.value(argument.value, spec?.spec);
    }
    return true;
  }
}

/** Which of several specifications a value is written for, by its form. */
function fits(value: Expression, spec: Spec): boolean {
  switch (spec.kind) {
    case 'choice': {
      const callee = value.kind === 'Call' ? value.callee : value;
      return callee.kind === 'Name' && spec.of.some(({ name }) => name === callee.text);
    }
    case 'record':
    case 'named':
    case 'selected':
      return value.kind === 'RecordExpression';
    case 'list':
      return value.kind === 'Tuple' || fits(value, spec.of);
    case 'string':
      return value.kind === 'StringLiteral';
    case 'any':
      return spec.of.some((each) => fits(value, each));
    default:
      return value.kind === 'NumberLiteral';
  }
}
