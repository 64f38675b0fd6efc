/** Where the source says each layer: the name in a bracket pattern, the letter in a pattern string. */
import type { Expression, ModelDeclaration, PatternItem, Span } from '@hyb/grammar';
import type { Project } from '../sources/project.js';
import type { Declared } from '../sources/scope.js';

/** Places by layer; empty where the pattern cannot be read. A model has as many as layers, a repeated name several times. */
export function patternPlaces(project: Project, name: string, file: string): readonly Span[] {
  const pattern = patternOf(project.files.get(file)?.scope.find(name));
  if (pattern?.kind === 'PatternExpression') return pattern.items.flatMap(itemPlaces);
  if (pattern?.kind === 'Call') return letterPlaces(pattern);
  return [];
}

/** The last `layers = …` on the way from a model to its first base. */
function patternOf(declared: Declared | undefined): Expression | undefined {
  const seen = new Set<ModelDeclaration>();
  for (let at = declared; at?.declaration.kind === 'ModelDeclaration' && !seen.has(at.declaration);) {
    seen.add(at.declaration);
    const field = at.declaration.items.findLast(
      (item) => item.kind === 'Field' && item.target.root.text === 'layers' && item.target.steps.length === 0,
    );
    if (field?.kind === 'Field') return field.value;
    at = at.declaration.base === undefined ? undefined : at.scope.find(at.declaration.base.text);
  }
  return undefined;
}

function itemPlaces(item: PatternItem): readonly Span[] {
  switch (item.kind) {
    case 'Name':
      return [item.span];
    case 'PatternGroup':
      return item.items.flatMap(itemPlaces);
    case 'PatternRepeat': {
      const once = itemPlaces(item.item);
      return once.length === 0 ? [] : Array.from({ length: item.count.value }, () => once).flat();
    }
  }
}

function letterPlaces({ arguments: given, span: whole }: Expression & { readonly kind: 'Call' }): readonly Span[] {
  const text = given[0]?.value;
  if (text?.kind !== 'StringLiteral') return [];
  const { value, span } = text;
  const plain = span.end - span.start === value.length + 2;
  let at = span.start + 1;
  return [...value].map((letter) => {
    const place = plain ? { ...span, start: at, end: at + letter.length } : whole;
    at += letter.length;
    return place;
  });
}
