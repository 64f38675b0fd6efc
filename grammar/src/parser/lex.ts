import { createToken, Lexer, type IToken, type TokenType } from 'chevrotain';
import type { Comment } from '../ast/ast.js';
import type { Diagnostic, Span } from '../diagnostics/diagnostic.js';
import {
  BlockComment,
  Foreign,
  foreignSpelling,
  HashComment,
  UnfinishedString,
  Unknown,
  WrongQuotes,
} from '../tokens/foreign.js';
import { units } from '../tokens/token-table.js';
import { Identifier, Name, token, vocabulary } from '../tokens/vocabulary.js';
import { type Findings, replacing } from './findings.js';
import { LARGEST_FILE } from './limits.js';
import { report } from './messages.js';
import { checkNumber } from './numbers.js';
import { checkString } from './strings.js';
import { endOf, type Token } from './token.js';

const WhiteSpace = createToken({
  name: 'WhiteSpace',
  pattern: /[ \t\r\n\f\v\u00A0\u2000-\u200B\u2028\u2029\u3000\uFEFF]+/,
  group: Lexer.SKIPPED,
  line_breaks: true,
});

const DocComment = token('DocComment');
const Dot = token('Dot');
const NumberToken = token('Number');
const StringToken = token('String');

let built: Lexer | undefined;

/** The lexer is made on first use, once. */
function lexer(): Lexer {
  const comments = vocabulary.filter((type) => type.GROUP === 'comments');
  const others = vocabulary.filter((type) => type.GROUP !== 'comments');
  const order = [
    ...[WhiteSpace, ...comments, BlockComment, HashComment],
    ...[StringToken, UnfinishedString, WrongQuotes, Foreign],
    ...others.filter((type) => type !== StringToken),
    ...[Identifier, Unknown],
  ];
  built ??= new Lexer(order, { positionTracking: 'onlyOffset', skipValidations: true, ensureOptimizations: false });
  return built;
}

/** A part of a text. */
export type Range = Pick<Span, 'start' | 'end'>;

export interface LexedFile {
  readonly tokens: Token[];
  readonly comments: readonly Comment[];
}

/**
 * Cuts a text into tokens and comments. Whatever is not a token of Hyb is reported and replaced by what was meant.
 *
 * @param part offsets between which it is cut, each at the beginning of a line outside of comments; default: all of it
 */
export function lex(text: string, file: string, findings: Findings, part?: Range): LexedFile {
  const unreadable = refuse(text, file);
  if (unreadable !== undefined) {
    findings.add(unreadable);
    return { tokens: [], comments: [] };
  }
  const from = part?.start ?? 0;
  const result = lexer().tokenize(part === undefined ? text : text.slice(part.start, part.end));
  const found = result.groups['comments'] ?? [];
  if (from > 0) for (const each of [...result.tokens, ...found]) each.startOffset += from;
  const comments = found.map((each) => commentOf(each, file));
  const cleaned = clean(result.tokens, text, file, findings);
  return { tokens: annotate(cleaned, text, from), comments };
}

/** What is no text of Hyb at all: too long, or with characters that no text has. */
export function refuse(text: string, file: string): Diagnostic | undefined {
  if (text.length > LARGEST_FILE) {
    return report('HYB0009', { file, start: 0, end: 0 }, { size: text.length, limit: LARGEST_FILE });
  }
  const control = /[\0-\x08\x0E-\x1F\x7F]/.exec(text);
  if (control === null) return undefined;
  const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return report('HYB0013', { file, start: control.index, end: control.index + 1 }, { code });
}

function commentOf(comment: IToken, file: string): Comment {
  const doc = comment.tokenType === DocComment;
  return {
    kind: 'Comment',
    span: { file, start: comment.startOffset, end: endOf(comment) },
    text: comment.image.slice(doc ? 3 : 2),
    doc,
  };
}

