/** Gathers what the names of one file stand for. */
import type { Name, Span } from '@hyb/grammar';
import type { FileScope } from '../../sources/scope.js';
import { declarationEntity } from './entity.js';
import type { Entity, NameUse } from './entity.js';

/** A name that stands for nothing that is known. */
export interface Unresolved {
  readonly name: Name;
}

export class Binder {
  readonly uses: NameUse[] = [];
  readonly unresolved: Unresolved[] = [];
  /** Names given by `as` in the file. */
  readonly #renamed = new Map<string, Entity>();

  constructor(readonly scope: FileScope) {}

  use(name: Name, entities: Entity | readonly Entity[] | undefined, access: NameUse['access'] = 'read'): void {
    const all = entities === undefined ? [] : Array.isArray(entities) ? (entities as Entity[]) : [entities as Entity];
    if (all.length === 0) {
      if (!this.scope.isBroken(name.text)) this.unresolved.push({ name });
    } else this.uses.push({ name: name.text, span: name.span, access, entities: all });
  }

  define(name: Name, entity: Entity): Entity {
    this.use(name, entity, 'definition');
    return entity;
  }

  /** A letter of a pattern string. */
  letter(span: Span, letter: string, entity: Entity): void {
    this.uses.push({ name: letter, span, access: 'read', isLetter: true, entities: [entity] });
  }

  rename(name: string, entity: Entity): void {
    this.#renamed.set(name, entity);
  }

  /** What the file declares or imports under a name. */
  inFile(name: string): Entity | undefined {
    const renamed = this.#renamed.get(name);
    if (renamed !== undefined) return renamed;
    const declared = this.scope.find(name);
    return declared === undefined ? undefined : declarationEntity(declared);
  }
}

/** The one of these names. */
export function named(name: string, entities: readonly Entity[]): Entity | undefined {
  return entities.find((each) => each.name === name);
}
