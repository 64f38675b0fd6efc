/** Where an entity is named, in all files of a project, and its renaming. */
import type { Diagnostic, Span, TextEdit } from '@hyb/grammar';
import { applyFix } from '@hyb/grammar';
import { memoryHost } from '../sources/host.js';
import { isLibraryPath } from '../sources/library.js';
import { loadProject } from '../sources/project.js';
import type { Project } from '../sources/project.js';
import { bindFile } from './names/bind-file.js';
import type { FileNames } from './names/bind-file.js';
import { entityKey } from './names/entity.js';
import type { Entity, NameUse } from './names/entity.js';

const known = new WeakMap<Project, Map<string, FileNames>>();

/** What the names of a file of the project stand for; undefined: it has no such file. */
export function namesOf(project: Project, path: string): FileNames | undefined {
  const files = known.get(project) ?? new Map<string, FileNames>();
  known.set(project, files);
  let names = files.get(path);
  if (names === undefined) {
    const file = project.files.get(path);
    if (file === undefined) return undefined;
    names = bindFile(file, project);
    files.set(path, names);
  }
  return names;
}

/** The name at an offset, or right before it. */
export function nameAt(project: Project, path: string, offset: number): NameUse | undefined {
  const uses = namesOf(project, path)?.uses.filter(({ span }) => span.start <= offset && offset <= span.end) ?? [];
  // Of neighbours, such as letters of a pattern, the one that begins here.
  return uses.find(({ span }) => offset < span.end) ?? uses.at(-1);
}

/** All places that name an entity, its definition included. */
export function referencesTo(project: Project, entity: Entity): readonly NameUse[] {
  const key = entityKey(entity);
  return [...project.files.keys()].flatMap((path) =>
    (namesOf(project, path)?.uses ?? []).filter(({ entities }) => entities.some((each) => entityKey(each) === key)),
  );
}

export type Renaming =
  | { readonly kind: 'edits'; readonly edits: readonly TextEdit[] }
  /** `reason` is a whole sentence. */
  | { readonly kind: 'refused'; readonly reason: string };

const refused = (reason: string): Renaming => ({ kind: 'refused', reason });

/** Whether a name can be renamed, and why not. */
export function canRename({ entities, name, isLetter }: NameUse): string | undefined {
  const [entity, ...others] = entities;
  if (entity === undefined) return `'${name}' means nothing here.`;
  if (entity.place === undefined) return `'${entity.name}' belongs to the language.`;
  if (isLibraryPath(entity.place.file)) {
    return `'${entity.name}' belongs to the standard library, whose files cannot be changed. Copy the block into a file of your own.`;
  }
  if (others.length > 0) return `'${name}' speaks of several blocks here. Rename it where one of them declares it.`;
  if (isLetter) return `'${name}' is a letter of a pattern, not a name.`;
  return undefined;
}

/** The edits that give what stands at a place another name everywhere. Nothing else may change its meaning by that. */
export function rename(project: Project, use: NameUse, name: string): Renaming {
  const reason = canRename(use);
  if (reason !== undefined) return refused(reason);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return refused(`'${name}' is no name: names are letters, digits and _, and do not begin with a digit.`);
  }
  const places = referencesTo(project, use.entities[0]!).filter((each) => !each.isLetter && each.name === use.name);
  const shared = places.find(({ entities }) => entities.length > 1);
  if (shared !== undefined) {
    return refused(`'${use.name}' is also written where it speaks of several blocks at once, in ${shared.span.file}.`);
  }
  const edits = places.map(({ span }) => ({ span, text: name }));
  return keepsMeaning(project, edits)
    ? { kind: 'edits', edits }
    : refused(`'${name}' already means something where '${use.name}' is used.`);
}

/** Whether after the edits every name stands for what it stood for before. */
function keepsMeaning(project: Project, edits: readonly TextEdit[]): boolean {
  const byFile = new Map<string, TextEdit[]>();
  for (const edit of edits) byFile.set(edit.span.file, [...(byFile.get(edit.span.file) ?? []), edit]);
  const texts: Record<string, string> = {};
  for (const { path, text } of project.files.values()) {
    texts[path] = applyFix(text, { title: '', edits: byFile.get(path) ?? [] });
  }
  const entries = [...project.files.keys()].filter((path) => !isLibraryPath(path));
  const after = loadProject(memoryHost(texts), entries);
  const shift = ({ file, start, end }: Span): string => {
    let moved = 0;
    let grown = 0;
    for (const { span, text } of byFile.get(file) ?? []) {
      const growth = text.length - (span.end - span.start);
      if (span.end <= start) moved += growth;
      else if (span.start === start) grown += growth;
    }
    return `${file}:${start + moved}-${end + moved + grown}`;
  };
  const print = (of: Project, place: (span: Span) => string): readonly string[] =>
    entries.map((path) =>
      (namesOf(of, path)?.uses ?? [])
        .map(({ span, entities }) => {
          const keys = entities.map((each) => (each.place === undefined ? entityKey(each) : place(each.place)));
          return `${place(span)} ${keys.join(' ')}`;
        })
        .join('\n'),
    );
  const errors = (diagnostics: readonly Diagnostic[]): number =>
    diagnostics.filter(({ severity }) => severity === 'error').length;
  const [before, now] = [print(project, shift), print(after, ({ file, start, end }) => `${file}:${start}-${end}`)];
  return errors(project.diagnostics) === errors(after.diagnostics) && before.every((each, i) => each === now[i]);
}
