/** Other names for things, in all files of the project. */
import { canRename, nameAt, rename } from '@hyb/compiler/query/references';
import type { Position, Range, WorkspaceEdit } from 'vscode-languageserver-types';
import { isLibraryPath } from '@hyb/compiler/sources/library';
import type { Place } from '../workspace/workspace.js';
import { workspaceEdit } from './code-actions.js';

/** Why something has no other name; the reason is shown as it is. */
export class Refused extends Error {}

export function prepareRename(
  place: Place,
  position: Position,
): { readonly range: Range; readonly placeholder: string } {
  const use = nameAt(place.project, place.path, place.offsetAt(position));
  if (use === undefined) throw new Refused('There is no name here.');
  const reason = canRename(use);
  if (reason !== undefined) throw new Refused(reason);
  if (isLibraryPath(place.path)) throw new Refused('Files of the standard library cannot be changed.');
  return { range: place.rangeOf(use.span), placeholder: use.name };
}

export function renameAt(place: Place, position: Position, name: string): WorkspaceEdit {
  prepareRename(place, position);
  const use = nameAt(place.project, place.path, place.offsetAt(position))!;
  const renaming = rename(place.project, use, name);
  if (renaming.kind === 'refused') throw new Refused(renaming.reason);
  return workspaceEdit(renaming.edits, place);
}
