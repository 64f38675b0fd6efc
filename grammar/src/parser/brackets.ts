import { createTokenInstance, type TokenType } from 'chevrotain';
import type { Span } from '../diagnostics/diagnostic.js';
import { Hole, Name, token } from '../tokens/vocabulary.js';
import { type Findings, replacing } from './findings.js';
import { DEEPEST } from './limits.js';
import { report } from './messages.js';
import { endOf, type Token } from './token.js';

/** Braces take more of the stack. */
const weightOf = (each: Token) => (each.tokenType === LeftBrace || each.tokenType === RightBrace ? 4 : 1);

const PAIRS = [
  ['LeftParen', 'RightParen'],
  ['LeftBracket', 'RightBracket'],
  ['LeftBrace', 'RightBrace'],
].map(([open, close]) => [token(open!), token(close!)] as const);
const closerOf = new Map<TokenType, TokenType>(PAIRS);
const closers = new Set<TokenType>(PAIRS.map(([, close]) => close));
const [LeftBrace, RightBrace] = PAIRS[2]!;
const declarations = new Set(['Use', 'Model', 'Train', 'Block', 'Norm', 'Fn', 'Weights'].map(token));

const spelling = (type: TokenType) => String(type.PATTERN);
const isWord = (each: Token) => each.tokenType.CATEGORIES?.includes(Name) === true;

/** A declaration's keyword in the first column and a name after it: a declaration, whatever is still open before it. */
function beginsDeclaration(each: Token, next: Token | undefined): boolean {
  return (
    each.firstOnLine && each.indent === 0 && declarations.has(each.tokenType) && next !== undefined && isWord(next)
  );
}

/**
 * How the brackets paired up as they were: those of every declaration among themselves, only all of them together (where lines
 * look like the beginning of a declaration inside of brackets), or not at all.
 */
export type Pairing = 'apart' | 'together' | 'missing';

export interface PairedTokens {
  readonly tokens: Token[];
  readonly pairing: Pairing;
}

/**
 * Makes the brackets of a file pair up, so that the parser can rely on it: reports missing, superfluous and wrong
 * brackets, puts virtual ones in and takes others out, and cuts out what is nested too deeply. Where a bracket is missing,
 * the indentation of the following lines says where it was meant.
 */
export function pairBrackets(tokens: readonly Token[], file: string, findings: Findings): PairedTokens {
  const flat = cutDeep(tokens, file, findings);
  const result: Token[] = [];
  const paired = isPaired(flat);
  const parts = declarationsOf(flat);
  if (paired) result.push(...flat);
  else {
    for (const part of parts) {
      if (isPaired(part)) result.push(...part);
      else result.push(...new Repair(file, findings).run(part));
    }
  }
  link(result);
  return { tokens: result, pairing: !paired ? 'missing' : parts.every(isPaired) ? 'apart' : 'together' };
}

/** Replaces brackets below the deepest level by a hole. */
function cutDeep(tokens: readonly Token[], file: string, findings: Findings): readonly Token[] {
  const result: Token[] = [];
  let depth = 0;
  let tooDeep: Token | undefined;
  for (const [index, each] of tokens.entries()) {
    // Counting begins anew with every declaration, so that one file of unclosed brackets hides no later ones.
    if (depth > 0 && beginsDeclaration(each, tokens[index + 1])) {
      depth = 0;
      tooDeep = undefined;
    }
    if (closerOf.has(each.tokenType)) {
      depth += weightOf(each);
      if (depth > DEEPEST && tooDeep === undefined) {
        tooDeep = each;
        const span = { file, start: each.startOffset, end: endOf(each) };
        findings.add(report('HYB0104', span, { limit: DEEPEST }));
        result.push({ ...each, tokenType: Hole, tokenTypeIdx: Hole.tokenTypeIdx!, image: '' });
      }
    }
    if (tooDeep === undefined) result.push(each);
    if (closers.has(each.tokenType)) {
      depth = Math.max(depth - weightOf(each), 0);
      if (depth <= DEEPEST) tooDeep = undefined;
    }
  }
  return result;
}

function isPaired(tokens: readonly Token[]): boolean {
  const open: TokenType[] = [];
  for (const { tokenType } of tokens) {
    const closer = closerOf.get(tokenType);
    if (closer !== undefined) open.push(closer);
    else if (closers.has(tokenType) && open.pop() !== tokenType) return false;
  }
  return open.length === 0;
}

function declarationsOf(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  for (const [index, each] of tokens.entries()) {
    if (beginsDeclaration(each, tokens[index + 1])) parts.push([]);
    parts.at(-1)!.push(each);
  }
  return parts;
}

const SEPARATORS = new Set([token('Comma'), token('Semicolon')]);
const VIRTUAL = { firstOnLine: false, depth: 0, previousEnd: 0, virtual: true } as const;

interface Open {
  readonly token: Token;
  readonly closer: TokenType;
  /** Lines inside begin deeper than the line of the bracket, so indentation can be relied on. */
  indented: boolean;
}

