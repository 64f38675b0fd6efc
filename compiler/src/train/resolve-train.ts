/** Recipes: `train` declarations, checked and typed. Nothing is executed here. */
import type { ModelDeclaration, Name, Path, Span, TrainDeclaration } from '@hyb/grammar';
import type { BlockDeclaration } from '@hyb/grammar';
import type { Diagnostics } from '../diagnostics/collector.js';
import { didYouMean, listNames } from '../diagnostics/suggest.js';
import type { Model, PrecisionRule } from '../model/model.js';
import { derivationChain, layOut, printPath } from '../resolve/definition.js';
import type { Definition } from '../resolve/definition.js';
import type { Environment } from '../resolve/environment.js';
import { resolveRules, resolveSelector } from '../resolve/precision.js';
import type { SelectorContext } from '../resolve/precision.js';
import { integer, printNumber } from '../resolve/value.js';
import type { Declared, FileScope } from '../sources/scope.js';
import { TRAIN_FIELDS } from './fields.js';
import { reportTrain } from './messages.js';
import { read } from './read.js';
import type { PartChange, Written } from './read.js';
import type { FieldSpec, FieldValues } from './spec.js';

/** The fields of a recipe with defaults filled in. */
export type TrainFields = FieldValues<typeof TRAIN_FIELDS>;

export interface TrainRecipe extends TrainFields {
  readonly name: string;
  readonly doc?: string;
  readonly span: Span;
  /** The model that it trains; absent in a recipe that others are derived from. */
  readonly model?: Model;
  /** Rules over those of the model. */
  readonly precision: readonly PrecisionRule[];
}

/** Finds the model that a name stands for in a scope; undefined where it is wrong, which has been reported. */
export type ModelLookup = (declared: Declared<ModelDeclaration>) => Model | undefined;

export function resolveTrain(
  declared: Declared<TrainDeclaration>,
  models: ModelLookup,
  diagnostics: Diagnostics,
): TrainRecipe | undefined {
  const chain = derivationChain(declared, {
    kind: 'TrainDeclaration',
    diagnostics,
    unknownBase: (base, _, candidates) =>
      diagnostics.add(
        reportTrain('HYB5008', base.span, { name: base.text }, didYouMean(base.span, base.text, candidates)),
      ),
    circular: (base, names) => diagnostics.add(reportTrain('HYB5009', base.span, { chain: names })),
  });
  if (chain === undefined) return undefined;
  const definition = layOut(declared, chain, diagnostics);
  const owner = [...chain].reverse().find(({ declaration }) => declaration.of !== undefined);
  const model = owner === undefined ? undefined : findModel(owner.declaration.of!, owner.scope, models, diagnostics);
  if (owner !== undefined && model === undefined) {
    // Everything that does not depend on the model is still checked.
    readRecipe(definition, undefined, diagnostics);
    return undefined;
  }
  return readRecipe(definition, model, diagnostics);
}

function findModel(name: Name, scope: FileScope, models: ModelLookup, diagnostics: Diagnostics): Model | undefined {
  const found = scope.find(name.text);
  if (found?.declaration.kind === 'ModelDeclaration') return models(found as Declared<ModelDeclaration>);
  if (found === undefined && scope.isBroken(name.text)) return undefined;
  const candidates = scope.names().filter((other) => scope.find(other)?.declaration.kind === 'ModelDeclaration');
  diagnostics.add(reportTrain('HYB5007', name.span, { name: name.text }, didYouMean(name.span, name.text, candidates)));
  return undefined;
}

