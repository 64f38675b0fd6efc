import { createTokenInstance, EOF } from 'chevrotain';
import type { SourceFile } from '../ast/ast.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { pairBrackets } from './brackets.js';
import { reportDocs, reportSlashes } from './comments.js';
import { FileParser } from './file-parser.js';
import { Findings, GiveUp } from './findings.js';
import { lex } from './lex.js';
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
  const findings = new Findings();
  // The parser is made on first use: making it takes longer than most files.
  parser ??= new FileParser();
  parser.begin([], [], { file, text, findings });
  try {
    const { tokens, comments } = lex(text, file, findings);
    const paired = pairBrackets(tokens, file, findings);
    parser.begin([...paired, endOfFile(text.length, paired.at(-1))], comments, { file, text, findings });
    parser.sourceFile();
    if (!findings.hasErrors) reportDocs(comments, parser.strayDocs(), text, findings);
    reportSlashes(parser.result(), text, findings);
  } catch (error) {
    if (error instanceof RangeError) reportStack(text, file, findings);
    else if (!(error instanceof GiveUp)) throw error;
  }
  return { file: parser.result(), diagnostics: findings.sorted() };
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
