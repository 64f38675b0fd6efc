/** Where each layer of a pattern is written: in `[(M F)*3, A]` one name stands for several layers, in a string a letter for one. */
import type { Call, Expression, PatternItem, Span } from '@hyb/grammar';
import { MAX_LAYERS } from '../resolve/pattern.js';

export interface LayerPlace {
  /** Name of the layer's block in the model. */
  readonly alias: string;
  /** The name or letter that stands for it. */
  readonly span: Span;
}

/** The layers in order as far as the pattern can be read; findings about it are made where models are resolved. */
export function layerPlaces(pattern: Expression): readonly LayerPlace[] {
  if (pattern.kind === 'PatternExpression') return placesOf(pattern.items, MAX_LAYERS);
  const letters = patternLetters(pattern);
  if (letters === undefined) return [];
  return letters.letters.flatMap(({ alias, span }) => (alias === undefined ? [] : [{ alias, span }]));
}

function placesOf(items: readonly PatternItem[], most: number): LayerPlace[] {
  const places: LayerPlace[] = [];
  for (const item of items) {
    if (item.kind === 'Name') places.push({ alias: item.text, span: item.span });
    else {
      const group = item.kind === 'PatternRepeat' ? item.item : item;
      const count = item.kind === 'PatternRepeat' ? item.count.value : 1;
      const inner = placesOf(group.kind === 'Name' ? [group] : group.items, most);
      for (let i = 0; i < count && inner.length > 0 && places.length < most; i++) places.push(...inner);
    }
    if (places.length >= most) break;
  }
  return places.slice(0, most);
}

export interface PatternLetter {
  readonly letter: string;
  readonly span: Span;
  /** Absent where the map does not have the letter. */
  readonly alias?: string;
}

/** The letters of `pattern("M-M*-", { M: M, … })`; undefined for anything else. */
export function patternLetters(
  expression: Expression,
): { readonly call: Call; readonly letters: readonly PatternLetter[] } | undefined {
  if (expression.kind !== 'Call' || expression.callee.kind !== 'Name' || expression.callee.text !== 'pattern') {
    return undefined;
  }
  const [text, map] = expression.arguments;
  if (text?.value.kind !== 'StringLiteral') return undefined;
  const names = new Map<string, string>();
  for (const { key, value } of map?.value.kind === 'MapExpression' ? map.value.entries : []) {
    if (value.kind === 'Name') names.set(key.kind === 'Name' ? key.text : key.value, value.text);
  }
  const { value, span } = text.value;
  // With escapes a letter's place is not known, and the whole string stands for it.
  const plain = span.end - span.start === value.length + 2;
  let offset = span.start + 1;
  const letters = [...value].map((letter): PatternLetter => {
    const place = plain ? { file: span.file, start: offset, end: offset + letter.length } : span;
    offset += letter.length;
    const alias = names.get(letter);
    return { letter, span: place, ...(alias !== undefined && { alias }) };
  });
  return { call: expression, letters };
}
