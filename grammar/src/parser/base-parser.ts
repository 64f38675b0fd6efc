import {
  EmbeddedActionsParser,
  EOF,
  isRecognitionException,
  NoViableAltException,
  type IParserErrorMessageProvider,
  type IRecognitionException,
  type IToken,
  type ParserMethod,
  type TokenType,
} from 'chevrotain';
import type { Expression, Name as NameNode, StringLiteral } from '../ast/ast.js';
import type { Diagnostic, Span } from '../diagnostics/diagnostic.js';
import { Foreign } from '../tokens/foreign.js';
import { Hole, Identifier, Infix, Name, token, tokensOf, vocabulary } from '../tokens/vocabulary.js';
import { isTooDeep } from './depth.js';
import { Findings, replacing } from './findings.js';
import { LazyLookahead } from './lazy-lookahead.js';
import { DEEPEST } from './limits.js';
import { report } from './messages.js';
import { describe, explainProblem } from './problems.js';
import { stringValue } from './strings.js';
import { endOf, type Token } from './token.js';

const As = token('As');
const Assign = token('Assign');
const Comma = token('Comma');
const LeftBracket = token('LeftBracket');
const StringToken = token('String');

/** What was expected travels in the exception's message: the diagnostic is made of it where the exception is caught. */
const expectations: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => expected.LABEL ?? expected.name,
  buildNotAllInputParsedMessage: () => 'the end of the file',
  buildNoViableAltMessage: ({ customUserDescription }) => customUserDescription ?? 'something else',
  buildEarlyExitMessage: ({ customUserDescription }) => customUserDescription ?? 'something else',
};

/**
 * Access to tokens, spans and recovery, for the rules in the subclasses. Brackets pair up (see brackets.ts), which makes
 * recovery simple: a part that cannot be read is left at the next line, separator or closing bracket of its own depth.
 */
export abstract class BaseParser extends EmbeddedActionsParser {
  abstract readonly expression: ParserMethod<[], Expression>;
  protected file = '';
  protected text = '';
  protected findings = new Findings();

  /** @param validate checks the grammar itself, for tests; takes several times longer than the rest */
  constructor(validate: boolean) {
    super([...vocabulary, Identifier, Name, Infix, Hole, Foreign], {
      recoveryEnabled: false,
      maxLookahead: 1,
      lookaheadStrategy: new LazyLookahead({ maxLookahead: 1 }),
      skipValidations: !validate,
      errorMessageProvider: expectations,
    });
  }

  // Tokens

  protected peek(distance = 1): Token {
    return this.LA(distance) as Token;
  }

  protected nextIs(type: TokenType, distance = 1): boolean {
    return isA(this.peek(distance), type);
  }

  protected get previous(): Token {
    return this.LA(0) as Token;
  }

  // Spans

  protected spanOf(each: IToken): Span {
    if (each.tokenType === EOF) return this.span(this.text.length, this.text.length);
    return this.span(each.startOffset, endOf(each));
  }

  protected span(start: number, end: number): Span {
    return { file: this.file, start, end };
  }

  /** From a token to the last one that was consumed. */
  protected spanFrom(first: IToken): Span {
    const start = first.tokenType === EOF ? this.text.length : first.startOffset;
    return this.span(start, Math.max(start, endOf(this.previous)));
  }

  // Leaves

  protected name(index: number): NameNode {
    const word = this.consume(index, Name);
    return this.ACTION(() => this.nameOf(word));
  }

  protected nameOf(word: IToken): NameNode {
    const text = typeof word.payload === 'string' ? word.payload : word.image;
    return { kind: 'Name', span: this.spanOf(word), text };
  }

  protected string(index: number): StringLiteral {
    const text = this.consume(index, StringToken);
    return this.ACTION(() => ({ kind: 'StringLiteral', span: this.spanOf(text), value: stringValue(text.image) }));
  }

  // Choice and repetition in place of Chevrotain's own, which take more of the stack for each level of nesting and more
  // time to prepare. They decide by the next token or by a look at the next few, which contextual keywords need anyway.
  // The grammar that Chevrotain records, and that tests check, is the same.

  /** Takes the first alternative that begins as the next tokens do. */
  protected choose<T>(index: number, expected: string, alternatives: readonly Choice<T>[]): T {
    if (this.RECORDING_PHASE) {
      // Looks ahead are not part of the recorded grammar, in which the alternatives may then begin alike.
      const IGNORE_AMBIGUITIES = alternatives.some(({ when }) => typeof when === 'function');
      return this.or(index, { DEF: [...alternatives], IGNORE_AMBIGUITIES });
    }
    for (const { when, ALT } of alternatives) {
      if (this.begins(when)) return ALT();
    }
    throw new NoViableAltException(expected, this.peek(), this.previous);
  }