function readRecipe(
  definition: Definition<TrainDeclaration>,
  model: Model | undefined,
  diagnostics: Diagnostics,
): TrainRecipe | undefined {
  const { declaration, assignments, rules } = definition;
  const selectors = model === undefined ? undefined : selectorContext(model);
  const fields = new Map<string, Written>();
  let complete = true;
  // Within one body the order says nothing: a part is changed after the whole was set.
  const ordered = [...assignments].sort((a, b) => a.level - b.level || a.target.steps.length - b.target.steps.length);
  for (const { target, value, scope } of ordered) {
    const name = target.root.text;
    const environment = new RecipeEnvironment(scope, model);
    if (!Object.hasOwn(TRAIN_FIELDS, name)) {
      complete = false;
      const names = Object.keys(TRAIN_FIELDS);
      const details = {
        ...didYouMean(target.root.span, name, names),
        expected: listNames(names, names.length),
        found: name,
      };
      diagnostics.add(reportTrain('HYB5001', target.root.span, { field: name, where: 'recipes' }, details));
      continue;
    }
    if (target.steps.length === 0) {
      fields.set(name, { expression: value, environment, changes: [] });
      if (name === 'steps') fields.delete('tokens');
      if (name === 'tokens') fields.delete('steps');
      continue;
    }
    const path = target.steps.flatMap((step) => (step.kind === 'PathMember' ? [step.name] : []));
    if (path.length < target.steps.length) {
      complete = false;
      diagnostics.add(reportTrain('HYB5001', target.span, { field: printPath(target), where: 'recipes' }));
      continue;
    }
    const change: PartChange = { path, expression: value, environment };
    const earlier = fields.get(name) ?? defaultAsWritten(name, target, environment);
    fields.set(name, { ...earlier, changes: [...earlier.changes, change] });
  }
  complete = checkLength(definition, diagnostics) && complete;
  const values: Record<string, unknown> = {};
  const context = {
    diagnostics,
    selector: selectors === undefined ? undefined : (path: Path) => resolveSelector(path, selectors, diagnostics),
  };
  for (const [name, spec] of Object.entries(TRAIN_FIELDS) as [string, FieldSpec][]) {
    const written = fields.get(name);
    if (written !== undefined) {
      const result = read(spec.spec, name, written, context);
      if (result === undefined) complete = false;
      else values[name] = result.value;
    } else if ('default' in spec) values[name] = spec.default;
    // A recipe without a model is there to be derived from and may leave things open.
    else if (spec.required === true && declaration.of !== undefined) complete = missing(declaration, name, diagnostics);
    else if (spec.required === true && model !== undefined) complete = missing(declaration, name, diagnostics);
  }
  if (model !== undefined && !fields.has('steps') && !fields.has('tokens'))
    complete = missing(declaration, 'length', diagnostics);
  const precision = selectors === undefined ? [] : resolveRules(rules, selectors, diagnostics);
  if (!complete) return undefined;
  const recipe = {
    ...(values as unknown as TrainFields),
    name: declaration.name.text,
    ...(declaration.doc === undefined ? {} : { doc: declaration.doc }),
    span: declaration.span,
    ...(model === undefined ? {} : { model }),
    precision,
  };
  return checkTogether(recipe, fields, diagnostics) ? recipe : undefined;
}

function missing(declaration: TrainDeclaration, field: string, diagnostics: Diagnostics): false {
  const { text, span } = declaration.name;
  diagnostics.add(
    reportTrain('HYB5003', span, { recipe: text, field: field === 'length' ? 'length (steps or tokens)' : field }),
  );
  return false;
}

/** `steps` and `tokens` in one body; in a derivation the one takes the place of the other. */
function checkLength({ assignments }: Definition<TrainDeclaration>, diagnostics: Diagnostics): boolean {
  for (const steps of assignments) {
    const tokens = assignments.find((other) => other.key === 'tokens' && other.level === steps.level);
    if (steps.key !== 'steps' || tokens === undefined) continue;
    const related = [{ span: steps.target.span, message: 'the other one' }];
    diagnostics.add(reportTrain('HYB5006', tokens.target.span, {}, { related }));
    return false;
  }
  return true;
}

/** What a change of a part starts from where the field itself was never written: the default choice, or no fields. */
function defaultAsWritten(name: string, target: Path, environment: Environment): Written {
  const { span } = target.root;
  const spec: FieldSpec = TRAIN_FIELDS[name as keyof typeof TRAIN_FIELDS];
  const fallback = spec.default as { readonly name?: string } | undefined;
  const choice = spec.spec.kind === 'choice' ? fallback?.name : undefined;
  return {
    expression:
      choice === undefined ? { kind: 'RecordExpression', fields: [], span } : { kind: 'Name', text: choice, span },
    environment,
    changes: [],
  };
}

