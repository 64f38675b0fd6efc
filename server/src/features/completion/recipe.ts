/** Proposals in recipes, all from the one table of fields. */
import { choiceEntity, fieldEntities, recipeFields, recipeSpec, unitEntity } from '@hyb/compiler/query/names/fixed';
import type { Entity } from '@hyb/compiler/query/names/entity';
import { initializers } from '@hyb/compiler/query/names/fixed';
import { UNITS } from '@hyb/compiler/resolve/value';
import type { Choice, FieldSpec, Spec } from '@hyb/compiler/train/spec';
import type { Place } from '../../workspace/workspace.js';
import type { CursorContext } from './context.js';
import { assigned, entityProposal, valueProposal, wordProposal } from './items.js';
import type { Proposal } from './items.js';
import { selectorNames } from './model.js';
import { writtenFields } from './scope.js';

type Fields = Readonly<Record<string, FieldSpec>>;

export function recipeItem(place: Place, context: CursorContext): readonly Proposal[] {
  const { part, owner } = context;
  const sign = part.findIndex(({ image }) => image === '=');
  const names = part.slice(0, Math.max(sign, 0)).flatMap(({ image }) => (/^[A-Za-z_]\w*$/.test(image) ? [image] : []));
  if (sign >= 0) return valuesOf(specAt(names), context, place);
  if (owner !== undefined) return memberProposals(specAt(owner), place, context, owner);
  if (part.length > 0) return [];
  const written = writtenFields(place, context);
  return [
    ...recipeFields
      .filter(({ name }) => !written.has(name))
      .map((each) => assigned(each, place, { rank: isRequired(each) ? 1 : 2 })),
    wordProposal('precision', 'Rules over those of the model.', 'precision {\n  $0\n}', 3),
  ];
}

const isRequired = ({ doc }: Entity): boolean => doc?.includes('Must be given.') === true;

/** The specification at the end of a path such as `optimizer.betas`. */
function specAt([root, ...steps]: readonly string[]): Spec | undefined {
  let spec = root === undefined ? undefined : recipeSpec(root);
  for (const step of steps) {
    if (spec?.kind === 'selected' || spec?.kind === 'named') return spec.of;
    const fields: Fields = fieldsOf(spec);
    spec = Object.hasOwn(fields, step) ? fields[step]!.spec : undefined;
  }
  return spec;
}

function fieldsOf(spec: Spec | undefined): Fields {
  switch (spec?.kind) {
    case 'record':
      return spec.fields;
    case 'choice':
      return Object.assign({}, ...spec.of.map(({ parameters }) => parameters)) as Fields;
    case 'any':
      return Object.assign({}, ...spec.of.map(fieldsOf)) as Fields;
    case 'optional':
      return fieldsOf(spec.of);
    default:
      return {};
  }
}

function memberProposals(
  spec: Spec | undefined,
  place: Place,
  context: CursorContext,
  owner: readonly string[],
): readonly Proposal[] {
  if (spec?.kind === 'selected') return selectorNames(place, context, owner.length > 1 ? owner.slice(1) : undefined);
  return fieldEntities(fieldsOf(spec), owner.at(-1)!).map((each) => assigned(each, place));
}

/** Values that a specification allows: choices, units, true and false. */
function valuesOf(spec: Spec | undefined, context: CursorContext, place: Place): readonly Proposal[] {
  const before = context.part.at(-1)?.image ?? '';
  // A unit after a number.
  if (/^\d/.test(before)) return unitsOf(spec).map((name) => entityProposal(unitEntity(name), place));
  switch (spec?.kind) {
    case 'choice':
      return spec.of.map((each) => choiceProposal(each, place));
    case 'any':
      return spec.of.flatMap((each) => valuesOf(each, context, place));
    case 'optional':
      return [...valuesOf(spec.of, context, place), valueProposal('none')];
    case 'list':
    case 'pair':
      return valuesOf(spec.of, context, place);
    case 'boolean':
      return [valueProposal('true'), valueProposal('false')];
    case 'initializer':
      return initializers.map((each) => entityProposal(each, place, { snippet: `${each.name}($0)` }));
    case 'record':
    case 'selected':
    case 'named':
      return [wordProposal('{ … }', 'A record of fields.', '{ $0 }')];
    default:
      return [];
  }
}

function choiceProposal(choice: Choice, place: Place): Proposal {
  const entity = choiceEntity(choice);
  const more = Object.keys(choice.parameters).length > 0 ? { snippet: `${choice.name}($0)` } : {};
  return entityProposal(entity, place, more);
}

function unitsOf(spec: Spec | undefined): readonly string[] {
  if (spec?.kind === 'any') return spec.of.flatMap(unitsOf);
  if (spec?.kind === 'optional') return unitsOf(spec.of);
  if (spec?.kind !== 'quantity') return [];
  return [...UNITS].flatMap(([name, { dimension }]) => (spec.units.includes(dimension) ? [name] : []));
}

/** `checkpoints = { … }`, `rates = { … }` */
export function recipeRecord(place: Place, context: CursorContext, path: readonly string[]): readonly Proposal[] {
  const spec = specAt(path);
  const { part, owner } = context;
  const sign = part.findIndex(({ image }) => image === '=');
  if (sign < 0) {
    if (spec?.kind === 'selected') return selectorNames(place, context, owner);
    return part.length > 0 ? [] : fieldEntities(fieldsOf(spec), path.at(-1)!).map((each) => assigned(each, place));
  }
  const inner = spec?.kind === 'selected' || spec?.kind === 'named' ? spec.of : undefined;
  const fields = fieldsOf(spec);
  const name = part[0]!.image;
  return valuesOf(inner ?? (Object.hasOwn(fields, name) ? fields[name]!.spec : undefined), context, place);
}

/** Arguments of a choice: `AdamW(betas = …)`. */
export function choiceArgument(
  place: Place,
  context: CursorContext,
  { callee, given }: { readonly callee: string; readonly given: readonly string[] },
): readonly Proposal[] {
  const choice = choiceNamed(callee);
  if (choice === undefined) return [];
  const { part } = context;
  if (part.length === 0) {
    return fieldEntities(choice.parameters, callee)
      .filter(({ name }) => !given.includes(name))
      .map((each) => assigned(each, place));
  }
  const name = part[0]!.image;
  const spec = Object.hasOwn(choice.parameters, name) ? choice.parameters[name]!.spec : undefined;
  return part[1]?.image === '=' ? valuesOf(spec, context, place) : [];
}

/** A choice that some field of recipes has: `AdamW`, `cosine`. */
export function choiceNamed(name: string): Choice | undefined {
  return allChoices().find((each) => each.name === name);
}

function allChoices(): readonly Choice[] {
  const collect = (spec: Spec | undefined): readonly Choice[] => {
    switch (spec?.kind) {
      case 'choice':
        return spec.of;
      case 'any':
        return spec.of.flatMap(collect);
      case 'optional':
      case 'list':
        return collect(spec.of);
      case 'record':
        return Object.values(spec.fields).flatMap((field) => collect(field.spec));
      default:
        return [];
    }
  };
  return recipeFields.flatMap(({ name }) => collect(recipeSpec(name)));
}
