import type { ParserMethod } from 'chevrotain';
import type {
  Argument,
  Conditional,
  Expression,
  Field,
  MapEntry,
  Name as NameNode,
  ScanExpression,
  ScanState,
  Statement,
  StringLiteral,
} from '../ast/ast.js';
import type { Span } from '../diagnostics/diagnostic.js';
import { Hole, Infix, Name, token } from '../tokens/vocabulary.js';
import { beginsExpression, type Choice, commas, isString, isWord, optionalCommas } from './base-parser.js';
import { report } from './messages.js';
import { buildOperation, type Part } from './operators.js';
import { TermParser } from './term-parser.js';
import { endOf, type Token } from './token.js';

const Arrow = token('Arrow');
const As = token('As');
const Assign = token('Assign');
const Colon = token('Colon');
const Comma = token('Comma');
const Dot = token('Dot');
const DotDot = token('DotDot');
const Else = token('Else');
const If = token('If');
const In = token('In');
const LeftBrace = token('LeftBrace');
const LeftBracket = token('LeftBracket');
const LeftParen = token('LeftParen');
const Minus = token('Minus');
const Not = token('Not');
const NumberToken = token('Number');
const RightBrace = token('RightBrace');
const RightBracket = token('RightBracket');
const RightParen = token('RightParen');
const Scan = token('Scan');
const Shared = token('Shared');
const State = token('State');
const StringToken = token('String');
const Then = token('Then');

/** `if condition then value else` */
interface Link {
  readonly first: Token;
  readonly condition: Expression;
  readonly then: Expression;
}

/** Rules of expressions, shapes, paths and records. */
export abstract class ExpressionParser extends TermParser {
  /** Statements of a scan's body. */
  protected abstract readonly body: ParserMethod<[], Statement[]>;
  /** Doc comments before a token. */
  protected abstract docBefore(first: Token): { readonly doc?: string };

  /** Expressions around the current one that no brackets delimit. */
  protected level = 0;

  readonly expression: ParserMethod<[], Expression> = this.RULE('expression', (): Expression => {
    const links: Link[] = [];
    this.level++;
    try {
      // Brackets are limited before parsing; `if if if …` needs none.
      this.ACTION(() => this.limit(this.level - 16));
      this.repeat(0, this.isConditional, () => this.link(links));
      const first = this.peek();
      const operation = this.SUBRULE(this.operation);
      const range = this.maybe(1, DotDot, () => this.rangeFrom(first, operation)) ?? operation;
      const arrow = this.maybe(2, Arrow, () => this.arrowFrom(first, range)) ?? range;
      return links.length === 0 ? arrow : this.ACTION(() => this.conditional(links, arrow));
    } finally {
      this.level--;
    }
  });

  /** `if … then … else`. What follows may be the next link of the chain, which needs no recursion however long it is. */
  private link(links: Link[]): void {
    const first = this.CONSUME(If) as Token;
    const condition = this.SUBRULE1(this.expression);
    this.CONSUME(Then);
    const then = this.SUBRULE2(this.expression);
    this.CONSUME(Else);
    this.ACTION(() => links.push({ first, condition, then }));
    this.ACTION(() => this.limit(links.length));
  }

  private conditional(links: readonly Link[], last: Expression): Expression {
    return links.reduceRight((otherwise: Expression, { first, condition, then }): Conditional => {
      return { kind: 'Conditional', span: this.spanFrom(first), condition, then, else: otherwise };
    }, last);
  }

  private rangeFrom(first: Token, start: Expression): Expression {
    this.CONSUME(DotDot);
    const end = this.maybe(3, this.isOperand, () => this.SUBRULE3(this.operation));
    return this.ACTION(() => ({ kind: 'Range', span: this.spanFrom(first), start, ...(end && { end }) }));
  }

  private arrowFrom(first: Token, from: Expression): Expression {
    this.CONSUME(Arrow);
    const operation = this.SUBRULE4(this.operation);
    return this.ACTION(() => ({ kind: 'Arrow', span: this.spanFrom(first), from, to: operation }));
  }

  /** Operands and operators in a row; precedence is applied to the row, so that no depth of recursion depends on it. */
  private readonly operation = this.RULE('operation', (): Expression => {
    const parts: Part[] = [];
    this.prefixes(1, parts);
    const first = this.peek();
    const operand = this.SUBRULE1(this.operand);
    this.ACTION(() => parts.push(this.operandPart(operand, first)));
    this.repeat(0, this.goesOn, () =>
      this.choose(0, 'an operator', [
        { when: As, ALT: () => this.asShape(parts) },
        { when: Infix, ALT: () => this.infix(parts) },
      ]),
    );
    return parts.length === 1 ? operand : this.ACTION(() => this.operationOf(parts));
  });

