/** Names in expressions of bodies and of models. */
import type { Argument, BlockDeclaration, Call, Expression } from '@hyb/grammar';
import type { Builtin } from '../../trace/builtins/builtin.js';
import type { Binder } from './binder.js';
import { named } from './binder.js';
import { isBlock, parameterEntities, slotEntities } from './entity.js';
import type { Entity } from './entity.js';
import { builtinEntity, constants, findBuiltin, optionEntity, parts, unitEntity } from './fixed.js';

/** Where the names of an expression are looked up. */
export interface Names {
  readonly binder: Binder;
  /** Names of the body or model, innermost first. */
  local(name: string): Entity | undefined;
  /** Whether what is called is looked up in the file before the names of the place. */
  readonly callsFile?: boolean;
  /** What only this kind of place has: shapes, scans. Children are visited unless it returns true. */
  special?(expression: Expression): boolean;
}

export function lookUp(name: string, names: Names): Entity | undefined {
  const found = names.local(name) ?? names.binder.inFile(name) ?? named(name, constants);
  if (found !== undefined) return found;
  const builtin = findBuiltin(name);
  return builtin === undefined ? undefined : builtinEntity(builtin);
}

export function bindExpression(expression: Expression, names: Names): void {
  if (names.special?.(expression) === true) return;
  const visit = (each: Expression): void => bindExpression(each, names);
  switch (expression.kind) {
    case 'Name':
      names.binder.use(expression, lookUp(expression.text, names));
      return;
    case 'NumberLiteral':
      if (expression.unit !== undefined) names.binder.use(expression.unit, unitEntity(expression.unit.text));
      return;
    case 'Member': {
      visit(expression.object);
      const object = expression.object.kind === 'Name' ? lookUp(expression.object.text, names) : undefined;
      const entities =
        object?.kind === 'alias' && isBlock(object.declared) ? parameterEntities(object.declared) : parts;
      names.binder.use(expression.name, named(expression.name.text, entities));
      return;
    }
    case 'Call':
      bindCall(expression, names);
      return;
    case 'IndexExpression':
      visit(expression.object);
      expression.indices.forEach(visit);
      return;
    case 'Unary':
      visit(expression.operand);
      return;
    case 'Binary':
      visit(expression.left);
      visit(expression.right);
      return;
    case 'Conditional':
      visit(expression.condition);
      visit(expression.then);
      visit(expression.else);
      return;
    case 'Tuple':
      expression.elements.forEach(visit);
      return;
    case 'RecordExpression':
      for (const field of expression.fields) visit(field.value);
      return;
    case 'MapExpression':
      for (const entry of expression.entries) visit(entry.value);
      return;
    case 'AsExpression':
      visit(expression.value);
      return;
    case 'Range':
      if (expression.start !== undefined) visit(expression.start);
      if (expression.end !== undefined) visit(expression.end);
      return;
    case 'Arrow':
      visit(expression.from);
      visit(expression.to);
      return;
    case 'Shared':
      visit(expression.value);
      return;
    case 'PatternExpression':
    case 'ScanExpression':
    case 'StringLiteral':
    case 'BooleanLiteral':
    case 'NoneLiteral':
    case 'ErrorExpression':
  }
}

function bindCall(call: Call, names: Names): void {
  const { callee } = call;
  if (callee.kind !== 'Name') {
    bindExpression(callee, names);
    bindArguments(call.arguments, [], names);
    return;
  }
  const entity =
    (names.callsFile === true ? names.binder.inFile(callee.text) : undefined) ?? lookUp(callee.text, names);
  names.binder.use(callee, entity);
  const builtin = entity?.kind === 'builtin' ? findBuiltin(callee.text) : undefined;
  if (builtin !== undefined) bindBuiltinArguments(call.arguments, builtin, names);
  else bindArguments(call.arguments, entity === undefined ? [] : parametersOf(entity), names);
}

/** What the arguments of a call may be called. */
export function parametersOf(entity: Entity): readonly Entity[] {
  const declared = entity.target?.declared ?? entity.declared;
  if (declared === undefined) return [];
  const { declaration } = declared;
  switch (entity.kind) {
    case 'block':
    case 'norm':
      return isBlock(declared) ? parameterEntities(declared) : [];
    case 'function':
      return declaration.kind === 'FunctionDeclaration' ? inputEntities(declaration) : [];
    case 'param':
      // A block inside a block is applied to its inputs.
      return declaration.kind === 'BlockDeclaration' ? inputEntities(declaration) : [];
    default:
      return [];
  }
}

export function inputEntities({ name: owner, inputs }: Pick<BlockDeclaration, 'name' | 'inputs'>): readonly Entity[] {
  return inputs.map((input) => ({
    kind: 'input',
    name: input.name.text,
    place: input.name.span,
    owner: owner.text,
    node: input,
  }));
}

export function bindArguments(written: readonly Argument[], known: readonly Entity[], names: Names): void {
  for (const { name, value } of written) {
    if (name !== undefined) names.binder.use(name, named(name.text, known));
    bindExpression(value, names);
  }
}

function bindBuiltinArguments(written: readonly Argument[], builtin: Builtin, names: Names): void {
  for (const [position, { name, value }] of written.entries()) {
    const rest = builtin.parameters.find((each) => each.rest === true);
    const byPlace = builtin.parameters[position] ?? rest;
    const parameter = name === undefined ? byPlace : builtin.parameters.find((each) => each.name === name.text);
    if (name !== undefined) names.binder.use(name, parameter && optionEntity(parameter, builtin.name));
    if (parameter?.of !== undefined && value.kind !== 'NoneLiteral') bindChoice(value, parameter.of, names);
    else if (parameter !== undefined && DIMENSIONS.has(parameter.kind)) bindDimensions(value, names);
    else bindExpression(value, names);
  }
}

const DIMENSIONS: ReadonlySet<string> = new Set(['dimension', 'dimensions', 'part', 'renaming']);

/** Dimensions that only the arguments of a function have are known by their names alone. */
function bindDimensions(value: Expression, names: Names): void {
  const local: Names = {
    ...names,
    binder: names.binder,
    local: (name) => names.local(name) ?? (lookUp(name, names) === undefined ? { kind: 'dimension', name } : undefined),
  };
  bindExpression(value, local);
}

function bindChoice(value: Expression, choices: readonly Builtin[], names: Names): void {
  const callee = value.kind === 'Call' ? value.callee : value;
  const choice = callee.kind === 'Name' ? choices.find(({ name }) => name === callee.text) : undefined;
  if (callee.kind === 'Name') names.binder.use(callee, choice && { ...builtinEntity(choice), kind: 'choice' });
  if (value.kind === 'Call') {
    if (choice === undefined) bindArguments(value.arguments, [], names);
    else bindBuiltinArguments(value.arguments, choice, names);
  }
}

/** Fields of `norm = { … }`: slots of these blocks. */
export function bindSlotRecord(value: Expression, slots: (name: string) => readonly Entity[], names: Names): void {
  if (value.kind !== 'RecordExpression') return bindExpression(value, names);
  for (const { target, value: norm } of value.fields) {
    names.binder.use(target.root, slots(target.root.text));
    bindExpression(norm, names);
  }
}

/** All of one name among the slots of several blocks. */
export function slotsNamed(name: string, blocks: readonly Parameters<typeof slotEntities>[0][]): readonly Entity[] {
  const found = new Map<string, Entity>();
  for (const block of blocks) {
    const slot = named(name, slotEntities(block));
    if (slot !== undefined) found.set(slot.place === undefined ? name : `${slot.place.file}:${slot.place.start}`, slot);
  }
  return [...found.values()];
}