/** If more brackets are missing at one place, the innermost ones say enough. */
const MOST_AT_ONE_PLACE = 3;

/** Pairs the brackets of one declaration in which they do not pair up. */
class Repair {
  readonly #result: Token[] = [];
  readonly #open: Open[] = [];
  /** Where brackets were missing last, and how many have been reported there. */
  #place = -1;
  #reported = 0;

  constructor(
    readonly file: string,
    readonly findings: Findings,
  ) {}

  run(tokens: readonly Token[]): Token[] {
    for (const [index, each] of tokens.entries()) {
      if (each.firstOnLine) this.#closeByIndent(each);
      const closer = closerOf.get(each.tokenType);
      if (closer !== undefined) {
        // What is in parentheses or brackets is either on one line or indented; bodies are not by all writers.
        this.#open.push({ token: each, closer, indented: each.image !== '{' });
        this.#result.push(each);
      } else if (closers.has(each.tokenType)) this.#close(each, tokens[index + 1]);
      else this.#result.push(each);
    }
    while (this.#open.length > 0) this.#insert();
    return this.#result;
  }

  /** A line that begins no deeper than the line of an open bracket ends what that bracket holds. */
  #closeByIndent(line: Token): void {
    const closes = closers.has(line.tokenType);
    for (;;) {
      const top = this.#open.at(-1);
      if (top === undefined) return;
      if (line.indent > top.token.indent) {
        top.indented = true;
        return;
      }
      if (!top.indented) return;
      if (closes) {
        // The closer belongs to the bracket whose line begins where it stands, if there is one.
        const partner = this.#open.some(
          ({ token, closer }) => closer === line.tokenType && token.indent === line.indent,
        );
        if (!partner || line.indent === top.token.indent) return;
      }
      this.#insert();
    }
  }

  #close(each: Token, next: Token | undefined): void {
    const top = this.#open.at(-1);
    if (top?.closer === each.tokenType) {
      this.#open.pop();
      this.#result.push(each);
      return;
    }
    const place = this.#span(each);
    const image = each.image;
    if (this.#open.some(({ closer }) => closer === each.tokenType)) {
      while (this.#open.at(-1)!.closer !== each.tokenType) this.#insert();
      this.#open.pop();
      this.#result.push(each);
    } else if (top === undefined || next?.tokenType === top.closer) {
      const fix = replacing(`Remove \`${image}\``, place, '');
      this.findings.add(report('HYB0102', place, { bracket: image }, { found: `\`${image}\``, fixes: [fix] }));
    } else {
      const closer = spelling(top.closer);
      const related = [{ span: this.#span(top.token), message: 'opened here' }];
      const fix = replacing(`Write \`${closer}\``, place, closer);
      this.findings.add(
        report(
          'HYB0103',
          place,
          { opener: top.token.image, closer, found: image },
          {
            expected: `\`${closer}\``,
            found: `\`${image}\``,
            related,
            fixes: [fix],
          },
        ),
      );
      this.#open.pop();
      this.#result.push(retyped(each, top.closer));
    }
  }

  /** Puts the missing closer of the innermost bracket after the last token, and reports it. */
  #insert(): void {
    const { token: opener, closer } = this.#open.pop()!;
    const last = this.#result.at(-1)!;
    const end = endOf(last);
    if (end !== this.#place) this.#reported = 0;
    this.#place = end;
    if (this.#reported++ < MOST_AT_ONE_PLACE) this.#reportMissing(opener, spelling(closer), end);
    const inserted = createTokenInstance(closer, '', end, end, NaN, NaN, NaN, NaN) as Token;
    this.#result.push(Object.assign(inserted, { ...VIRTUAL, indent: last.indent }));
  }

  #reportMissing(opener: Token, text: string, end: number): void {
    const here = { file: this.file, start: end, end };
    const separator = text === '}' ? `\n${' '.repeat(opener.indent)}` : '';
    this.findings.add(
      report(
        'HYB0101',
        this.#span(opener),
        { opener: opener.image },
        {
          expected: `\`${text}\``,
          related: [{ span: here, message: `\`${text}\` is missing here` }],
          fixes: [replacing(`Add \`${text}\``, here, `${separator}${text}`)],
        },
      ),
    );
  }

  #span(each: Token): Span {
    return { file: this.file, start: each.startOffset, end: endOf(each) };
  }
}

function retyped(each: Token, type: TokenType): Token {
  return { ...each, tokenType: type, tokenTypeIdx: type.tokenTypeIdx!, virtual: true };
}

/** Fills in depth, partner and successor of every token. */
function link(tokens: readonly Token[]): void {
  const open: Token[] = [];
  let end = 0;
  for (const [index, each] of tokens.entries()) {
    each.previousEnd = end;
    if (!SEPARATORS.has(each.tokenType)) end = endOf(each);
    const next = tokens[index + 1];
    if (next !== undefined) each.next = next;
    if (closers.has(each.tokenType)) {
      const opener = open.pop()!;
      opener.match = each;
      each.match = opener;
    }
    each.depth = open.length;
    if (closerOf.has(each.tokenType)) open.push(each);
  }
}
