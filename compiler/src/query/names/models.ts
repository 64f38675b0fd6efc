/** Names in models. */
import type {
  BlockDeclaration,
  Expression,
  Field,
  ModelDeclaration,
  Name,
  Path,
  PatternItem,
  PathStep,
  PrecisionBlock,
} from '@hyb/grammar';
import { isModelField } from '../../resolve/fields.js';
import type { Declared } from '../../sources/scope.js';
import { patternLetters } from '../pattern-places.js';
import type { Binder } from './binder.js';
import { named } from './binder.js';
import { isBlock, memberEntities, parameterEntities, standardSlots } from './entity.js';
import type { Entity } from './entity.js';
import { bindExpression, bindSlotRecord, slotsNamed } from './expressions.js';
import type { Names } from './expressions.js';
import {
  embeddingFields,
  formats,
  headFields,
  modelFields,
  parts,
  patternFunction,
  roles,
  selectors,
} from './fixed.js';
import { blocksAt } from './model-facts.js';
import type { ModelFacts } from './model-facts.js';

type Block = Declared<BlockDeclaration>;

/** The names that fields of a model may use: its own blocks and constants, and its sizes. */
export class ModelNames implements Names {
  readonly callsFile = true;

  constructor(
    readonly binder: Binder,
    readonly facts: ModelFacts | undefined,
  ) {}

  local(name: string): Entity | undefined {
    if (name === 'vocab' || name === 'width' || name === 'context') return named(name, modelFields);
    return this.facts?.own.get(name);
  }

  get blocks(): readonly Block[] {
    return [...(this.facts?.blocks.values() ?? [])];
  }
}

export function bindModel(declaration: ModelDeclaration, facts: ModelFacts | undefined, binder: Binder): void {
  const names = new ModelNames(binder, facts);
  if (declaration.base !== undefined) binder.use(declaration.base, binder.inFile(declaration.base.text));
  for (const item of declaration.items) {
    if (item.kind === 'PrecisionBlock') bindPrecision(item, names);
    else bindField(item, names);
  }
}

function bindField({ target, value }: Field, names: ModelNames): void {
  const { binder } = names;
  const { root, steps } = target;
  if (isModelField(root.text)) {
    binder.use(root, named(root.text, modelFields), steps.length === 0 ? 'definition' : 'write');
    bindModelField(root.text, steps, value, names);
    return;
  }
  const own = names.facts?.own.get(root.text);
  const defines = own?.place?.start === root.span.start && own.place.file === root.span.file;
  binder.use(root, own, defines ? 'definition' : 'write');
  if (steps.length === 0) {
    const made = value.kind === 'Shared' ? value.value : value;
    // `M = Mixer`: the block of the file, whatever the model calls by that name.
    if (made.kind === 'Name' && own?.kind === 'alias') return binder.use(made, binder.inFile(made.text));
    return bindExpression(value, names);
  }
  const block = isBlock(own?.declared) ? [own.declared] : [];
  bindBlockPath(steps, block, value, names);
}

function bindModelField(root: string, steps: readonly PathStep[], value: Expression, names: ModelNames): void {
  const [first, ...rest] = steps;
  switch (root) {
    case 'norm':
      if (first === undefined) return bindSlotRecord(value, (slot) => allSlots(slot, names), names);
      bindSlotPath(steps, allSlots, names);
      return bindExpression(value, names);
    case 'head':
    case 'embedding':
      return bindRecordField(root === 'head' ? headFields : embeddingFields, steps, value, names);
    case 'layers':
      if (first === undefined) return bindPattern(value, names);
      return bindBlockPath(
        rest,
        first.kind === 'PathIndex' && names.facts !== undefined ? blocksAt(first, names.facts) : [],
        value,
        names,
      );
    default:
      bindExpression(value, names);
  }
}

