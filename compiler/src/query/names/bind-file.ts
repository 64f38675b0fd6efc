/** What every name of a file stands for, as resolving and tracing look names up. */
import type { Declaration, Expression, Name, TrainDeclaration, WeightsDeclaration } from '@hyb/grammar';
import { Diagnostics } from '../../diagnostics/collector.js';
import { derivationChain } from '../../resolve/definition.js';
import type { Project, ProjectFile } from '../../sources/project.js';
import type { Declared } from '../../sources/scope.js';
import { Binder } from './binder.js';
import type { Unresolved } from './binder.js';
import { bindBlock, bindFunction } from './bodies.js';
import { declarationEntity, isOfKind } from './entity.js';
import type { NameUse } from './entity.js';
import { builtinEntity, findBuiltin, headFields, libraryEntity, parts, selectors } from './fixed.js';
import { named } from './binder.js';
import { bindMembers, bindModel } from './models.js';
import { modelFacts } from './model-facts.js';
import type { ModelFacts } from './model-facts.js';
import { bindRecipe } from './recipes.js';

export interface FileNames {
  /** In the order of the file. */
  readonly uses: readonly NameUse[];
  readonly unresolved: readonly Unresolved[];
}

/** @param project a project with the file, and with others that may say what its names are good for */
export function bindFile(file: ProjectFile, project: Project): FileNames {
  const binder = new Binder(file.scope);
  bindUses(file, binder);
  for (const declaration of file.syntax.declarations) {
    binder.define(declaration.name, declarationEntity({ declaration, scope: file.scope }));
    bindDeclaration(declaration, file, project, binder);
  }
  const uses = [...binder.uses].sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
  return { uses, unresolved: binder.unresolved };
}

function bindUses(file: ProjectFile, binder: Binder): void {
  for (const { from, names } of file.syntax.uses) {
    if (from.kind === 'LibraryPath') {
      for (const segment of from.segments) binder.use(segment, libraryEntity(segment.text));
    }
    for (const { name, alias } of names) {
      const local = (alias ?? name).text;
      const declared = file.scope.find(local);
      if (declared === undefined) continue;
      const entity = declarationEntity(declared);
      binder.use(name, entity);
      if (alias === undefined) continue;
      const renamed = { ...entity, name: alias.text, place: alias.span, target: entity };
      binder.rename(alias.text, renamed);
      binder.define(alias, renamed);
    }
  }
}

function bindDeclaration(declaration: Declaration, file: ProjectFile, project: Project, binder: Binder): void {
  const { scope } = file;
  switch (declaration.kind) {
    case 'ModelDeclaration':
      return bindModel(declaration, modelFacts({ declaration, scope }), binder);
    case 'TrainDeclaration':
      return bindRecipe(declaration, factsOfRecipe({ declaration, scope }), binder);
    case 'BlockDeclaration':
      return bindBlock(declaration, binder);
    case 'FunctionDeclaration':
      return bindFunction(declaration, binder);
    case 'WeightsDeclaration':
      return bindWeights(declaration, project, binder);
  }
}

/** The model that a recipe, or the nearest of its bases, is for. */
export function factsOfRecipe(declared: Declared<TrainDeclaration>): ModelFacts | undefined {
  const chain = derivationChain(declared, {
    kind: 'TrainDeclaration',
    diagnostics: new Diagnostics(),
    unknownBase: () => undefined,
    circular: () => undefined,
  });
  const owner = [...(chain ?? [declared])].reverse().find(({ declaration }) => declaration.of !== undefined);
  const model = owner === undefined ? undefined : owner.scope.find(owner.declaration.of!.text);
  return isOfKind(model, 'ModelDeclaration') ? modelFacts(model) : undefined;
}

/** A weight map names blocks of whatever models use it. */
function bindWeights(declaration: WeightsDeclaration, project: Project, binder: Binder): void {
  if (declaration.base !== undefined) binder.use(declaration.base, binder.inFile(declaration.base.text));
  const models = modelsWith(declaration, project);
  for (const { value } of declaration.entries) {
    const isConcat = value.kind === 'Call' && value.callee.kind === 'Name' && value.callee.text === 'concat';
    if (isConcat) binder.use(value.callee as Name, builtinEntity(findBuiltin('concat')!));
    for (const part of isConcat ? value.arguments.map((argument) => argument.value) : [value]) {
      bindTensorPath(part, models, binder);
    }
  }
}

function modelsWith(declaration: WeightsDeclaration, project: Project): readonly ModelFacts[] {
  const found: ModelFacts[] = [];
  for (const file of project.files.values()) {
    for (const each of file.syntax.declarations) {
      if (each.kind !== 'ModelDeclaration') continue;
      const facts = modelFacts({ declaration: each, scope: file.scope });
      const map = facts?.assignments.get('weights');
      const used = map?.value.kind === 'Name' ? map.scope.find(map.value.text) : undefined;
      if (isOfKind(used, 'WeightsDeclaration') && isInChain(declaration, used)) found.push(facts!);
    }
  }
  return found;
}

function isInChain(wanted: WeightsDeclaration, used: Declared<WeightsDeclaration>): boolean {
  const chain = derivationChain(used, {
    kind: 'WeightsDeclaration',
    diagnostics: new Diagnostics(),
    unknownBase: () => undefined,
    circular: () => undefined,
  });
  return chain?.some(({ declaration }) => declaration === wanted) === true;
}

function bindTensorPath(value: Expression, models: readonly ModelFacts[], binder: Binder): void {
  const names: Name[] = [];
  let current = value;
  while (current.kind === 'Member') {
    names.unshift(current.name);
    current = current.object;
  }
  if (current.kind !== 'Name') return;
  const { text } = current;
  const owner = ['layers', 'head', 'embedding'].includes(text) ? named(text, selectors) : undefined;
  const aliases = new Map(
    models.flatMap(({ own }) => {
      const alias = own.get(text);
      return alias?.place === undefined ? [] : [[`${alias.place.file}:${alias.place.start}`, alias] as const];
    }),
  );
  const entities = owner === undefined ? [...aliases.values()] : [owner];
  // Without a model that uses the map nobody can say what the name is.
  if (entities.length > 0) binder.use(current, entities);
  const blocks = models.flatMap(({ blocks: all }) =>
    text === 'layers' ? [...all.values()] : all.has(text) ? [all.get(text)!] : [],
  );
  const [first] = names;
  if (text === 'head' && first?.text === 'norm') binder.use(first, named('norm', headFields));
  const steps = names.map((name) => ({ kind: 'PathMember', name, span: name.span }) as const);
  if (blocks.length > 0) bindMembers(steps, blocks, binder);
  else
    for (const { name } of steps) if (named(name.text, parts) !== undefined) binder.use(name, named(name.text, parts));
}
