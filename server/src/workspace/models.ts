/** Models of a project, and what is known of them. */
import type { Project } from '@hyb/compiler';
import type { SessionModel } from '@hyb/compiler/query/session';
import { valuesIn } from '@hyb/compiler/query/values';
import type { ValueTable } from '@hyb/compiler/query/values';
import type { Declared, FileScope } from '@hyb/compiler/sources/scope';
import { isLibraryPath } from '@hyb/compiler/sources/library';
import type { Declaration, ModelDeclaration } from '@hyb/grammar';
import type { Root } from './root.js';
import type { Place } from './workspace.js';

/** What was made of a model when its file was checked. */
export function checkedModel(root: Root, { declaration }: Declared<ModelDeclaration>): SessionModel | undefined {
  const { file } = declaration.span;
  if (isLibraryPath(file)) return undefined;
  return root.check(file).models.find((each) => each.declaration.name.text === declaration.name.text);
}

/** All models of the project, those of a file first, then those of open files. */
export function modelsOf(place: Place, project: Project): readonly Declared<ModelDeclaration>[] {
  const rank = (path: string): number => (path === place.path ? 0 : place.root.isOpen(path) ? 1 : 2);
  return [...project.files.values()]
    .sort((a, b) => rank(a.path) - rank(b.path))
    .flatMap(({ syntax, scope }) =>
      syntax.declarations.flatMap((declaration) =>
        declaration.kind === 'ModelDeclaration' ? [{ declaration, scope }] : [],
      ),
    );
}

/** Files that a file's names come from, itself included. */
function filesBehind(scope: FileScope): ReadonlySet<string> {
  const files = new Set<string>();
  const open = [scope];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (files.has(next.file)) continue;
    files.add(next.file);
    for (const name of next.names()) open.push(next.find(name)!.scope);
  }
  return files;
}

const tables = new WeakMap<Declaration, { readonly project: Project; readonly table: ValueTable }>();

/** Values in a block, norm or function, where the project's models use it. */
export function valuesOf(place: Place, declared: Declared): ValueTable {
  const { project } = place;
  const known = tables.get(declared.declaration);
  if (known?.project === project) return known.table;
  const behind = new Map<FileScope, ReadonlySet<string>>();
  const models = modelsOf(place, project).filter(({ scope }) => {
    if (!behind.has(scope)) behind.set(scope, filesBehind(scope));
    return behind.get(scope)!.has(declared.scope.file);
  });
  const table = valuesIn(declared, models);
  tables.set(declared.declaration, { project, table });
  return table;
}

/** The declaration that an offset of the file is in. */
export function declarationAt(place: Place, offset: number): Declared | undefined {
  const { syntax, scope } = place.file;
  const found = syntax.declarations.find(({ span }) => span.start <= offset && offset <= span.end);
  return found === undefined ? undefined : { declaration: found, scope };
}
