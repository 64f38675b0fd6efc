import type { IToken } from 'chevrotain';
import type { Findings } from './findings.js';
import { replacing } from './findings.js';
import { report } from './messages.js';
import { endOf } from './token.js';

const WELL_FORMED = /^\d(?:_?\d)*(?:\.\d(?:_?\d)*)?(?:[eE][+-]?\d+)?$/;

export function numberValue(raw: string): number {
  return WELL_FORMED.test(raw) ? Number(raw.replaceAll('_', '')) : NaN;
}

/** Reports what looks like a number and is none. */
export function checkNumber(number: IToken, file: string, findings: Findings): void {
  const raw = number.image;
  const span = { file, start: number.startOffset, end: endOf(number) };
  if (!WELL_FORMED.test(raw)) {
    const repaired = repair(raw);
    const fixes = repaired === undefined ? [] : [replacing(`Write \`${repaired}\``, span, repaired)];
    findings.add(report('HYB0004', span, { reason: reasonOf(raw) }, { found: `\`${raw}\``, fixes }));
  } else if (!Number.isFinite(numberValue(raw))) {
    findings.add(report('HYB0006', span, {}, { expected: 'at most about 1.8e308', found: `\`${raw}\`` }));
  }
}

function reasonOf(raw: string): string {
  if (/^0[xX]/.test(raw)) return 'Numbers are decimal.';
  if (raw.startsWith('.')) return 'A digit stands before the point.';
  if (/\.($|[^\d])/.test(raw)) return 'A digit stands after the point.';
  if (/\..*\./.test(raw)) return 'A number has one point.';
  if (/[eE][+-]?$/.test(raw)) return 'Digits stand after the exponent.';
  if (/^[\d_.eE]+$/.test(raw)) return 'A separator stands between two digits.';
  return 'A name does not begin with a digit, and a unit is one of those that Hyb knows.';
}

/** What was probably meant; undefined when nobody can know. */
function repair(raw: string): string | undefined {
  if (/^0[xX][\dA-Fa-f_]+$/.test(raw)) {
    const value = Number(raw.replaceAll('_', ''));
    return Number.isSafeInteger(value) ? String(value) : undefined;
  }
  const guess = raw
    .replace(/^\./, '0.')
    .replace(/\.$/, '.0')
    .replace(/_+/g, '_')
    .replace(/_(?=$|[.eE])|(?<=[.eE])_/g, '');
  return WELL_FORMED.test(guess) ? guess : undefined;
}