/** What fields say of each other. */
function checkTogether(recipe: TrainRecipe, written: ReadonlyMap<string, Written>, diagnostics: Diagnostics): boolean {
  const before = diagnostics.errors;
  const { model, sequence, batch, accumulation, data, mix, steps, tokens, warmup } = recipe;
  const place = (field: string): Span => written.get(field)?.expression.span ?? recipe.span;
  if (model !== undefined && sequence !== undefined && sequence.value > model.context) {
    const values = { context: printNumber(model.context), sequence: printNumber(sequence.value) };
    diagnostics.add(reportTrain('HYB5010', place('sequence'), values));
  }
  // A recipe without a model may leave the batch open.
  const size = batch === undefined ? undefined : sequencesOf(batch, sequence?.value ?? model?.context);
  if (size !== undefined && accumulation !== undefined && accumulation > size) {
    const values = {
      batch: size === 1 ? '1 sequence' : `${printNumber(size)} sequences`,
      accumulation: printNumber(accumulation),
    };
    diagnostics.add(reportTrain('HYB5015', place('accumulation'), values));
  }
  const length = steps ?? tokens;
  if (length !== undefined && length.unit === warmup.unit && warmup.value >= length.value) {
    const values = {
      warmup: `${printNumber(warmup.value)} ${warmup.unit}`,
      length: `${printNumber(length.value)} ${length.unit}`,
    };
    diagnostics.add(reportTrain('HYB5013', place('warmup'), values));
  }
  const phases = mix === undefined ? [] : isPhases(mix) ? mix.arguments.mixes : [{ of: mix }];
  const sources = data === undefined || Array.isArray(data) ? undefined : Object.keys(data);
  for (const name of new Set(phases.flatMap((phase) => Object.keys(phase.of)))) {
    if (sources === undefined || sources.includes(name)) continue;
    diagnostics.add(reportTrain('HYB5011', place('mix'), { source: name }, { expected: listNames(sources) }));
  }
  if (!phasesInOrder(phases)) diagnostics.add(reportTrain('HYB5012', place('mix'), {}));
  return diagnostics.errors === before;
}

/** Sequences of a batch; undefined where that is not known. */
function sequencesOf({ value, unit }: TrainFields['batch'], length: number | undefined): number | undefined {
  if (unit === 'sequences') return value;
  return length === undefined ? undefined : Math.floor(value / length);
}

type Mix = NonNullable<TrainFields['mix']>;
type Phases = Extract<Mix, { readonly name: 'phases' }>;

function isPhases(mix: Mix): mix is Phases {
  return typeof mix.name === 'string';
}

function phasesInOrder(phases: Phases['arguments']['mixes']): boolean {
  return phases.every(({ until }, i) => {
    if (until === undefined) return i === phases.length - 1;
    const next = phases[i + 1]?.until;
    if (next === undefined) return true;
    const unit = (end: typeof until): string => (typeof end === 'number' ? 'share' : end.unit);
    const value = (end: typeof until): number => (typeof end === 'number' ? end : end.value);
    // Ends in different units cannot be compared before the run's length is known.
    return unit(until) !== unit(next) || value(until) < value(next);
  });
}

function selectorContext(model: Model): SelectorContext {
  const blocks = new Map<string, BlockDeclaration>();
  for (const [alias, block] of Object.entries(model.aliases)) blocks.set(alias, block.declaration);
  return { blocks, layers: model.layers.map((layer) => layer.alias) };
}

/** Names in a recipe's values: the sizes of its model. */
class RecipeEnvironment implements Environment {
  constructor(
    readonly scope: FileScope,
    readonly model: Model | undefined,
  ) {}

  value(name: Name): ReturnType<Environment['value']> {
    if (name.text !== 'vocab' && name.text !== 'width' && name.text !== 'context') return undefined;
    if (this.model === undefined) return { state: 'failed' };
    return { state: 'known', value: integer(this.model[name.text]) };
  }

  names(): Iterable<string> {
    return ['vocab', 'width', 'context'];
  }
}