  private readonly goesOn = () => this.isInfix(1);

  private operandPart(node: Expression, first: Token): Part {
    return { kind: 'operand', node, start: first.startOffset, end: endOf(this.previous) };
  }

  private asShape(parts: Part[]): void {
    this.CONSUME(As);
    const shape = this.SUBRULE(this.shape);
    this.ACTION(() => parts.push({ kind: 'as', shape, end: endOf(this.previous) }));
    this.ACTION(() => this.limit(parts.length));
  }

  private infix(parts: Part[]): void {
    const operator = this.CONSUME(Infix) as Token;
    this.ACTION(() => parts.push({ kind: 'infix', operator }));
    this.ACTION(() => this.limit(parts.length / 2));
    this.prefixes(2, parts);
    const first = this.peek();
    const operand = this.SUBRULE2(this.operand);
    this.ACTION(() => parts.push(this.operandPart(operand, first)));
  }

  private prefixes(index: number, parts: Part[]): void {
    this.repeat(index, this.isPrefix, () => {
      const operator = this.choose(index, 'an operator', [
        { when: Minus, ALT: () => this.consume(index, Minus) },
        { when: Not, ALT: () => this.consume(index, Not) },
      ]);
      this.ACTION(() => parts.push({ kind: 'prefix', operator: operator as Token }));
      this.ACTION(() => this.limit(parts.length / 2));
    });
  }

  private operationOf(parts: readonly Part[]): Expression {
    for (const part of parts) {
      // `..4` goes as far as it can, so in an operation it is a slip.
      if (part.kind !== 'operand' || part.node.kind !== 'Range' || part.node.span.start !== part.start) continue;
      const place = this.span(part.start, part.start + 2);
      const details = { expected: 'an expression', found: '`..`' };
      this.report(report('HYB0301', place, { place: 'before `..`' }, details));
    }
    return buildOperation(parts, this.file, this.text, (each) => this.report(each));
  }

  /** An atom and what is applied to it. */
  private readonly operand = this.RULE('operand', (): Expression => {
    const first = this.peek();
    let applied = 0;
    let node = this.choose<Expression>(0, 'an expression', this.atoms);
    this.repeat(7, this.isApplied, () => {
      const object = node;
      this.ACTION(() => this.limit(++applied));
      node = this.choose<Expression>(1, 'an expression', [
        { when: LeftParen, ALT: () => this.call(object, first) },
        { when: Dot, ALT: () => this.member(object, first) },
        { when: LeftBracket, ALT: () => this.index(object, first) },
      ]);
    });
    return node;
  });

  private readonly isApplied = () => this.nextIs(LeftParen) || this.nextIs(Dot) || this.nextIs(LeftBracket);

  private readonly atoms: readonly Choice<Expression>[] = [
    { when: NumberToken, ALT: () => this.SUBRULE(this.number) },
    { when: () => this.isOperandString(), ALT: () => this.string(0) },
    { when: () => this.isConstant(), ALT: () => this.SUBRULE(this.constant) },
    { when: () => this.isScan(), ALT: () => this.SUBRULE(this.scan) },
    { when: () => this.isShared(), ALT: () => this.SUBRULE(this.shared) },
    { when: () => this.isConditional(), ALT: () => this.SUBRULE(this.misplacedConditional) },
    { when: () => this.isOperandName(1), ALT: () => this.name(0) },
    { when: LeftParen, ALT: () => this.parenthesized() },
    { when: LeftBrace, ALT: () => this.SUBRULE(this.braced) },
    { when: LeftBracket, ALT: () => this.SUBRULE(this.pattern) },
    { when: DotDot, ALT: () => this.rangeTo() },
    { when: Hole, ALT: () => this.hole() },
  ];

  /** A string on its own line before `:` or `=` is the next entry, and the value before it is missing. */
  private isOperandString(): boolean {
    const begins = this.peek().firstOnLine && (this.nextIs(Colon, 2) || this.nextIs(Assign, 2));
    return this.nextIs(StringToken) && !begins;
  }

  private call(callee: Expression, first: Token): Expression {
    const args = this.callArguments();
    return this.ACTION(() => ({ kind: 'Call', span: this.spanFrom(first), callee, arguments: args }));
  }

  private member(object: Expression, first: Token): Expression {
    this.CONSUME(Dot);
    const name = this.name(1);
    return this.ACTION(() => ({ kind: 'Member', span: this.spanFrom(first), object, name }));
  }

