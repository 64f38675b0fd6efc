/** Where things are defined and where they are named. */
import { nameAt, referencesTo } from '@hyb/compiler/query/references';
import { entityKey } from '@hyb/compiler/query/names/entity';
import { joinPath } from '@hyb/compiler/sources/paths';
import { nodesAt } from '@hyb/grammar';
import type { DocumentHighlight, Location, Position } from 'vscode-languageserver-types';
import type { Place } from '../workspace/workspace.js';

export function definition(place: Place, position: Position): readonly Location[] {
  const offset = place.offsetAt(position);
  const use = nameAt(place.project, place.path, offset);
  if (use === undefined) return usedFile(place, offset);
  return use.entities.flatMap((entity) => {
    // A name given with `as` leads to what it stands for, unless one is there already.
    const isHere = entity.place?.file === use.span.file && entity.place.start === use.span.start;
    const defined = (isHere ? entity.target?.place : undefined) ?? entity.place;
    const location = defined === undefined ? undefined : place.locationOf(defined);
    return location === undefined ? [] : [location];
  });
}

/** The file that `use "./blocks.hyb"` names. */
function usedFile(place: Place, offset: number): readonly Location[] {
  const literal = nodesAt(place.file.syntax, offset).find((node) => node.kind === 'StringLiteral');
  const use = place.file.syntax.uses.find(({ from }) => from === literal);
  if (use === undefined || literal?.kind !== 'StringLiteral') return [];
  const joined = joinPath(place.path, literal.value);
  if (joined.kind !== 'inside' || !place.project.files.has(joined.path)) return [];
  const start = { line: 0, character: 0 };
  return [{ uri: place.root.uriOf(joined.path), range: { start, end: start } }];
}

export function references(place: Place, position: Position, declarations: boolean): readonly Location[] {
  const use = nameAt(place.project, place.path, place.offsetAt(position));
  if (use === undefined) return [];
  const found = new Map<string, Location>();
  for (const entity of use.entities) {
    for (const { span, access } of referencesTo(place.project, entity)) {
      const location = declarations || access !== 'definition' ? place.locationOf(span) : undefined;
      if (location !== undefined) found.set(`${span.file}:${span.start}`, location);
    }
  }
  return [...found.values()];
}

const READ = 2;
const WRITE = 3;

/** The same name elsewhere in the file. */
export function highlights(place: Place, position: Position): readonly DocumentHighlight[] {
  const use = nameAt(place.project, place.path, place.offsetAt(position));
  if (use === undefined) return [];
  const keys = new Set(use.entities.map(entityKey));
  return place.names.uses
    .filter(({ entities }) => entities.some((each) => keys.has(entityKey(each))))
    .map(({ span, access }) => ({ range: place.rangeOf(span), kind: access === 'read' ? READ : WRITE }));
}
