/** Names in blocks, norms and functions. */
import type {
  AstNode,
  BlockDeclaration,
  Expression,
  FunctionDeclaration,
  Name,
  ParamStatement,
  ScanExpression,
  Shape,
  Statement,
} from '@hyb/grammar';
import type { Binder } from './binder.js';
import { named } from './binder.js';
import type { Entity, EntityKind } from './entity.js';
import { bindArguments, bindExpression, lookUp } from './expressions.js';
import type { Names } from './expressions.js';
import {
  attributes,
  initializerOptions,
  initializers,
  moduleKinds,
  moduleOptions,
  timeAndWidth,
  types,
} from './fixed.js';

/** The names of a body as they are known at a place of it; grows as statements are read. */
export class BodyNames implements Names {
  readonly entities = new Map<string, Entity>();

  constructor(
    readonly binder: Binder,
    readonly owner: string,
    readonly outer?: BodyNames,
  ) {}

  local(name: string): Entity | undefined {
    const own = this.entities.get(name);
    return own ?? (this.outer === undefined ? named(name, timeAndWidth) : this.outer.local(name));
  }

  define(kind: EntityKind, name: Name, node: AstNode, more: Partial<Entity> = {}): void {
    const doc = (node as { readonly doc?: string }).doc;
    const entity: Entity = {
      kind,
      name: name.text,
      place: name.span,
      owner: this.owner,
      node,
      ...(doc !== undefined && { doc }),
      ...more,
    };
    this.entities.set(name.text, this.binder.define(name, entity));
  }

  readonly special = (expression: Expression): boolean => {
    if (expression.kind === 'ScanExpression') bindScan(expression, this);
    else if (expression.kind === 'AsExpression') {
      bindExpression(expression.value, this);
      bindShape(expression.shape, this);
    } else return false;
    return true;
  };
}

export function bindBlock(declaration: BlockDeclaration, binder: Binder): void {
  const names = new BodyNames(binder, declaration.name.text);
  for (const parameter of declaration.parameters) {
    if (parameter.type !== undefined) binder.use(parameter.type, named(parameter.type.text, types));
    if (parameter.default !== undefined) bindExpression(parameter.default, names);
    names.define('parameter', parameter.name, parameter);
  }
  bindInputs(declaration, names);
  declaration.body.forEach((statement) => bindStatement(statement, names));
  if (declaration.result !== undefined) bindShape(declaration.result, names);
}

export function bindFunction(declaration: FunctionDeclaration, binder: Binder): void {
  const names = new BodyNames(binder, declaration.name.text);
  bindInputs(declaration, names);
  declaration.body.forEach((statement) => bindStatement(statement, names));
  if (declaration.result !== undefined) bindShape(declaration.result, names);
}

function bindInputs({ inputs }: Pick<BlockDeclaration, 'inputs'>, names: BodyNames): void {
  for (const input of inputs) {
    names.define('input', input.name, input);
    for (const dim of input.shape?.dims ?? []) {
      // A name that means nothing yet is the name of the input's dimension.
      if (dim.kind === 'Name' && names.local(dim.text) === undefined) names.define('dimension', dim, dim);
      else bindDim(dim, names);
    }
  }
}

function bindShape({ dims }: Shape, names: BodyNames): void {
  for (const dim of dims) bindDim(dim, names);
}

function bindDim(dim: Shape['dims'][number], names: BodyNames): void {
  if (dim.kind !== 'Ellipsis' && dim.kind !== 'Wildcard') bindExpression(dim, names);
}

function bindStatement(statement: Statement, names: BodyNames): void {
  switch (statement.kind) {
    case 'ParamStatement':
      return bindParam(statement, names);
    case 'DimStatement':
      bindExpression(statement.value, names);
      names.define('dimension', statement.name, statement);
      return;
    case 'SlotStatement':
      if (statement.default !== undefined) bindExpression(statement.default, names);
      names.define('slot', statement.name, statement);
      return;
    case 'LetStatement':
      bindExpression(statement.value, names);
      for (const name of statement.names) names.define('value', name, statement);
      return;
    case 'RequireStatement':
      bindExpression(statement.condition, names);
      return;
    case 'AssignStatement':
      bindExpression(statement.value, names);
      names.binder.use(statement.name, names.local(statement.name.text), 'write');
      return;
    case 'ReturnStatement':
    case 'YieldStatement':
      bindExpression(statement.value, names);
  }
}

function bindParam(statement: ParamStatement, names: BodyNames): void {
  const { name, shape, value, condition, attributes: written } = statement;
  const { binder } = names;
  if (shape !== undefined) bindShape(shape, names);
  if (condition !== undefined) bindExpression(condition, names);
  let declared: Entity['declared'];
  if (value !== undefined && shape !== undefined) bindInitializer(value, names);
  else if (value !== undefined) {
    const callee = value.kind === 'Call' ? value.callee : value;
    const module = callee.kind === 'Name' && !isKnown(callee.text, names) ? named(callee.text, moduleKinds) : undefined;
    if (module !== undefined && callee.kind === 'Name') {
      binder.use(callee, module);
      if (value.kind === 'Call') bindArguments(value.arguments, moduleOptions(module.name), names);
    } else {
      bindExpression(value, names);
      if (callee.kind === 'Name') declared = lookUp(callee.text, names)?.declared;
    }
  }
  for (const attribute of written) {
    binder.use(attribute.name, named(attribute.name.text, attributes));
    for (const argument of attribute.arguments) bindInitializer(argument.value, names);
  }
  names.define('param', name, statement, { ...(declared !== undefined && { declared }) });
}

function isKnown(name: string, names: BodyNames): boolean {
  return names.local(name) !== undefined || names.binder.inFile(name) !== undefined;
}

export function bindInitializer(value: Expression, names: Names): void {
  const callee = value.kind === 'Call' ? value.callee : value;
  const found =
    callee.kind === 'Name' && names.local(callee.text) === undefined ? named(callee.text, initializers) : undefined;
  if (found === undefined || callee.kind !== 'Name') return bindExpression(value, names);
  names.binder.use(callee, found);
  if (value.kind !== 'Call') return;
  const options = initializerOptions(found.name);
  for (const { name, value: inner } of value.arguments) {
    if (name !== undefined) names.binder.use(name, named(name.text, options));
    bindInitializer(inner, names);
  }
}

function bindScan(scan: ScanExpression, outer: BodyNames): void {
  const names = new BodyNames(outer.binder, outer.owner, outer);
  for (const { shape, initial } of scan.states) {
    bindShape(shape, outer);
    bindExpression(initial, outer);
  }
  outer.binder.use(scan.over, named(scan.over.text, timeAndWidth));
  names.define('index', scan.index, scan);
  for (const state of scan.states) names.define('state', state.name, state);
  scan.body.forEach((statement) => bindStatement(statement, names));
}
