/** Proposals in models: fields, values, patterns, precision. */
import { memberEntities, standardSlots } from '@hyb/compiler/query/names/entity';
import type { Entity } from '@hyb/compiler/query/names/entity';
import { embeddingFields, formats, headFields, modelFields, roles, selectors } from '@hyb/compiler/query/names/fixed';
import { blocksAt } from '@hyb/compiler/query/names/model-facts';
import type { ModelFacts } from '@hyb/compiler/query/names/model-facts';
import type { Declared } from '@hyb/compiler/sources/scope';
import { isBlock } from '@hyb/compiler/query/names/entity';
import type { BlockDeclaration, ModelDeclaration, PathIndex } from '@hyb/grammar';
import type { Place } from '../../workspace/workspace.js';
import type { CursorContext } from './context.js';
import { assigned, entityProposal, valueProposal, wordProposal } from './items.js';
import type { Proposal } from './items.js';
import {
  currentDeclaration,
  currentModel,
  distinct,
  parametersOfBlocks,
  slotsOfBlocks,
  usable,
  writtenFields,
} from './scope.js';
import { expressionValues, normValues } from './values.js';

export function modelItem(place: Place, context: CursorContext): readonly Proposal[] {
  const facts = currentModel(place, context);
  const { part, owner } = context;
  const assignAt = part.findIndex(({ image }) => image === '=');
  if (assignAt >= 0)
    return modelValue(
      place,
      context,
      facts,
      part.slice(0, assignAt).map(({ image }) => image),
    );
  if (owner !== undefined) return memberFields(place, owner, facts);
  if (part.length > 0) return [];
  const declaration = currentDeclaration(place, context)?.declaration as ModelDeclaration | undefined;
  const written = writtenFields(place, context);
  const derives = declaration?.base !== undefined;
  const sizes = modelFields.filter(({ name }) => !written.has(name));
  return [
    ...sizes.map((each, order) => modelFieldProposal(each, place, order)),
    wordProposal('precision', 'Where values are rounded, and to which type.', 'precision {\n  $0\n}', 3),
    ...[...(facts?.own.values() ?? [])].flatMap((each) =>
      derives || each.kind === 'alias' ? [entityProposal(each, place, { rank: derives ? 1 : 4 })] : [],
    ),
  ];
}

const FIELD_SNIPPETS: Readonly<Record<string, string>> = {
  norm: 'norm = { pre = ${1:RMSNorm} }',
  layers: 'layers = [$0]',
  head: 'head = { norm = ${1:RMSNorm}, tie = ${2:false} }',
  embedding: 'embedding = { scale = $0 }',
};

function modelFieldProposal(entity: Entity, place: Place, order: number): Proposal {
  const snippet = FIELD_SNIPPETS[entity.name];
  const sorting = { rank: 2, order };
  return snippet === undefined
    ? assigned(entity, place, sorting)
    : entityProposal(entity, place, { snippet, ...sorting });
}

/** Blocks that a path such as `A` or `layers[2..5]` speaks of. */
function blocksOf(
  [root, ...rest]: readonly string[],
  facts: ModelFacts | undefined,
): readonly Declared<BlockDeclaration>[] {
  if (facts === undefined || root === undefined) return [];
  if (root === 'layers') {
    const index = rest.find((each) => each.startsWith('['));
    return index === undefined ? [] : blocksAt(parseIndex(index), facts);
  }
  const block = facts.blocks.get(root);
  return block === undefined ? [] : [block];
}

/** `[2..5]` */
function parseIndex(written: string): PathIndex {
  const span = { file: '', start: 0, end: 0 };
  const [start, end] = written.slice(1, -1).split('..');
  const number = (text: string | undefined) =>
    text === undefined || !/^\d/.test(text)
      ? undefined
      : ({ kind: 'NumberLiteral', span, value: Number(text.replaceAll('_', '')), raw: text } as const);
  const [from, to] = [number(start), number(end)];
  if (!written.includes('..') && from !== undefined) return { kind: 'PathIndex', span, index: from };
  const index = { kind: 'Range', span, ...(from && { start: from }), ...(to && { end: to }) } as const;
  return { kind: 'PathIndex', span, index };
}

function memberFields(place: Place, owner: readonly string[], facts: ModelFacts | undefined): readonly Proposal[] {
  const names = owner.filter((each) => !each.startsWith('['));
  const [root, second] = names;
  const field = (each: Entity): Proposal => assigned(each, place);
  if (root === 'norm') return names.length === 1 ? slotsOfBlocks([...(facts?.blocks.values() ?? [])]).map(field) : [];
  if (root === 'head') return names.length === 1 ? headFields.map(field) : [];
  if (root === 'embedding') return embeddingFields.map(field);
  const blocks = blocksOf(owner, facts);
  if (second === 'norm' && names.length === 2) return slotsOfBlocks(blocks).map(field);
  if (names.length > 1) return [];
  const norm = modelFields.find(({ name }) => name === 'norm')!;
  return [
    ...parametersOfBlocks(blocks).map(field),
    entityProposal(norm, place, { doc: 'Slots of the block.', rank: 6 }),
  ];
}