/** Reports tokens that are not Hyb's, and turns or joins them into tokens that are. */
function clean(tokens: readonly IToken[], text: string, file: string, findings: Findings): IToken[] {
  const result: IToken[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const each = tokens[i]!;
    const span = { file, start: each.startOffset, end: endOf(each) };
    switch (each.tokenType) {
      case Foreign: {
        const { replacement, token: name } = foreignSpelling(each.image)!;
        const fix = replacing(`Write \`${replacement}\``, span, spaced(replacement, text, span));
        const values = { spelling: each.image, replacement };
        findings.add(report('HYB0005', span, values, { expected: `\`${replacement}\``, fixes: [fix] }));
        if (name === undefined) continue;
        if (name === 'Identifier') each.payload = replacement;
        result.push(retyped(each, name === 'Identifier' ? Identifier : token(name)));
        continue;
      }
      case BlockComment:
      case HashComment:
        findings.add(wrongComment(each, text, span));
        continue;
      case StringToken:
      case UnfinishedString:
      case WrongQuotes:
        checkString(each, file, findings);
        result.push(retyped(each, StringToken));
        continue;
      case Unknown: {
        i = joinUnknown(tokens, i, result, file, findings);
        continue;
      }
      case NumberToken:
        i = joinNumber(tokens, i, file, findings);
        result.push(each);
        continue;
      case Dot: {
        const next = tokens[i + 1];
        const before = result.at(-1);
        const begins =
          before === undefined || endOf(before) < each.startOffset || /[-+*/%=<>,:([{]$/.test(before.image);
        if (next?.tokenType === NumberToken && next.startOffset === span.end && begins) {
          i = joinNumber(tokens, i, file, findings);
          result.push(retyped(each, NumberToken));
        } else {
          result.push(each);
        }
        continue;
      }
      default:
        result.push(each);
    }
  }
  return result;
}

/** A word in place of a sign needs white space around it. */
function spaced(replacement: string, text: string, { start, end }: Span): string {
  if (!/^[a-z]+$/.test(replacement)) return replacement;
  const before = /\w/.test(text.charAt(start - 1)) ? ' ' : '';
  return `${before}${replacement}${/\w/.test(text.charAt(end)) ? ' ' : ''}`;
}

function retyped(each: IToken, type: TokenType): IToken {
  each.tokenType = type;
  each.tokenTypeIdx = type.tokenTypeIdx!;
  return each;
}

function wrongComment(each: IToken, text: string, span: Span) {
  const hash = each.tokenType === HashComment;
  const opening = hash ? '#' : '/*';
  const line = /^[^\r\n]*/.exec(text.slice(span.end))![0];
  const inner = hash ? each.image.slice(1) : each.image.slice(2).replace(/\*\/$/, '');
  const replaced = inner
    .split(/\r\n|\r|\n/)
    .map((part, index) => `//${index === 0 ? part : ` ${part.replace(/^\s*\*? ?/, '')}`}`.trimEnd())
    .join('\n');
  // A line comment would swallow what follows on the line.
  const fixes = line.trim() === '' ? [replacing('Write `//`', span, replaced)] : [];
  const place = { ...span, end: span.start + opening.length };
  return report('HYB0007', place, { opening }, { expected: '`//`', found: `\`${opening}\``, fixes });
}

/** Characters without a meaning: reported together; letters of other scripts make one name with their neighbours. */
function joinUnknown(
  tokens: readonly IToken[],
  first: number,
  result: IToken[],
  file: string,
  findings: Findings,
): number {
  const start = tokens[first]!;
  let last = first;
  while (tokens[last + 1]?.tokenType === Unknown && tokens[last + 1]!.startOffset === endOf(tokens[last]!)) last++;
  const characters = tokens
    .slice(first, last + 1)
    .map((each) => each.image)
    .join('');
  if (!/^[\p{L}\p{M}\p{N}]+$/u.test(characters)) {
    const span = { file, start: start.startOffset, end: endOf(tokens[last]!) };
    const plural = characters.length > 1 ? 'These characters have' : 'This character has';
    findings.add(report('HYB0001', span, { characters: plural }, { found: `\`${characters}\`` }));
    return last;
  }
  const before = result.at(-1);
  const joins = before?.tokenType === Identifier && endOf(before) === start.startOffset;
  const word = joins ? before : retyped(start, Identifier);
  if (joins) word.image += characters;
  else {
    word.image = characters;
    result.push(word);
  }
  for (; isNamePart(tokens[last + 1]) && tokens[last + 1]!.startOffset === endOf(word); last++) {
    word.image += tokens[last + 1]!.image;
  }
  const span = { file, start: word.startOffset, end: endOf(word) };
  findings.add(report('HYB0010', span, { name: word.image }));
  return last;
}

function isNamePart(each: IToken | undefined): boolean {
  if (each === undefined) return false;
  return /^\w+$/.test(each.image) || (each.tokenType === Unknown && /[\p{L}\p{M}\p{N}]/u.test(each.image));
}

/** `1__0`, `0x1F`, `1.`, `.5` are cut into several tokens but meant as one number. Units may touch their number. */
function joinNumber(tokens: readonly IToken[], first: number, file: string, findings: Findings): number {
  const number = tokens[first]!;
  let last = first;
  for (; ; last++) {
    const next = tokens[last + 1];
    if (next === undefined || next.startOffset !== endOf(number)) break;
    const word = isWord(next);
    if (word && units.has(next.image)) break;
    if (!word && next.tokenType !== Dot && next.tokenType !== NumberToken) break;
    number.image += next.image;
  }
  checkNumber(number, file, findings);
  return last;
}

function isWord(each: IToken): boolean {
  return each.tokenType === Identifier || each.tokenType.CATEGORIES?.includes(Name) === true;
}

function annotate(tokens: readonly IToken[], text: string, from: number): Token[] {
  let indent = 0;
  let end = from;
  return tokens.map((each, index) => {
    const between = text.slice(end, each.startOffset);
    const broken = Math.max(between.lastIndexOf('\n'), between.lastIndexOf('\r'));
    const firstOnLine = index === 0 || broken >= 0;
    if (firstOnLine) indent = each.startOffset - (broken >= 0 ? end + broken + 1 : from);
    end = endOf(each);
    return Object.assign(each, { firstOnLine, indent, depth: 0, previousEnd: 0 });
  });
}
