/** Where the source says each layer: the name in a bracket pattern, the letter in a pattern string. */
import type { Span } from '@hyb/grammar';
import { isOfKind } from '../query/names/entity.js';
import { modelFacts } from '../query/names/model-facts.js';
import type { Project } from '../sources/project.js';

/** Places by layer; empty where the pattern cannot be read. A model has as many as layers, a repeated name several times. */
export function patternPlaces(project: Project, name: string, file: string): readonly Span[] {
  const declared = project.files.get(file)?.scope.find(name);
  if (!isOfKind(declared, 'ModelDeclaration')) return [];
  return modelFacts(declared)?.layers.map(({ span }) => span) ?? [];
}