  private index(object: Expression, first: Token): Expression {
    const indices: Expression[] = [];
    this.CONSUME(LeftBracket);
    this.list(2, {
      closer: RightBracket,
      separator: commas,
      expected: 'an index',
      begins: beginsExpression,
      part: () => {
        const index = this.SUBRULE2(this.expression);
        this.ACTION(() => indices.push(index));
      },
      failed: (span) => indices.push({ kind: 'ErrorExpression', span }),
    });
    this.CONSUME(RightBracket);
    return this.ACTION(() => ({ kind: 'IndexExpression', span: this.spanFrom(first), object, indices }));
  }

  private rangeTo(): Expression {
    const first = this.CONSUME(DotDot);
    const end = this.maybe(0, this.isOperand, () => this.SUBRULE(this.operation));
    return this.ACTION(() => ({ kind: 'Range', span: this.spanFrom(first), ...(end && { end }) }));
  }

  private hole(): Expression {
    const hole = this.CONSUME(Hole);
    return this.ACTION(() => ({ kind: 'ErrorExpression', span: this.spanOf(hole) }));
  }

  private readonly shared = this.RULE('shared', (): Expression => {
    const words: Token[] = [];
    words.push(this.CONSUME1(Shared) as Token);
    this.repeat(0, this.isShared, () => words.push(this.CONSUME2(Shared) as Token));
    const value = this.SUBRULE(this.operand);
    return this.ACTION(() =>
      words.reduceRight((inner: Expression, word): Expression => {
        return { kind: 'Shared', span: this.spanFrom(word), value: inner };
      }, value),
    );
  });

  /** As an operand a conditional would swallow the rest of the operation, so parentheses must say where it ends. */
  private readonly misplacedConditional = this.RULE('misplacedConditional', (): Expression => {
    const links: Link[] = [];
    do this.link(links);
    while (!this.RECORDING_PHASE && this.isConditional());
    const last = this.SUBRULE(this.operation);
    return this.ACTION(() => {
      const value = this.conditional(links, last);
      const { start, end } = value.span;
      const edits = [
        { span: this.span(start, start), text: '(' },
        { span: this.span(end, end), text: ')' },
      ];
      const fix = { title: 'Add parentheses', edits };
      this.report(report('HYB0303', this.span(start, start + 2), {}, { fixes: [fix] }));
      return value;
    });
  });

  /** `(a)`, and tuples `(a, b)`, `(a,)`. */
  private parenthesized(): Expression {
    const first = this.CONSUME1(LeftParen) as Token;
    const elements: Expression[] = [];
    this.list(3, {
      closer: RightParen,
      separator: commas,
      expected: 'an expression',
      begins: beginsExpression,
      part: () => {
        const element = this.SUBRULE4(this.expression);
        this.ACTION(() => elements.push(element));
      },
      failed: (span) => elements.push({ kind: 'ErrorExpression', span }),
    });
    const comma = this.previous.tokenType === Comma;
    this.CONSUME1(RightParen);
    return this.ACTION(() => this.tuple(elements, comma, this.spanFrom(first)));
  }

  private tuple(elements: readonly Expression[], comma: boolean, span: Span): Expression {
    const [only] = elements;
    if (only === undefined) {
      if (this.previous.virtual !== true && this.findings.clean(span)) this.report(report('HYB0310', span, {}));
      return { kind: 'ErrorExpression', span };
    }
    return elements.length === 1 && !comma ? only : { kind: 'Tuple', span, elements };
  }

  /** A record `{ path = value }` or a map `{ key: value }`. */
  private readonly braced = this.RULE('braced', (): Expression => {
    const first = this.CONSUME(LeftBrace) as Token;
    const fields: Field[] = [];
    const entries: MapEntry[] = [];
    const isMap = this.ACTION(() => this.nextIs(StringToken) || (this.nextIs(Name) && this.nextIs(Colon, 2)));
    if (isMap || this.RECORDING_PHASE) {
      this.list(0, {
        closer: RightBrace,
        separator: commas,
        expected: 'a map entry',
        begins: (each) => isWord(each) || isString(each),
        part: () => {
          const entry = this.SUBRULE(this.mapEntry);
          this.ACTION(() => entries.push(entry));
        },
      });
    }
    if (!isMap) this.fields(1, fields);
    this.CONSUME(RightBrace);
    return this.ACTION((): Expression => {
      const span = this.spanFrom(first);
      return isMap ? { kind: 'MapExpression', span, entries } : { kind: 'RecordExpression', span, fields };
    });
  });

