/**
 * What is made of what: models of blocks, norms and other models, recipes of models, blocks of functions and norms. Editors show it
 * as a hierarchy of calls.
 */
import { nameAt, namesOf } from '@hyb/compiler/query/references';
import { declarationEntity, entityKey } from '@hyb/compiler/query/names/entity';
import type { Entity } from '@hyb/compiler/query/names/entity';
import type { Declared } from '@hyb/compiler/sources/scope';
import { isLibraryPath } from '@hyb/compiler/sources/library';
import type { Span } from '@hyb/grammar';
import type {
  CallHierarchyIncomingCall,
  CallHierarchyItem,
  CallHierarchyOutgoingCall,
  Position,
} from 'vscode-languageserver-types';
import { declarationAt } from '../workspace/models.js';
import { rangeIn } from '../workspace/workspace.js';
import type { Place } from '../workspace/workspace.js';
import { kindOf } from './symbols.js';

const MADE: ReadonlySet<Entity['kind']> = new Set(['model', 'recipe', 'block', 'norm', 'function']);

/** The declarations that a name stands for; of a model's own name for a block, that block. */
export function callHierarchy(place: Place, position: Position): readonly CallHierarchyItem[] {
  const use = nameAt(place.project, place.path, place.offsetAt(position));
  const declared = (use?.entities ?? []).flatMap((entity) => {
    const found = (entity.target ?? entity).declared;
    return found !== undefined && MADE.has(declarationEntity(found).kind) ? [found] : [];
  });
  return distinct(declared).map((each) => itemOf(place, each));
}

/** The declarations in whose bodies the item is named. */
export function incomingCalls(place: Place, item: CallHierarchyItem): readonly CallHierarchyIncomingCall[] {
  const called = declaredBy(place, item);
  if (called === undefined) return [];
  const { project } = place;
  const key = entityKey(declarationEntity(called));
  return [...project.files.values()].flatMap((file) => {
    // Files may know it by another name.
    const uses = (namesOf(project, file.path)?.uses ?? []).filter(
      ({ access, entities }) =>
        access !== 'definition' && entities.some((each) => entityKey(each.target ?? each) === key),
    );
    return file.syntax.declarations.flatMap((declaration): readonly CallHierarchyIncomingCall[] => {
      const inside = uses.filter(({ span }) => isInside(span, declaration.span));
      if (inside.length === 0) return [];
      const from = itemOf(place, { declaration, scope: file.scope });
      return [{ from, fromRanges: inside.map(({ span }) => rangeIn(file, span)) }];
    });
  });
}

/** The declarations that are named in the item's body. */
export function outgoingCalls(place: Place, item: CallHierarchyItem): readonly CallHierarchyOutgoingCall[] {
  const caller = declaredBy(place, item);
  if (caller === undefined) return [];
  const uses = place.names.uses.flatMap(({ span, access, entities }) =>
    access !== 'definition' && isInside(span, caller.declaration.span)
      ? entities.flatMap((entity) => {
          const { kind, declared } = entity.target ?? entity;
          return declared !== undefined && MADE.has(kind) ? [{ declared, range: place.rangeOf(span) }] : [];
        })
      : [],
  );
  return distinct(uses.map(({ declared }) => declared)).map((declared) => ({
    to: itemOf(place, declared),
    fromRanges: uses.filter((each) => each.declared.declaration === declared.declaration).map(({ range }) => range),
  }));
}

function isInside(span: Span, { start, end }: Span): boolean {
  return start <= span.start && span.end <= end;
}

function distinct(all: readonly Declared[]): readonly Declared[] {
  return [...new Map(all.map((each) => [each.declaration, each])).values()];
}

function itemOf({ project, root }: Pick<Place, 'project' | 'root'>, { declaration }: Declared): CallHierarchyItem {
  const { name, span } = declaration;
  const file = project.files.get(span.file)!;
  return {
    name: name.text || '…',
    kind: kindOf(declaration),
    detail: isLibraryPath(span.file) ? 'std' : span.file,
    uri: root.uriOf(span.file),
    range: rangeIn(file, span),
    selectionRange: rangeIn(file, name.span),
  };
}

/** Nothing where the file has changed and the name stands there no longer. */
function declaredBy(place: Place, { name, selectionRange }: CallHierarchyItem): Declared | undefined {
  if (!place.project.files.has(place.path)) return undefined;
  const declared = declarationAt(place, place.offsetAt(selectionRange.start));
  return declared?.declaration.name.text === name ? declared : undefined;
}
