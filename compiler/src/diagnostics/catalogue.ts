/** Every message that any stage can report, by code: what `hyb explain` and docs/errors are made of. */
import { messages as syntaxMessages } from '@hyb/grammar/parser/messages';
import { interopMessages } from '../interop/messages.js';
import { resolveMessages } from '../resolve/messages/report.js';
import { sourceMessages } from '../sources/messages.js';
import { traceMessages } from '../trace/messages/report.js';
import { trainMessages } from '../train/messages.js';
import { weightMessages } from '../weights/messages.js';
import type { DocumentedCatalogue, DocumentedEntry } from './entry.js';

/** One table for each stage; codes do not repeat. */
const TABLES: readonly DocumentedCatalogue[] = [
  syntaxMessages,
  sourceMessages,
  resolveMessages,
  traceMessages,
  trainMessages,
  weightMessages,
  interopMessages,
];

export const catalogue: ReadonlyMap<string, DocumentedEntry> = new Map(
  TABLES.flatMap((table) => Object.entries(table)).sort(([a], [b]) => (a < b ? -1 : 1)),
);

/** Codes that two tables claim. There are none; a test says so. */
export function repeatedCodes(): readonly string[] {
  const codes = TABLES.flatMap((table) => Object.keys(table));
  return codes.filter((code, index) => codes.indexOf(code) !== index);
}