/** `head = { … }`, `head.tie = …`, `head.norm.eps = …`. */
function bindRecordField(
  fields: readonly Entity[],
  [first, second]: readonly PathStep[],
  value: Expression,
  names: ModelNames,
): void {
  const { binder } = names;
  if (first?.kind === 'PathMember') binder.use(first.name, named(first.name.text, fields), 'write');
  if (second?.kind === 'PathMember') bindNormParameter(second.name, headNorms(names), names);
  if (first !== undefined || value.kind !== 'RecordExpression') return bindExpression(value, names);
  for (const { target, value: inner } of value.fields) {
    binder.use(target.root, named(target.root.text, fields), 'definition');
    bindExpression(inner, names);
  }
}

function headNorms({ facts }: ModelNames): readonly Block[] {
  const written = (facts?.definition.assignments ?? []).flatMap(({ key, value, scope }) => {
    if (key === 'head.norm') return [{ value, scope }];
    if (key !== 'head' || value.kind !== 'RecordExpression') return [];
    return value.fields.flatMap((field) => (field.target.root.text === 'norm' ? [{ value: field.value, scope }] : []));
  });
  return written.flatMap(({ value, scope }) => normOf(value, scope) ?? []);
}

function normOf(value: Expression, scope: Block['scope']): Block | undefined {
  const callee = value.kind === 'Call' ? value.callee : value;
  const found = callee.kind === 'Name' ? scope.find(callee.text) : undefined;
  return isBlock(found) ? found : undefined;
}

/** `A.cap`, `A.norm.qk`, `A.norm.qk.eps` after the block or layers. */
function bindBlockPath(
  steps: readonly PathStep[],
  blocks: readonly Block[],
  value: Expression,
  names: ModelNames,
): void {
  const [first, ...rest] = steps;
  if (first?.kind !== 'PathMember') return bindExpression(value, names);
  const { binder } = names;
  if (first.name.text !== 'norm') {
    binder.use(first.name, distinct(first.name.text, blocks.map(parameterEntities)), 'write');
    return bindExpression(value, names);
  }
  binder.use(first.name, named('norm', modelFields), 'write');
  const slots = (slot: string): readonly Entity[] => slotsNamed(slot, blocks);
  if (rest.length === 0) return bindSlotRecord(value, slots, names);
  bindSlotPath(rest, slots, names);
  bindExpression(value, names);
}

/** A slot, and an argument of the norm in it. */
function bindSlotPath(
  [first, second]: readonly PathStep[],
  slots: (slot: string, names: ModelNames) => readonly Entity[],
  names: ModelNames,
): void {
  if (first?.kind !== 'PathMember') return;
  names.binder.use(first.name, slots(first.name.text, names), 'write');
  if (second?.kind === 'PathMember') bindNormParameter(second.name, normsIn(first.name.text, names), names);
}

/** Norms that the model puts into a slot of this name somewhere. */
function normsIn(slot: string, { facts }: ModelNames): readonly Block[] {
  return (facts?.definition.assignments ?? []).flatMap(({ target, value, scope }) => {
    const last = target.steps.at(-1);
    const path = last?.kind === 'PathMember' ? last.name.text : target.root.text;
    if (path === slot) return normOf(value, scope) ?? [];
    if (path !== 'norm' || value.kind !== 'RecordExpression') return [];
    return value.fields.flatMap((field) => (field.target.root.text === slot ? (normOf(field.value, scope) ?? []) : []));
  });
}

function bindNormParameter(name: Name, norms: readonly Block[], { binder }: ModelNames): void {
  binder.use(name, distinct(name.text, norms.map(parameterEntities)), 'write');
}

function allSlots(slot: string, names: ModelNames): readonly Entity[] {
  const found = slotsNamed(slot, names.blocks);
  return found.length > 0 ? found : standardSlots.filter(({ name }) => name === slot);
}

/** The entities of one name, each place once. */
function distinct(name: string, lists: readonly (readonly Entity[])[]): readonly Entity[] {
  const found = new Map<string, Entity>();
  for (const list of lists) {
    for (const each of list) {
      if (each.name === name) found.set(`${each.place?.file}:${each.place?.start} ${each.name}`, each);
    }
  }
  return [...found.values()];
}