  protected maybe<T>(index: number, when: Beginning, part: () => T): T | undefined {
    if (this.RECORDING_PHASE) return this.option(index, part);
    return this.begins(when) ? part() : undefined;
  }

  private begins(when: Beginning): boolean {
    return typeof when === 'function' ? when() : this.nextIs(when);
  }

  protected repeat(index: number, when: Beginning, part: () => void): void {
    if (this.RECORDING_PHASE) this.many(index, part);
    else while (this.begins(when)) part();
  }

  /**
   * Reads parts up to a closing token. A part that cannot be read is reported and given up at the next separator, line or
   * closing bracket of its own depth; `failed` learns of it. What begins no part is reported and skipped.
   *
   * @param index tells apart the lists of one rule
   */
  protected list(index: number, list: List): void {
    const { closer, separator, part } = list;
    if (this.RECORDING_PHASE) {
      this.many(index, () => {
        part();
        if (separator !== undefined) this.many(index + 10, () => this.consume(index, separator.type));
      });
      return;
    }
    for (;;) {
      const first = this.peek();
      if (first.tokenType === closer || first.tokenType === EOF) return;
      if (list.begins(first)) {
        try {
          part();
        } catch (error) {
          this.giveUp(error);
          if (this.peek() === first) this.SKIP_TOKEN();
          this.skipTo(first.depth, list.ends ?? beginsPart);
          list.failed?.(this.spanFrom(first));
        }
        if (separator !== undefined) this.separate(separator, list);
      } else {
        this.skipStray(first, list);
      }
    }
  }

  private separate({ type, required }: Separator, list: List): void {
    if (this.nextIs(type)) {
      this.SKIP_TOKEN();
      if (type !== Comma) while (this.nextIs(type)) this.SKIP_TOKEN();
    } else if (required) this.checkComma(list.closer);
  }

  private checkComma(closer: TokenType): void {
    const next = this.peek();
    const { previous } = this;
    if (next.tokenType === closer || !this.canBeginExpression(1)) return;
    if (next.virtual === true || previous.virtual === true) return;
    const end = endOf(previous);
    const place = this.span(end, end);
    const fix = replacing('Add `,`', place, ',');
    const details = { expected: '`,`', found: describe(next), fixes: [fix] };
    this.report(report('HYB0206', place, {}, details));
  }

  // Recovery

  /** Reads what stands after a sign such as `=`; what cannot be read becomes an `Error` expression. */
  protected value(index: number): Expression {
    const { previous } = this;
    let value: Expression;
    try {
      value = this.subrule(index, this.expression);
    } catch (error) {
      this.giveUp(error);
      this.skipTo(previous.depth, beginsPart);
      const end = endOf(this.previous);
      return { kind: 'ErrorExpression', span: this.span(Math.min(endOf(previous) + 1, end), end) };
    }
    return this.ACTION(() => this.checkDepth(value));
  }

  /** An expression that is too deep for tools that walk the tree by recursion. */
  private checkDepth(value: Expression): Expression {
    const { span } = value;
    // A level takes a character at least.
    if (span.end - span.start <= DEEPEST || !isTooDeep(value, DEEPEST)) return value;
    if (!this.findings.has('HYB0104', span)) {
      this.report(report('HYB0104', { ...span, end: span.start }, { limit: DEEPEST }));
    }
    return { kind: 'ErrorExpression', span };
  }

  private giveUp(error: unknown): void {
    if (!isRecognitionException(error as Error)) throw error;
    this.problem(error as IRecognitionException);
  }

  private skipStray(first: Token, { expected, ends = beginsPart }: List): void {
    this.problem({ message: expected, token: first, previousToken: this.previous });
    this.SKIP_TOKEN();
    this.skipTo(first.depth, ends);
    while (SEPARATORS.has(this.peek().tokenType) && this.peek().depth === first.depth) {
      this.SKIP_TOKEN();
      if (ends === never) this.skipTo(first.depth, never);
    }
  }

  /** What stands between a value and the bracket that should follow it. */
  protected skipToCloser(closer: TokenType): void {
    if (this.RECORDING_PHASE || this.nextIs(closer)) return;
    this.problem({ message: closer.LABEL ?? closer.name, token: this.peek(), previousToken: this.previous });
    this.skipTo(this.peek().depth, never);
    while (SEPARATORS.has(this.peek().tokenType)) this.SKIP_TOKEN();
  }

