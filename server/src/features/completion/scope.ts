/** What may be named at a place. */
import { parameterEntities, slotEntities, declarationEntity } from '@hyb/compiler/query/names/entity';
import type { Entity } from '@hyb/compiler/query/names/entity';
import { builtinEntity } from '@hyb/compiler/query/names/fixed';
import { modelFacts } from '@hyb/compiler/query/names/model-facts';
import type { ModelFacts } from '@hyb/compiler/query/names/model-facts';
import { factsOfRecipe } from '@hyb/compiler/query/names/bind-file';
import { builtins } from '@hyb/compiler/trace/builtins/table';
import { isLibraryPath, libraryNames, libraryPathOf, parseLibraryFile } from '@hyb/compiler/sources/library';
import { relativePath } from '@hyb/compiler/sources/paths';
import type { Declared } from '@hyb/compiler/sources/scope';
import type { BlockDeclaration, Declaration } from '@hyb/grammar';
import type { TextEdit } from 'vscode-languageserver-types';
import type { Place } from '../../workspace/workspace.js';
import type { CursorContext } from './context.js';

/** The declaration that the cursor is in, as far as the parser has read it. */
export function currentDeclaration(place: Place, { declaration }: CursorContext): Declared | undefined {
  if (declaration === undefined) return undefined;
  const { syntax, scope } = place.file;
  const named = syntax.declarations.filter(({ name }) => name.text === declaration.name);
  const found = named.find(({ span }) => span.start === declaration.start) ?? named[0];
  return found === undefined ? undefined : { declaration: found, scope };
}

/** Fields that the model or recipe at the cursor has already, before and after it; the one that is being named there is none. */
export function writtenFields(place: Place, context: CursorContext): ReadonlySet<string> {
  const declaration = currentDeclaration(place, context)?.declaration;
  const items = declaration !== undefined && 'items' in declaration ? declaration.items : [];
  return new Set(
    items.flatMap((item) => {
      if (item.kind !== 'Field') return [];
      const { root, steps } = item.target;
      return steps.length === 0 && root.span.start !== context.word.start ? [root.text] : [];
    }),
  );
}

/** The model that the cursor is in, or that the recipe there trains. */
export function currentModel(place: Place, context: CursorContext): ModelFacts | undefined {
  const current = currentDeclaration(place, context);
  if (current?.declaration.kind === 'ModelDeclaration') {
    return modelFacts({ declaration: current.declaration, scope: current.scope });
  }
  if (current?.declaration.kind === 'TrainDeclaration') {
    return factsOfRecipe({ declaration: current.declaration, scope: current.scope });
  }
  return undefined;
}

/** What the file declares and imports. */
export function fileEntities(place: Place): readonly Entity[] {
  const { scope } = place.file;
  return scope.names().map((name) => ({ ...declarationEntity(scope.find(name)!), name }));
}

export interface Importable {
  readonly entity: Entity;
  /** Edits that import it; none where it is known already. */
  readonly edits: readonly TextEdit[];
}

/** Blocks, norms or functions of the file and, with the edits that import them, of the library and of other files. */
export function usable(place: Place, kinds: readonly Entity['kind'][]): readonly Importable[] {
  const known = fileEntities(place).filter(({ kind }) => kinds.includes(kind));
  const names = new Set(place.file.scope.names());
  const others = [...libraryEntities(), ...projectEntities(place)].filter(
    ({ kind, name }) => kinds.includes(kind) && !names.has(name),
  );
  return [
    ...known.map((entity) => ({ entity, edits: [] })),
    ...others.map((entity) => ({ entity, edits: importEdits(place, entity) })),
  ];
}

export function libraryEntities(part?: string): readonly Entity[] {
  return libraryNames(part).flatMap((name) => {
    const file = parseLibraryFile(libraryPathOf(name, part)!)!;
    const declaration = file.syntax.declarations.find((each) => each.name.text === name)!;
    return [plainEntity(declaration)];
  });
}

/** What other files of the project declare. */
function projectEntities(place: Place): readonly Entity[] {
  return [...place.project.files.values()].flatMap(({ path, syntax }) =>
    path === place.path || isLibraryPath(path) ? [] : syntax.declarations.map(plainEntity),
  );
}

/** A declaration without its scope: for showing it. */
export function plainEntity(declaration: Declaration): Entity {
  const { declared: _, ...entity } = declarationEntity({ declaration, scope: undefined as never });
  return entity;
}

function importEdits(place: Place, { name, place: defined }: Entity): readonly TextEdit[] {
  const path = defined!.file;
  const { syntax } = place.file;
  const from = isLibraryPath(path) ? 'std' : `"${relativePath(place.path, path)}"`;
  const same = syntax.uses.find((use) =>
    use.from.kind === 'LibraryPath'
      ? from === 'std' && use.from.segments.length === 1 && use.from.segments[0]!.text === 'std'
      : `"${use.from.value}"` === from,
  );
  const braced = same !== undefined && place.file.text.slice(same.span.start, same.span.end).endsWith('}');
  const last = braced ? same.names.at(-1) : undefined;
  if (last !== undefined) {
    const at = { start: last.span.end, end: last.span.end };
    return [{ range: place.rangeOf(at), newText: `, ${name}` }];
  }
  const end = syntax.uses.at(-1)?.span.end;
  const newText = `use ${from}.{${name}}`;
  if (end !== undefined) return [{ range: place.rangeOf({ start: end, end }), newText: `\n${newText}` }];
  return [{ range: place.rangeOf({ start: 0, end: 0 }), newText: `${newText}\n\n` }];
}

/** Names of the body that are known before the cursor. */
export function bodyEntities(place: Place, context: CursorContext): readonly Entity[] {
  const current = currentDeclaration(place, context);
  if (current === undefined) return [];
  const { span, name } = current.declaration;
  const cursor = context.word.start;
  return place.names.uses.flatMap(({ access, span: at, entities: [entity] }) =>
    access === 'definition' && entity?.owner === name.text && span.start < at.start && at.end <= cursor ? [entity] : [],
  );
}

export function builtinEntities(): readonly Entity[] {
  return [...builtins().values()].map(builtinEntity);
}

export const parametersOfBlocks = (blocks: readonly Declared<BlockDeclaration>[]): readonly Entity[] =>
  distinct(blocks.flatMap(parameterEntities));

export const slotsOfBlocks = (blocks: readonly Declared<BlockDeclaration>[]): readonly Entity[] =>
  distinct(blocks.flatMap(slotEntities));

export function distinct(entities: readonly Entity[]): readonly Entity[] {
  return [...new Map(entities.map((each) => [each.name, each])).values()];
}
