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
import { describe, endsValue, explainProblem } from './problems.js';
import { stringValue } from './strings.js';
import { endOf, type Token } from './token.js';

const As = token('As');
const Assign = token('Assign');
const Colon = token('Colon');
const Comma = token('Comma');
const LeftBracket = token('LeftBracket');
const Semicolon = token('Semicolon');
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
    this.ACTION(() => {
      // Where a name is missing, the declaration on the next line is not to be taken for it.
      const word = this.peek();
      const named = this.nextIs(Name, 2) && !AFTER_VALUE.has(this.peek(2).tokenType);
      const declares = word.depth === 0 && word.firstOnLine && beginsDeclaration(word) && named;
      if (declares && AFTER_DECLARED.has(this.peek(3).image)) throw this.unexpected('a name');
    });
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
    throw this.unexpected(expected);
  }

  /** To be thrown where the next token does not fit. */
  protected unexpected(expected: string): Error {
    return new NoViableAltException(expected, this.peek(), this.previous);
  }

  /** `=` or `:`. The other one is read as what was meant. */
  protected sign(index: number, expected: TokenType): void {
    const other = expected === Assign ? Colon : Assign;
    if (this.RECORDING_PHASE || !this.nextIs(other)) this.consume(index, expected);
    else {
      this.problem({ message: expected.LABEL!, token: this.peek(), previousToken: this.previous });
      this.SKIP_TOKEN();
    }
  }

  /** Gives up the part that is being read where it goes on for more levels than tools that walk the tree can take. */
  protected limit(levels: number): void {
    if (levels <= DEEPEST) return;
    this.report(report('HYB0104', this.spanOf(this.peek()), { limit: DEEPEST }));
    throw this.unexpected(REPORTED);
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
          this.skipTo(first.depth, list.ends ?? beginsPart, separator?.type);
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
    } else if (required) this.checkComma(list.closer, list.expected === 'an argument');
  }

  private checkComma(closer: TokenType, isArgument: boolean): void {
    const next = this.peek();
    const { previous } = this;
    if (next.tokenType === closer || !this.canBeginExpression(1)) return;
    if (next.virtual === true || previous.virtual === true) return;
    // `head_dim 64` among arguments is rather a name and its value.
    const named = isArgument && isWord(previous) && /^[(,]$/.test(this.peek(-1).image) && !isWord(next);
    this.reportComma(named);
  }

  protected reportComma(named = false): void {
    const end = endOf(this.previous);
    const place = this.span(end, end);
    const comma = replacing('Add `,`', place, ',');
    const fixes = named ? [replacing('Add `=`', place, ' ='), comma] : [comma];
    const details = { expected: named ? '`=` or `,`' : '`,`', found: describe(this.peek()), fixes };
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
      const separator = this.nextIs(Semicolon) ? Semicolon : Comma;
      // What follows a bracket stands one level deeper than the bracket.
      this.skipTo(previous.depth + (OPENERS.has(previous.tokenType) ? 1 : 0), beginsPart, separator);
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

  private skipStray(first: Token, { expected, separator, ends = beginsPart }: List): void {
    this.problem({ message: expected, token: first, previousToken: this.previous }, true);
    this.SKIP_TOKEN();
    this.skipTo(first.depth, ends, separator?.type);
    // After what cannot be read a separator separates nothing.
    while (this.peek().tokenType === separator?.type && this.peek().depth === first.depth) {
      this.SKIP_TOKEN();
      if (ends === never) this.skipTo(first.depth, never, separator.type);
    }
  }

  /** What stands between a value and the bracket that should follow it. */
  protected skipToCloser(closer: TokenType): void {
    if (this.RECORDING_PHASE || this.nextIs(closer)) return;
    this.problem({ message: closer.LABEL ?? closer.name, token: this.peek(), previousToken: this.previous });
    this.skipTo(this.peek().depth, never, undefined);
  }

  private skipTo(depth: number, begins: (each: Token) => boolean, separator: TokenType | undefined): void {
    for (;;) {
      const next = this.peek();
      if (next.tokenType === EOF || next.depth < depth) return;
      if (next.depth === depth && (next.tokenType === separator || begins(next))) return;
      this.SKIP_TOKEN();
    }
  }

  protected report(diagnostic: Diagnostic): void {
    this.findings.add(diagnostic);
  }

  protected problem(error: Problem, stray = false): void {
    if (error.message === REPORTED) return;
    const found = error.token as Token;
    const previous = error.previousToken?.tokenType === EOF ? undefined : (error.previousToken as Token | undefined);
    // Where a part was put in or taken out before parsing, that has been reported already.
    for (const each of [found, previous]) {
      if (each?.virtual === true || each?.tokenType === Hole) return;
    }
    const rules = error.context?.ruleStack ?? [];
    const place = { expected: error.message, found, previous, stray, rules };
    this.report(explainProblem({ ...place, file: this.file, text: this.text }));
  }

  // What may stand where

  /** A field, statement or rule begins on a line of its own, after a separator, or where its second token shows it. */
  protected readonly beginsItem = (first: Token): boolean => {
    if (!isWord(first)) return false;
    if (first.firstOnLine || !endsValue(this.previous)) return true;
    const next = this.peek(2);
    return AFTER_NAME.has(next.tokenType) || (isWord(next) && STATEMENTS.has(first.tokenType));
  };

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

const LITERALS = new Set<TokenType>([token('Number'), StringToken]);
const BEGINNINGS = new Set<TokenType>(
  ['Number', 'String', 'LeftParen', 'LeftBracket', 'LeftBrace', 'Minus', 'DotDot'].map(token).concat(Hole),
);
/** In place of what was expected, where a diagnostic says more. */
const REPORTED = '';
/** What follows the name of a declaration. */
const AFTER_DECLARED = new Set(['{', '=', '(', 'of', '.']);
const AFTER_NAME = new Set<TokenType>(['Assign', 'Dot', 'LeftBracket', 'Colon', 'LeftBrace', 'In'].map(token));
/** Words that may follow a value. */
const AFTER_VALUE = new Set<TokenType>(['Then', 'Else', 'When', 'With', 'In', 'Of', 'As'].map(token));
const OPENERS = new Set<TokenType>(['LeftParen', 'LeftBracket', 'LeftBrace'].map(token));
const STATEMENTS = new Set<TokenType>(tokensOf('statement'));
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
export const semicolons = { type: Semicolon, required: false } as const;

/** A word or text at the beginning of a line begins a field, statement, entry or rule, unless it goes on an expression. */
function beginsPart(each: Token): boolean {
  return each.firstOnLine && (isA(each, Name) || each.tokenType === StringToken) && !isA(each, Infix);
}

export function beginsDeclaration(each: Token): boolean {
  return DECLARATIONS.has(each.tokenType) && each.next?.tokenType !== Assign;
}
