import type { ParserMethod, TokenType } from 'chevrotain';
import type { Attribute, Expression, Name as NameNode, Shape, Statement } from '../ast/ast.js';
import { Name, token } from '../tokens/vocabulary.js';
import { commas, isWord, semicolons } from './base-parser.js';
import { ExpressionParser } from './expression-parser.js';
import type { Token } from './token.js';

const Arrow = token('Arrow');
const Assign = token('Assign');
const At = token('At');
const Comma = token('Comma');
const Dim = token('Dim');
const LeftBrace = token('LeftBrace');
const LeftBracket = token('LeftBracket');
const LeftParen = token('LeftParen');
const Let = token('Let');
const Param = token('Param');
const Require = token('Require');
const Return = token('Return');
const RightBrace = token('RightBrace');
const RightParen = token('RightParen');
const Slot = token('Slot');
const StringToken = token('String');
const When = token('When');
const Yield = token('Yield');

/** Rules of statements. */
export abstract class StatementParser extends ExpressionParser {
  protected readonly body: ParserMethod<[], Statement[]> = this.RULE('body', (): Statement[] => {
    const statements: Statement[] = [];
    this.CONSUME(LeftBrace);
    this.list(0, {
      closer: RightBrace,
      separator: semicolons,
      expected: 'a statement',
      begins: this.beginsItem,
      part: () => {
        const statement = this.SUBRULE(this.statement);
        this.ACTION(() => statements.push(statement));
      },
    });
    this.CONSUME(RightBrace);
    return statements;
  });

  private readonly statement = this.RULE('statement', (): Statement => {
    return this.choose<Statement>(0, 'a statement', [
      { when: () => this.isStatement(Param), ALT: () => this.SUBRULE(this.param) },
      { when: () => this.isStatement(Dim), ALT: () => this.SUBRULE(this.dim) },
      { when: () => this.isStatement(Slot), ALT: () => this.SUBRULE(this.slot) },
      { when: () => this.isStatement(Let), ALT: () => this.SUBRULE(this.let) },
      { when: () => this.isStatement(Require), ALT: () => this.SUBRULE(this.require) },
      { when: () => this.isStatement(Return), ALT: () => this.SUBRULE(this.return) },
      { when: () => this.isStatement(Yield), ALT: () => this.SUBRULE(this.yield) },
      { when: () => this.nextIs(Assign, 2), ALT: () => this.SUBRULE(this.assign) },
    ]);
  });

  /** `state = …` gives a state of this name its next value, whatever the word means elsewhere. */
  private isStatement(keyword: TokenType): boolean {
    return this.nextIs(keyword) && !this.nextIs(Assign, 2);
  }

  private readonly param = this.RULE('param', (): Statement => {
    const first = this.CONSUME(Param) as Token;
    const name = this.name(0);
    this.ACTION(() => {
      if (this.nextIs(LeftBracket)) throw this.unexpected('`:`');
    });
    const shape = this.shapeAfterColon();
    const value = this.valueAfterAssign();
    const isCondition = () => this.nextIs(When) && !this.nextIs(Assign, 2);
    const condition = this.maybe(1, isCondition, () => {
      this.CONSUME(When);
      return this.value(2);
    });
    const attributes: Attribute[] = [];
    this.repeat(2, At, () => {
      const attribute = this.SUBRULE(this.attribute);
      this.ACTION(() => attributes.push(attribute));
    });
    return this.ACTION(() => ({
      kind: 'ParamStatement',
      span: this.spanFrom(first),
      ...this.docBefore(first),
      name,
      ...(shape && { shape }),
      ...(value && { value }),
      ...(condition && { condition }),
      attributes,
    }));
  });

  private readonly attribute = this.RULE('attribute', (): Attribute => {
    const first = this.CONSUME(At);
    const name = this.name(0);
    const args = this.maybe(1, LeftParen, () => this.callArguments());
    return this.ACTION(() => ({ kind: 'Attribute', span: this.spanFrom(first), name, arguments: args ?? [] }));
  });

