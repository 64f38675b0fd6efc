import type { Spread } from '../rounds/statistics.js';
import { threeDigits } from '@hyb/compiler/inspect/units';

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(headings), line(headings.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** `12.3 (11.9–14.0)`: the median and from where to where. */
export function spreadText({ min, median, max }: Spread, scale = 1): string {
  return `${threeDigits(median * scale)} (${threeDigits(min * scale)}–${threeDigits(max * scale)})`;
}