function modelValue(
  place: Place,
  context: CursorContext,
  facts: ModelFacts | undefined,
  target: readonly string[],
): readonly Proposal[] {
  const names = target.filter((each) => /^\w+$/.test(each) && !/^\d/.test(each));
  const [root] = names;
  if (context.part.at(-1)?.image !== '=') return expressionValues(place, facts);
  switch (root) {
    case 'layers':
      if (names.length === 1) {
        const letters = [...(facts?.blocks.keys() ?? [])];
        return [
          wordProposal('[ … ]', 'Layers in order: `[(M F)*3, A F]`.', `[${letters.join(' ')}$0]`, 1),
          wordProposal('pattern', 'A string of letters, as Megatron-LM writes it.', 'pattern("$1", { $0 })', 2),
        ];
      }
      break;
    case 'weights':
      return usable(place, ['weights']).map(({ entity, edits }) =>
        entityProposal(entity, place, { rank: edits.length === 0 ? 1 : 3, more: edits }),
      );
    case 'norm':
      return names.length === 1
        ? [wordProposal('{ … }', 'Norms in slots.', '{ pre = ${1:RMSNorm} }')]
        : normValues(place);
    case 'head':
      if (names.length === 1)
        return [wordProposal('{ … }', 'Fields of the head.', '{ norm = ${1:RMSNorm}, tie = $0 }')];
      if (names[1] === 'norm') return normValues(place);
      break;
  }
  if (names.at(-2) === 'norm') return normValues(place);
  if (names.at(-1) === 'norm') return [wordProposal('{ … }', 'Norms in slots.', '{ pre = ${1:RMSNorm} }')];
  const parameter = names.length > 1 ? parameterOf(names, target, facts) : undefined;
  if (parameter !== undefined) return expressionValues(place, facts, parameter);
  return [
    ...usable(place, ['block']).map(({ entity, edits }) =>
      entityProposal(entity, place, { snippet: `${entity.name}($0)`, rank: edits.length === 0 ? 1 : 3, more: edits }),
    ),
    wordProposal('shared', 'All layers of this name have the same weights.', 'shared ${1:Block}($0)', 4),
    ...expressionValues(place, facts),
  ];
}

function parameterOf(names: readonly string[], target: readonly string[], facts: ModelFacts | undefined) {
  const index = target.indexOf('[');
  const owner = index < 0 ? names : [names[0]!, `[${target.slice(index + 1, target.indexOf(']')).join('')}]`];
  const block = blocksOf(owner, facts)[0];
  return block?.declaration.parameters.find(({ name }) => name.text === names.at(-1));
}

/** A name in brackets. */
export function layerNames(place: Place, context: CursorContext): readonly Proposal[] {
  const own = currentModel(place, context)?.own.values() ?? [];
  return [...own].flatMap((each) => (each.kind === 'alias' ? [entityProposal(each, place)] : []));
}

/** `{ … }` of `norm`, `A.norm`, `head`, `embedding`. */
export function modelRecord(place: Place, context: CursorContext, path: readonly string[]): readonly Proposal[] {
  const facts = currentModel(place, context);
  const last = path.at(-1);
  const fields =
    last === 'norm'
      ? slotsOfBlocks(path.length > 1 ? blocksOf(path, facts) : [...(facts?.blocks.values() ?? [])])
      : last === 'head'
        ? headFields
        : last === 'embedding'
          ? embeddingFields
          : [];
  const { part } = context;
  if (part.length === 0) return fields.map((each) => assigned(each, place));
  if (part.at(-1)?.image !== '=') return [];
  const isNorm = last === 'norm' || part[0]?.image === 'norm';
  if (isNorm) return normValues(place);
  if (part[0]?.image === 'tie' || part[0]?.image === 'bias') return [valueProposal('true'), valueProposal('false')];
  return expressionValues(place, facts);
}

/** `role in selector = type` */
export function precisionRule(place: Place, context: CursorContext): readonly Proposal[] {
  const { part, owner } = context;
  if (part.at(-1)?.image === '=') return formats.map((each) => entityProposal(each, place));
  if (part.some(({ image }) => image === 'in')) return selectorNames(place, context, owner);
  if (part.length === 0) return roles.map((each) => entityProposal(each, place));
  if (part.length === 1) return [wordProposal('in', 'Only for a part of the model.', undefined, 1)];
  return [];
}

export function selectorNames(
  place: Place,
  context: CursorContext,
  owner: readonly string[] | undefined,
): readonly Proposal[] {
  const facts = currentModel(place, context);
  const blocks = [...(facts?.blocks.values() ?? [])];
  const members = (of: readonly Declared<BlockDeclaration>[]): readonly Entity[] =>
    distinct([...of.flatMap(memberEntities), ...standardSlots]);
  if (owner !== undefined) return members(blocksOf(owner, facts)).map((each) => entityProposal(each, place));
  return [
    ...[...(facts?.own.values() ?? [])].flatMap((each) =>
      isBlock(each.declared) ? [entityProposal(each, place, { rank: 1 })] : [],
    ),
    ...selectors.map((each) => entityProposal(each, place, { rank: 2 })),
    ...members(blocks).map((each) => entityProposal(each, place, { rank: 3 })),
  ];
}