  private readonly dim = this.RULE('dim', (): Statement => {
    const first = this.CONSUME(Dim);
    const name = this.name(0);
    this.CONSUME(Assign);
    const value = this.value(0);
    return this.ACTION(() => ({ kind: 'DimStatement', span: this.spanFrom(first), name, value }));
  });

  private readonly slot = this.RULE('slot', (): Statement => {
    const first = this.CONSUME(Slot) as Token;
    const name = this.name(0);
    const value = this.valueAfterAssign();
    return this.ACTION(() => ({
      kind: 'SlotStatement',
      span: this.spanFrom(first),
      ...this.docBefore(first),
      name,
      ...(value && { default: value }),
    }));
  });

  protected valueAfterAssign(): Expression | undefined {
    return this.maybe(5, Assign, () => {
      this.CONSUME(Assign);
      return this.value(0);
    });
  }

  private readonly let = this.RULE('let', (): Statement => {
    const first = this.CONSUME(Let);
    const names: NameNode[] = [];
    this.choose(0, 'a name', [
      {
        when: Name,
        ALT: () => {
          const name = this.name(0);
          this.ACTION(() => names.push(name));
        },
      },
      { when: LeftParen, ALT: () => this.nameTuple(names) },
    ]);
    this.CONSUME(Assign);
    const value = this.value(0);
    return this.ACTION(() => ({ kind: 'LetStatement', span: this.spanFrom(first), names, value }));
  });

  private nameTuple(names: NameNode[]): void {
    this.CONSUME(LeftParen);
    this.list(0, {
      closer: RightParen,
      separator: commas,
      expected: 'a name',
      begins: isWord,
      part: () => {
        const name = this.name(1);
        this.ACTION(() => names.push(name));
      },
    });
    this.CONSUME(RightParen);
  }

  private readonly require = this.RULE('require', (): Statement => {
    const first = this.CONSUME(Require);
    const condition = this.value(0);
    this.ACTION(() => {
      if (this.nextIs(Assign)) throw this.unexpected('`==`');
    });
    const hasMessage = () => this.nextIs(Comma) || this.nextIs(StringToken);
    const message = this.maybe(0, hasMessage, () => {
      if (this.RECORDING_PHASE || this.nextIs(Comma)) this.CONSUME(Comma);
      else this.reportComma();
      return this.string(0);
    });
    return this.ACTION(() => ({
      kind: 'RequireStatement',
      span: this.spanFrom(first),
      condition,
      ...(message && { message }),
    }));
  });

  private readonly return = this.RULE('return', (): Statement => {
    const first = this.CONSUME(Return);
    const value = this.value(0);
    return this.ACTION(() => ({ kind: 'ReturnStatement', span: this.spanFrom(first), value }));
  });

  private readonly yield = this.RULE('yield', (): Statement => {
    const first = this.CONSUME(Yield);
    const value = this.value(0);
    return this.ACTION(() => ({ kind: 'YieldStatement', span: this.spanFrom(first), value }));
  });

  private readonly assign = this.RULE('assign', (): Statement => {
    const first = this.peek();
    const name = this.name(0);
    this.CONSUME(Assign);
    const value = this.value(0);
    return this.ACTION(() => ({ kind: 'AssignStatement', span: this.spanFrom(first), name, value }));
  });

  /** `= value` or `{ statements }` of a function. */
  protected functionBody(): Statement[] {
    return this.choose<Statement[]>(0, '`=` or `{`', [
      {
        when: Assign,
        ALT: () => {
          this.CONSUME(Assign);
          const value = this.value(0);
          return this.ACTION(() => [{ kind: 'ReturnStatement', span: value.span, value }]);
        },
      },
      { when: LeftBrace, ALT: () => this.SUBRULE(this.body) },
    ]);
  }

  /** `-> [time, width]` */
  protected resultShape(): Shape | undefined {
    return this.maybe(0, Arrow, () => {
      this.CONSUME(Arrow);
      return this.SUBRULE(this.shape);
    });
  }
}
