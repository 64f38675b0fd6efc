import type { Declaration, Span } from '@hyb/grammar';
import type { Scope, ScopeEntry } from '../model/model.js';
import { EVERY_NAME, noteLookup } from './lookups.js';

/** A declaration together with the scope of the file in which it stands. */
export interface Declared<D extends Declaration = Declaration> {
  readonly declaration: D;
  readonly scope: FileScope;
}

/** What the names of one file mean: its own declarations and what it imports. Filled while the project is loaded. */
export class FileScope implements Scope {
  readonly #names = new Map<string, Declared>();
  readonly #places = new Map<string, Span>();
  readonly #broken = new Set<string>();

  constructor(readonly file: string) {}

  /** Binds a name; the place is where the file says it (the declaration's name, or the imported name). */
  bind(name: string, declared: Declared, place: Span): void {
    this.#names.set(name, declared);
    this.#places.set(name, place);
  }

  /** A name that the file mentions and that could not be found; stages after loading are silent about it. */
  bindBroken(name: string, place: Span): void {
    this.#broken.add(name);
    this.#places.set(name, place);
  }

  isBroken(name: string): boolean {
    noteLookup(this.file, name);
    return this.#broken.has(name);
  }

  placeOf(name: string): Span | undefined {
    return this.#places.get(name);
  }

  find(name: string): Declared | undefined {
    noteLookup(this.file, name);
    return this.#names.get(name);
  }

  lookup(name: string): ScopeEntry | undefined {
    const declared = this.find(name);
    if (declared === undefined) return undefined;
    const { declaration, scope } = declared;
    switch (declaration.kind) {
      case 'BlockDeclaration':
        return { kind: 'block', declaration, scope };
      case 'FunctionDeclaration':
        return { kind: 'function', declaration, scope };
      case 'ModelDeclaration':
        return { kind: 'model', name: declaration.name.text };
      case 'TrainDeclaration':
        return { kind: 'train', name: declaration.name.text };
      case 'WeightsDeclaration':
        return { kind: 'weights', name: declaration.name.text };
    }
  }

  names(): readonly string[] {
    noteLookup(this.file, EVERY_NAME);
    return [...this.#names.keys()];
  }
}

/** `a block`, `a norm`, `a function`, …: how messages call a declaration. */
export function describeDeclaration(declaration: Declaration): string {
  switch (declaration.kind) {
    case 'BlockDeclaration':
      return declaration.form === 'norm' ? 'a norm' : 'a block';
    case 'FunctionDeclaration':
      return 'a function';
    case 'ModelDeclaration':
      return 'a model';
    case 'TrainDeclaration':
      return 'a recipe';
    case 'WeightsDeclaration':
      return 'a weight map';
  }
}
