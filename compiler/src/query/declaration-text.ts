import type { Declaration } from '@hyb/grammar';
import type { ProjectFile } from '../sources/project.js';

const texts = new WeakMap<Declaration, string>();

/** A declaration as it is written, which says all that it means but for the names of its file. */
export function declarationText(declaration: Declaration, { text }: Pick<ProjectFile, 'text'>): string {
  let found = texts.get(declaration);
  if (found === undefined) {
    found = text.slice(declaration.span.start, declaration.span.end);
    texts.set(declaration, found);
  }
  return found;
}