  private skipTo(depth: number, begins: (each: Token) => boolean): void {
    for (;;) {
      const next = this.peek();
      if (next.tokenType === EOF || next.depth < depth) return;
      if (next.depth === depth && (SEPARATORS.has(next.tokenType) || begins(next))) return;
      this.SKIP_TOKEN();
    }
  }

  protected report(diagnostic: Diagnostic): void {
    this.findings.add(diagnostic);
  }

  protected problem(error: Problem): void {
    const found = error.token as Token;
    const previous = error.previousToken?.tokenType === EOF ? undefined : (error.previousToken as Token | undefined);
    // Where a part was put in or taken out before parsing, that has been reported already.
    for (const each of [found, previous]) {
      if (each?.virtual === true || each?.tokenType === Hole) return;
    }
    const place = { expected: error.message, found, previous, rules: error.context?.ruleStack ?? [] };
    this.report(explainProblem({ ...place, file: this.file, text: this.text }));
  }

  // What may stand where

  /** Words are names, unless what follows them on their line shows that they are used as keywords. */
  protected isOperandName(distance: number): boolean {
    const word = this.peek(distance);
    const next = this.peek(distance + 1);
    if (!isA(word, Name)) return false;
    // No value is followed by `=`: the line begins something new, and the value before it is missing.
    if (next.tokenType === Assign && word.firstOnLine) return false;
    if (word.tokenType === Identifier) return true;
    if (next.firstOnLine || AFTER_VALUE.has(next.tokenType)) return true;
    return !(isA(next, Name) || LITERALS.has(next.tokenType)) || this.isInfix(distance + 1);
  }

  protected canBeginExpression(distance: number): boolean {
    return beginsExpression(this.peek(distance));
  }

  protected isInfix(distance: number): boolean {
    const operator = this.peek(distance);
    if (operator.tokenType === As) return this.nextIs(LeftBracket, distance + 1);
    if (!isA(operator, Infix)) return false;
    return !isA(operator, Name) || this.canBeginExpression(distance + 1);
  }
}

/** The token that a part begins with, or a look at the next ones. */
export type Beginning = TokenType | (() => boolean);

export interface Choice<T> {
  readonly when: Beginning;
  readonly ALT: () => T;
}

interface Separator {
  readonly type: TokenType;
  readonly required: boolean;
}

export interface List {
  readonly closer: TokenType;
  /** Between parts; after the last one it may stand too. */
  readonly separator?: Separator;
  /** What a part is, in words. */
  readonly expected: string;
  readonly begins: (first: Token) => boolean;
  readonly part: () => void;
  readonly failed?: (span: Span) => void;
  /** Where a part is given up, besides separators and the closer; by default at the next line that begins with a name. */
  readonly ends?: (token: Token) => boolean;
}

interface Problem {
  readonly message: string;
  readonly token: IToken;
  readonly previousToken?: IToken;
  readonly context?: { readonly ruleStack: readonly string[] };
}

const SEPARATORS = new Set<TokenType>([Comma, token('Semicolon')]);
const LITERALS = new Set<TokenType>([token('Number'), StringToken]);
const BEGINNINGS = new Set<TokenType>(
  ['Number', 'String', 'LeftParen', 'LeftBracket', 'LeftBrace', 'Minus', 'DotDot'].map(token).concat(Hole),
);
/** Words that may follow a value. */
const AFTER_VALUE = new Set<TokenType>(['Then', 'Else', 'When', 'With', 'In'].map(token));
const DECLARATIONS = new Set<TokenType>(tokensOf('declaration'));

export function isA(each: IToken, type: TokenType): boolean {
  return each.tokenType === type || each.tokenType.CATEGORIES?.includes(type) === true;
}

export const isWord = (each: IToken) => isA(each, Name);
export const isString = (each: IToken) => each.tokenType === StringToken;
export const beginsExpression = (each: IToken) => BEGINNINGS.has(each.tokenType) || isA(each, Name);
export const never = () => false;

/** Kinds of separators. */
export const commas = { type: Comma, required: true } as const;
export const optionalCommas = { type: Comma, required: false } as const;
export const semicolons = { type: token('Semicolon'), required: false } as const;

/** A word or text at the beginning of a line begins a field, statement, entry or rule, unless it goes on an expression. */
function beginsPart(each: Token): boolean {
  return each.firstOnLine && (isA(each, Name) || each.tokenType === StringToken) && !isA(each, Infix);
}

export function beginsDeclaration(each: Token): boolean {
  return DECLARATIONS.has(each.tokenType) && each.next?.tokenType !== Assign;
}
