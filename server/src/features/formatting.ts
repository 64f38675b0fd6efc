/** The one style there is, as the Prettier plugin has it. */
import { format, formatDeclarations, SyntaxErrors } from '@hyb/grammar';
import type { Range, TextEdit } from 'vscode-languageserver-types';
import type { Place } from '../workspace/workspace.js';

/** One edit of the lines that change; none for a file with errors, which is left as it is. */
export async function formatting(place: Place): Promise<readonly TextEdit[]> {
  const { text } = place.file;
  let formatted: string;
  try {
    formatted = await format(text, { file: place.path });
  } catch (error) {
    if (error instanceof SyntaxErrors) return [];
    throw error;
  }
  if (formatted === text) return [];
  const [before, after] = [text.split('\n'), formatted.split('\n')];
  const most = Math.min(before.length, after.length);
  let first = 0;
  while (first < most && before[first] === after[first]) first++;
  let last = 0;
  while (last < most - first && before[before.length - 1 - last] === after[after.length - 1 - last]) last++;
  const range = {
    start: { line: first, character: 0 },
    end: { line: before.length - last, character: 0 },
  };
  const lines = after.slice(first, after.length - last);
  // Where the last line is among those that change, no line break follows it.
  if (last === 0) {
    range.end = { line: before.length - 1, character: before.at(-1)!.length };
    return [{ range, newText: lines.join('\n') }];
  }
  return [{ range, newText: lines.map((line) => `${line}\n`).join('') }];
}

/** The declarations that a selection touches, each by itself; those with errors are left as they are. */
export async function formatRange(place: Place, { start, end }: Range): Promise<readonly TextEdit[]> {
  const range = { start: place.offsetAt(start), end: place.offsetAt(end) };
  const edits = await formatDeclarations(place.file.text, range, { file: place.path });
  return edits.map(({ span, text }) => ({ range: place.rangeOf(span), newText: text }));
}
