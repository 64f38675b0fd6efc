import { createTokenInstance, EOF } from 'chevrotain';
import type { Comment, Declaration, SourceFile, Use } from '../ast/ast.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { pairBrackets } from './brackets.js';
import type { Pairing } from './brackets.js';
import { reportDocs, reportSlashes } from './comments.js';
import { FileParser } from './file-parser.js';
import { Findings, GiveUp } from './findings.js';
import { lex } from './lex.js';
import type { Range } from './lex.js';
import { DEEPEST } from './limits.js';
import { report } from './messages.js';
import type { Token } from './token.js';

export interface ParseResult {
  readonly file: SourceFile;
  readonly diagnostics: readonly Diagnostic[];
}

let parser: FileParser | undefined;

/**
 * Reads a `.hyb` file. Never throws: what cannot be read is reported and left out of the tree, or is an `ErrorExpression` in
 * it. Diagnostics are in source order.
 *
 * @param file name of the file in spans
 */
export function parse(text: string, file: string): ParseResult {
  const { file: tree, diagnostics } = parseWhole(text, file);
  return { file: tree, diagnostics };
}

/** As `parse`, with what those need who read the text again after edits. */
export function parseWhole(text: string, file: string): ParseResult & { readonly part?: ParsedPart } {
  const findings = new Findings();
  let part: ParsedPart | undefined;
  // The parser is made on first use: making it takes longer than most files.
  parser ??= new FileParser();
  parser.begin([], [], { file, text, findings });
  try {
    part = parsePart(text, file, findings);
    if (!findings.hasErrors) reportDocs(part.comments, part.strayDocs, text, findings);
    reportSlashes(part.declarations, part.comments, text, findings);
  } catch (error) {
    if (error instanceof RangeError) reportStack(text, file, findings);
    else if (!(error instanceof GiveUp)) throw error;
  }
  return { file: parser.result(), diagnostics: findings.sorted(), ...(part && { part }) };
}

/** What stands in a part of a text. */
export interface ParsedPart {
  readonly uses: readonly Use[];
  readonly declarations: readonly Declaration[];
  readonly comments: readonly Comment[];
  /** Doc comments that describe nothing. */
  readonly strayDocs: readonly Comment[];
  readonly pairing: Pairing;
}

/**
 * Reads the part of a text between two beginnings of declarations, or all of it.
 *
 * @throws GiveUp where there are too many findings, RangeError where the stack is too small
 */
export function parsePart(text: string, file: string, findings: Findings, part?: Range): ParsedPart {
  parser ??= new FileParser();
  const { tokens, comments } = lex(text, file, findings, part);
  const { tokens: pairs, pairing } = pairBrackets(tokens, file, findings);
  parser.begin([...pairs, endOfFile(part?.end ?? text.length, pairs.at(-1))], comments, { file, text, findings });
  parser.sourceFile();
  const { uses, declarations } = parser.result();
  return { uses, declarations, comments, strayDocs: parser.strayDocs(), pairing };
}

/** Nesting is limited so that a usual stack is enough; whoever calls from deep within one has less. */
function reportStack(text: string, file: string, findings: Findings): void {
  const start = Math.max(0, text.search(/\S/));
  const span = { file, start, end: Math.min(start + 1, text.length) };
  if (!findings.hasErrors) findings.add(report('HYB0104', span, { limit: DEEPEST }));
}

/** A real token at the end spares the parser the question whether there is one. */
function endOfFile(offset: number, last: Token | undefined): Token {
  const token = createTokenInstance(EOF, '', offset, offset, NaN, NaN, NaN, NaN) as Token;
  const previousEnd = last === undefined ? 0 : last.startOffset + last.image.length;
  return Object.assign(token, { firstOnLine: true, indent: 0, depth: -1, previousEnd });
}
