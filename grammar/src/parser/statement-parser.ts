import type { ParserMethod, TokenType } from 'chevrotain';
import type { Attribute, Name as NameNode, Shape, Statement } from '../ast/ast.js';
import { token } from '../tokens/vocabulary.js';
import { commas, isWord, semicolons } from './base-parser.js';
import { ExpressionParser } from './expression-parser.js';
import type { Token } from './token.js';

const Arrow = token('Arrow');
const Assign = token('Assign');
const At = token('At');
const Colon = token('Colon');
const Comma = token('Comma');
const Dim = token('Dim');
const LeftBrace = token('LeftBrace');
const LeftParen = token('LeftParen');
const Let = token('Let');
const Param = token('Param');
const Require = token('Require');
const Return = token('Return');
const RightBrace = token('RightBrace');
const RightParen = token('RightParen');
const Slot = token('Slot');
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
      begins: isWord,
      part: () => {
        const statement = this.SUBRULE(this.statement);
        this.ACTION(() => statements.push(statement));
      },
    });
    this.CONSUME(RightBrace);
    return statements;
  });

  private readonly statement = this.RULE('statement', (): Statement => {
    return this.OR<Statement>({
      DEF: [
        { GATE: () => this.isStatement(Param), ALT: () => this.SUBRULE(this.param) },
        { GATE: () => this.isStatement(Dim), ALT: () => this.SUBRULE(this.dim) },
        { GATE: () => this.isStatement(Slot), ALT: () => this.SUBRULE(this.slot) },
        { GATE: () => this.isStatement(Let), ALT: () => this.SUBRULE(this.let) },
        { GATE: () => this.isStatement(Require), ALT: () => this.SUBRULE(this.require) },
        { GATE: () => this.isStatement(Return), ALT: () => this.SUBRULE(this.return) },
        { GATE: () => this.isStatement(Yield), ALT: () => this.SUBRULE(this.yield) },
        { GATE: () => this.nextIs(Assign, 2), ALT: () => this.SUBRULE(this.assign) },
      ],
      IGNORE_AMBIGUITIES: true,
      ERR_MSG: 'a statement',
    });
  });

  /** `state = …` gives a state of this name its next value, whatever the word means elsewhere. */
  private isStatement(keyword: TokenType): boolean {
    return this.nextIs(keyword) && !this.nextIs(Assign, 2);
  }

  private readonly param = this.RULE('param', (): Statement => {
    const first = this.CONSUME(Param) as Token;
    const name = this.name(0);
    const shape = this.OPTION(() => {
      this.CONSUME(Colon);
      return this.SUBRULE(this.shape);
    });
    const value = this.OPTION2(() => {
      this.CONSUME(Assign);
      return this.value(1);
    });
    const condition = this.OPTION3({
      GATE: () => !this.nextIs(Assign, 2),
      DEF: () => {
        this.CONSUME(When);
        return this.value(2);
      },
    });
    const attributes: Attribute[] = [];
    this.MANY(() => {
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
    const args = this.OPTION(() => this.callArguments());
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
    const value = this.OPTION(() => {
      this.CONSUME(Assign);
      return this.value(0);
    });
    return this.ACTION(() => ({
      kind: 'SlotStatement',
      span: this.spanFrom(first),
      ...this.docBefore(first),
      name,
      ...(value && { default: value }),
    }));
  });

  private readonly let = this.RULE('let', (): Statement => {
    const first = this.CONSUME(Let);
    const names: NameNode[] = [];
    this.OR({
      DEF: [
        {
          ALT: () => {
            const name = this.name(0);
            this.ACTION(() => names.push(name));
          },
        },
        {
          ALT: () => {
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
          },
        },
      ],
      ERR_MSG: 'a name',
    });
    this.CONSUME(Assign);
    const value = this.value(0);
    return this.ACTION(() => ({ kind: 'LetStatement', span: this.spanFrom(first), names, value }));
  });

  private readonly require = this.RULE('require', (): Statement => {
    const first = this.CONSUME(Require);
    const condition = this.value(0);
    const message = this.OPTION(() => {
      this.CONSUME(Comma);
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
    return this.OR<Statement[]>({
      DEF: [
        {
          ALT: () => {
            this.CONSUME(Assign);
            const value = this.value(0);
            return this.ACTION(() => [{ kind: 'ReturnStatement', span: value.span, value }]);
          },
        },
        { ALT: () => this.SUBRULE(this.body) },
      ],
      ERR_MSG: '`=` or `{`',
    });
  }

  /** `-> [time, width]` */
  protected resultShape(): Shape | undefined {
    return this.OPTION(() => {
      this.CONSUME(Arrow);
      return this.SUBRULE(this.shape);
    });
  }
}

