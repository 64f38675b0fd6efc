/**
 * Sources as tests write them: `‹|›` is the cursor, `‹` and `›` alone hold a selection, and `// file: name.hyb` begins another
 * file. What the server answers is shown in the text it answers about.
 */
import { applyEdits, LineMap } from '@hyb/grammar';
import type { Position, Range, TextEdit } from 'vscode-languageserver-types';
import { MemoryFiles } from '../../src/workspace/files.js';
import { Workspace } from '../../src/workspace/workspace.js';
import type { Place } from '../../src/workspace/workspace.js';

export const ROOT = 'file:///project/';
export const MAIN = 'main.hyb';

export interface Marked {
  readonly workspace: Workspace;
  readonly place: Place;
  readonly position: Position;
  readonly range: Range;
  /** Texts without marks, by name. */
  readonly texts: Readonly<Record<string, string>>;
}

/** Opens the files; the one with the mark is looked at, or the first. */
export function marked(source: string): Marked {
  const [main, ...others] = source.split(/^\/\/ file: /m);
  const written: Record<string, string> = { [MAIN]: main! };
  for (const other of others) {
    const end = other.indexOf('\n');
    written[other.slice(0, end)] = other.slice(end + 1);
  }
  let name = MAIN;
  let start = 0;
  let end = 0;
  const texts = Object.fromEntries(
    Object.entries(written).map(([file, text]) => {
      if (!text.includes('‹')) return [file, text];
      name = file;
      start = text.indexOf('‹');
      const isCursor = text.startsWith('‹|›', start);
      const inner = isCursor ? '' : text.slice(start + 1, text.indexOf('›'));
      end = start + inner.length;
      return [file, text.replace(/‹\|›|[‹›]/g, '')];
    }),
  );
  const workspace = new Workspace(new MemoryFiles({}, [ROOT]));
  for (const [file, text] of Object.entries(texts)) {
    workspace.set({ uri: ROOT + file, version: 1, getText: () => text });
  }
  const map = new LineMap(texts[name]!);
  const position = (offset: number): Position => {
    const { line, column } = map.positionAt(offset);
    return { line, character: column };
  };
  const place = workspace.at(ROOT + name);
  return { workspace, place, position: position(start), range: { start: position(start), end: position(end) }, texts };
}

/** The text with marks around ranges: `‹range›`. */
export function withRanges(text: string, ranges: readonly Range[]): string {
  const edits = ranges.flatMap(({ start, end }) => [insertion(text, start, '‹'), insertion(text, end, '›')]);
  return applyEdits(text, edits);
}

/** The text with something put in at positions. */
export function withInsertions(text: string, insertions: readonly { position: Position; text: string }[]): string {
  return applyEdits(
    text,
    insertions.map((each) => insertion(text, each.position, each.text)),
  );
}

function insertion(text: string, { line, character }: Position, inserted: string) {
  const offset = new LineMap(text).offsetAt({ line, column: character });
  return { span: { file: '', start: offset, end: offset }, text: inserted };
}

export function edited(text: string, edits: readonly TextEdit[]): string {
  const map = new LineMap(text);
  const offset = ({ line, character }: Position): number => map.offsetAt({ line, column: character });
  return applyEdits(
    text,
    edits.map(({ range, newText }) => ({
      span: { file: '', start: offset(range.start), end: offset(range.end) },
      text: newText,
    })),
  );
}

/** A small model with what it uses. */
export const TINY = `use std.{Attention, MLP, RMSNorm}

/// Three layers.
model Tiny {
  vocab   = 256
  width   = 64
  context = 1024
  A = Attention(heads = 4)
  F = MLP(inner = 4 * width)
  norm   = { pre = RMSNorm }
  layers = [A F A]
  head   = { norm = RMSNorm, tie = true }
  precision { weights = bf16, activations = bf16 }
}
`;