function bindPattern(value: Expression, names: ModelNames): void {
  const { binder } = names;
  const refer = (name: Name): void => binder.use(name, names.facts?.own.get(name.text));
  const visit = (item: PatternItem): void => {
    if (item.kind === 'Name') refer(item);
    else if (item.kind === 'PatternRepeat') visit(item.item);
    else item.items.forEach(visit);
  };
  if (value.kind === 'PatternExpression') return value.items.forEach(visit);
  const letters = patternLetters(value);
  if (value.kind !== 'Call' || value.callee.kind !== 'Name' || value.callee.text !== 'pattern') {
    return bindExpression(value, names);
  }
  binder.use(value.callee, patternFunction);
  for (const { letter, span, alias } of letters?.letters ?? []) {
    const entity = alias === undefined ? undefined : names.facts?.own.get(alias);
    if (entity !== undefined) binder.letter(span, letter, entity);
  }
  for (const { value: argument } of value.arguments) {
    if (argument.kind !== 'MapExpression') continue;
    for (const { value: block } of argument.entries) {
      if (block.kind === 'Name') refer(block);
      else bindExpression(block, names);
    }
  }
}

export function bindPrecision({ rules }: PrecisionBlock, names: ModelNames): void {
  for (const { role, selector, type } of rules) {
    names.binder.use(role, named(role.text, roles));
    if (selector !== undefined) bindSelector(selector, names);
    names.binder.use(type, named(type.text, formats));
  }
}

/** `norm`, `M`, `M.A_log`, `A_log`, `layers[2..5].q`, `linears[..4]`. */
export function bindSelector({ root, steps }: Path, names: ModelNames): void {
  const { binder, facts } = names;
  const alias = facts?.own.get(root.text);
  if (isBlock(alias?.declared)) {
    binder.use(root, alias);
    return bindMembers(steps, [alias.declared], binder);
  }
  const known = named(root.text, selectors);
  if (known !== undefined) {
    binder.use(root, known);
    const [first, ...rest] = steps;
    if (root.text === 'layers' && first?.kind === 'PathIndex' && facts !== undefined) {
      bindMembers(rest, blocksAt(first, facts), binder);
    }
    return;
  }
  binder.use(root, distinct(root.text, names.blocks.map(members)));
  bindParts(steps, binder);
}

const members = (block: Block): readonly Entity[] => [...memberEntities(block), ...standardSlots];

/** Parameters and slots below a block's name. */
export function bindMembers(steps: readonly PathStep[], blocks: readonly Block[], binder: Binder): void {
  const [first, ...rest] = steps;
  if (first?.kind !== 'PathMember') return;
  if (first.name.text === 'norm') {
    binder.use(first.name, named('norm', modelFields));
    return bindMembers(rest, blocks, binder);
  }
  binder.use(first.name, distinct(first.name.text, blocks.map(members)));
  const [place, ...below] = rest;
  // A slot that stands in several places has weights in each, which go by the `let` around it: `qk.queries.weight`.
  const lets = place?.kind === 'PathMember' ? distinct(place.name.text, blocks.map(letEntities)) : [];
  if (place?.kind === 'PathMember' && lets.length > 0 && named(place.name.text, parts) === undefined) {
    binder.use(place.name, lets);
    return bindParts(below, binder);
  }
  bindParts(rest, binder);
}

function letEntities({ declaration }: Block): readonly Entity[] {
  return declaration.body.flatMap((node) =>
    node.kind !== 'LetStatement'
      ? []
      : node.names.map((name): Entity => ({
          kind: 'value',
          name: name.text,
          place: name.span,
          owner: declaration.name.text,
          node,
        })),
  );
}

/** What stands below a parameter or slot: `weight`, or a path inside it, which is not followed. */
function bindParts(steps: readonly PathStep[], binder: Binder): void {
  for (const step of steps) {
    const found = step.kind === 'PathMember' ? named(step.name.text, parts) : undefined;
    if (step.kind === 'PathMember' && found !== undefined) binder.use(step.name, found);
  }
}
