import type { IToken } from 'chevrotain';
import type { Findings } from './findings.js';
import { replacing } from './findings.js';
import { report } from './messages.js';
import { endOf } from './token.js';

const ESCAPE = /\\(u\{([0-9A-Fa-f]{1,6})\}|u\{[^}]*\}?|[\s\S]?)/g;
const SIMPLE: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', n: '\n', t: '\t' };

/** The character that an escape stands for; undefined: there is no such escape. */
function escaped(body: string, code: string | undefined): string | undefined {
  if (code === undefined) return Object.hasOwn(SIMPLE, body) ? SIMPLE[body] : undefined;
  const point = Number.parseInt(code, 16);
  // Halves of surrogate pairs are no characters.
  if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
  return String.fromCodePoint(point);
}

function isFinished(image: string): boolean {
  return /^"(?:[^"\\]|\\.)*"$/s.test(image);
}

/** The text that a string literal stands for. Unknown escapes stand for themselves. */
export function stringValue(image: string): string {
  if (!image.startsWith('"')) return image.slice(1, -1);
  const inner = isFinished(image) ? image.slice(1, -1) : image.slice(1);
  return inner.replace(ESCAPE, (all, body: string, code?: string) => escaped(body, code) ?? all);
}

/** Reports wrong quotes, a missing end and unknown escapes. */
export function checkString(string: IToken, file: string, findings: Findings): void {
  const { image, startOffset: start } = string;
  const span = { file, start, end: endOf(string) };
  if (!image.startsWith('"')) {
    const fix = replacing('Use double quotes', span, `"${image.slice(1, -1).replace(/["\\]/g, '\\$&')}"`);
    findings.add(report('HYB0002', span, {}, { expected: '`"`', found: `\`${image.charAt(0)}\``, fixes: [fix] }));
    return;
  }
  if (!isFinished(image)) {
    const end = { ...span, start: span.start + image.trimEnd().length };
    const fixes = image.endsWith('\\') ? [] : [replacing('Add `"`', end, '"')];
    findings.add(report('HYB0003', span, {}, { expected: '`"`', found: 'the end of the line', fixes }));
  }
  for (const match of image.matchAll(ESCAPE)) {
    const [all, body, code] = match as unknown as [string, string, string | undefined];
    if (escaped(body, code) !== undefined || all === '\\') continue;
    const place = { file, start: start + match.index, end: start + match.index + all.length };
    const fix = replacing('Double the backslash', { ...place, end: place.start + 1 }, '\\\\');
    findings.add(report('HYB0011', place, { escape: all }, { fixes: [fix] }));
  }
}