  private fields(index: number, fields: Field[]): void {
    this.list(index, {
      closer: RightBrace,
      separator: optionalCommas,
      expected: 'a field',
      begins: this.beginsItem,
      part: () => {
        const field = this.SUBRULE(this.field);
        this.ACTION(() => fields.push(field));
      },
    });
  }

  private readonly mapEntry = this.RULE('mapEntry', (): MapEntry => {
    const first = this.peek();
    const key = this.choose<NameNode | StringLiteral>(0, 'a name', [
      { when: Name, ALT: () => this.name(0) },
      { when: StringToken, ALT: () => this.string(0) },
    ]);
    this.sign(0, Colon);
    const value = this.value(0);
    return this.ACTION(() => ({ kind: 'MapEntry', span: this.spanFrom(first), key, value }));
  });

  protected readonly field = this.RULE('field', (): Field => {
    const first = this.peek();
    const target = this.SUBRULE(this.path);
    this.sign(0, Assign);
    const value = this.value(0);
    return this.ACTION(() => ({ kind: 'Field', span: this.spanFrom(first), ...this.docBefore(first), target, value }));
  });

  protected callArguments(): Argument[] {
    const args: Argument[] = [];
    this.CONSUME(LeftParen);
    this.list(0, {
      closer: RightParen,
      separator: commas,
      expected: 'an argument',
      begins: beginsExpression,
      part: () => this.argument(args),
      failed: (span) => args.push({ kind: 'Argument', span, value: { kind: 'ErrorExpression', span } }),
    });
    this.CONSUME(RightParen);
    return args;
  }

  private argument(args: Argument[]): void {
    const first = this.peek();
    let name: NameNode | undefined;
    this.maybe(8, this.isNamed, () => {
      name = this.name(2);
      this.sign(0, Assign);
    });
    const value = this.SUBRULE1(this.expression);
    this.ACTION(() => args.push({ kind: 'Argument', span: this.spanFrom(first), ...(name && { name }), value }));
  }

  private readonly isNamed = () => this.nextIs(Name) && (this.nextIs(Assign, 2) || this.nextIs(Colon, 2));

  private readonly scan = this.RULE('scan', (): ScanExpression => {
    const first = this.CONSUME(Scan);
    this.CONSUME(LeftParen);
    const index = this.name(0);
    this.CONSUME(In);
    const over = this.name(1);
    const states: ScanState[] = [];
    this.maybe(0, Comma, () => this.CONSUME1(Comma));
    this.list(0, {
      closer: RightParen,
      separator: commas,
      expected: 'a state',
      begins: (each) => each.tokenType === State,
      part: () => {
        const state = this.SUBRULE(this.scanState);
        this.ACTION(() => states.push(state));
      },
    });
    this.CONSUME(RightParen);
    const body = this.SUBRULE(this.body);
    return this.ACTION(() => ({ kind: 'ScanExpression', span: this.spanFrom(first), index, over, states, body }));
  });

  private readonly scanState = this.RULE('scanState', (): ScanState => {
    const first = this.CONSUME(State);
    const name = this.name(0);
    this.CONSUME(Colon);
    const shape = this.SUBRULE(this.shape);
    this.CONSUME(Assign);
    const initial = this.SUBRULE(this.expression);
    return this.ACTION(() => ({ kind: 'ScanState', span: this.spanFrom(first), name, shape, initial }));
  });

  // Words that begin an expression if what follows fits

  private readonly isConditional = () => this.nextIs(If) && this.beginsOperand(2);

  private readonly isPrefix = () => this.nextIs(Minus) || (this.nextIs(Not) && this.beginsOperand(2));

  private readonly isShared = () => this.nextIs(Shared) && this.nextIs(Name, 2) && this.beginsOperand(2);

  private readonly isOperand = () => this.canBeginExpression(1) && !this.nextIs(DotDot);

  /** An index or member of a name is likelier than a keyword before `[`, and a keyword has its operand in sight. */
  private beginsOperand(distance: number): boolean {
    if (this.nextIs(LeftBracket, distance) || this.nextIs(DotDot, distance)) return false;
    if (!this.canBeginExpression(distance)) return false;
    if (!this.nextIs(Name, distance)) return true;
    // A name before `=` on its own line begins the next field; on the same line `=` is a slip for `==`.
    const begins = this.peek(distance).firstOnLine && this.nextIs(Assign, distance + 1);
    return !this.isInfix(distance) && !begins;
  }

  /** A call of a function with the name `scan` has neither `in` nor a body. */
  private isScan(): boolean {
    const open = this.peek(2);
    if (!this.nextIs(Scan) || open.tokenType !== LeftParen) return false;
    return this.nextIs(In, 4) || open.match?.next?.tokenType === LeftBrace;
  }
}
