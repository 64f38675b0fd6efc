import type { Declaration } from '@hyb/grammar';
import { originOf } from '@hyb/grammar/ast/moved';
import type { ProjectFile } from '../sources/project.js';

const texts = new WeakMap<Declaration, string>();

/** A declaration as it is written, which says all that it means but for the names of its file. */
export function declarationText(declaration: Declaration, { text }: Pick<ProjectFile, 'text'>): string {
  const origin = originOf(declaration);
  let found = texts.get(origin);
  if (found === undefined) {
    found = text.slice(declaration.span.start, declaration.span.end);
    texts.set(origin, found);
  }
  return found;
}
