/** Columns of a terminal that a text takes: none for combining marks, two for wide characters. Tabs must be expanded. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

export function columnsOf(character: string): number {
  // Most characters are ASCII.
  if (character < '\u0300') return 1;
  if (/^[\p{Mark}\p{Format}]$/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6]|[\u{20000}-\u{3FFFD}])$/u;

/** Tabs as spaces up to the next multiple of 4, and other control characters as visible signs. */
export function visible(text: string): string {
  let result = '';
  let column = 0;
  for (const character of text) {
    const shown = character === '\t' ? ' '.repeat(4 - (column % 4)) : shownAs(character);
    result += shown;
    column += widthOf(shown);
  }
  return result;
}

function shownAs(character: string): string {
  const code = character.codePointAt(0)!;
  // The signs for control characters stand in the order of the characters; terminals would act on the real ones.
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return /^[\u0080-\u009F\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF\uD800-\uDFFF]$/.test(character)
    ? '\uFFFD'
    : character;
}
