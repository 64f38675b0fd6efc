import type { IToken, TokenType } from 'chevrotain';
import type {
  Expression,
  Input,
  Name as NameNode,
  NumberLiteral,
  Path,
  PathStep,
  PatternGroup,
  PatternItem,
  Shape,
  ShapeDim,
} from '../ast/ast.js';
import { units } from '../tokens/token-table.js';
import { Identifier, Name, token } from '../tokens/vocabulary.js';
import { BaseParser, beginsExpression, commas, isWord, never, optionalCommas } from './base-parser.js';
import { closest } from './closest.js';
import { replacing } from './findings.js';
import { report } from './messages.js';
import { numberValue } from './numbers.js';

const Assign = token('Assign');
const Colon = token('Colon');
const Comma = token('Comma');
const Dot = token('Dot');
const Ellipsis = token('Ellipsis');
const False = token('False');
const LeftBracket = token('LeftBracket');
const LeftParen = token('LeftParen');
const None = token('None');
const NumberToken = token('Number');
const RightBracket = token('RightBracket');
const RightParen = token('RightParen');
const Star = token('Star');
const True = token('True');

const NOT_AFTER_UNIT = new Set<TokenType>([Assign, Dot, LeftBracket, Colon]);
const WHOLE = /^\d(?:_?\d)*$/;

/** Rules of what expressions are made of and what holds them only in brackets: numbers, paths, shapes and patterns. */
export abstract class TermParser extends BaseParser {
  protected readonly number = this.RULE('number', (): NumberLiteral => {
    const number = this.CONSUME(NumberToken);
    const unit = this.maybe(
      0,
      () => this.isUnit(),
      () => this.CONSUME(Identifier),
    );
    return this.ACTION(() => {
      if (unit === undefined) this.checkUnit();
      return {
        kind: 'NumberLiteral',
        span: this.spanFrom(number),
        value: numberValue(number.image),
        raw: number.image,
        ...(unit === undefined ? {} : { unit: this.nameOf(unit) }),
      };
    });
  });

  private isUnit(): boolean {
    const unit = this.peek();
    return !unit.firstOnLine && units.has(unit.image) && !NOT_AFTER_UNIT.has(this.peek(2).tokenType);
  }

  /** `6 gb` is a unit in a wrong spelling rather than a missing operator. */
  private checkUnit(): void {
    const word = this.peek();
    if (word.tokenType !== Identifier || word.firstOnLine || NOT_AFTER_UNIT.has(this.peek(2).tokenType)) return;
    const meant = closest(word.image, [...units]);
    if (meant === undefined) return;
    this.SKIP_TOKEN();
    const span = this.spanOf(word);
    const fix = replacing(`Write \`${meant}\``, span, meant);
    const details = { expected: `\`${meant}\``, found: `\`${word.image}\``, fixes: [fix] };
    this.report(report('HYB0306', span, { name: word.image, meant }, details));
  }

  protected readonly constant = this.RULE('constant', (): Expression => {
    const word = this.choose(0, 'an expression', [
      { when: True, ALT: () => this.CONSUME(True) },
      { when: False, ALT: () => this.CONSUME(False) },
      { when: None, ALT: () => this.CONSUME(None) },
    ]);
    return this.ACTION((): Expression => {
      const span = this.spanOf(word);
      if (word.tokenType === None) return { kind: 'NoneLiteral', span };
      return { kind: 'BooleanLiteral', span, value: word.tokenType === True };
    });
  });

  protected isConstant(): boolean {
    const begins = this.peek().firstOnLine && this.nextIs(Assign, 2);
    return !begins && [True, False, None].includes(this.peek().tokenType);
  }

  readonly path = this.RULE('path', (): Path => {
    const first = this.peek();
    const root = this.name(0);
    const steps: PathStep[] = [];
    const isStep = () => this.nextIs(Dot) || this.nextIs(LeftBracket);
    this.repeat(0, isStep, () => {
      const from = this.peek();
      const step = this.choose<PathStep>(0, '`.`', [
        {
          when: Dot,
          ALT: () => {
            this.CONSUME(Dot);
            const name = this.name(1);
            return this.ACTION(() => ({ kind: 'PathMember', span: this.spanFrom(from), name }));
          },
        },
        {
          when: LeftBracket,
          ALT: () => {
            this.CONSUME(LeftBracket);
            const index = this.value(0);
            this.skipToCloser(RightBracket);
            this.CONSUME(RightBracket);
            this.ACTION(() => this.checkIndex(index));
            return this.ACTION(() => ({ kind: 'PathIndex', span: this.spanFrom(from), index }));
          },
        },
      ]);
      this.ACTION(() => steps.push(step));
    });
    return this.ACTION(() => ({ kind: 'Path', span: this.spanFrom(first), root, steps }));
  });

  private checkIndex(index: Expression): void {
    if (isIndex(index) || (index.kind === 'Range' && isIndex(index.start) && isIndex(index.end))) return;
    const expected = 'a whole number or a range such as `0..4`';
    this.report(report('HYB0213', index.span, {}, { expected }));
  }

  protected readonly shape = this.RULE('shape', (): Shape => {
    const dims: ShapeDim[] = [];
    const first = this.CONSUME(LeftBracket);
    this.list(0, {
      closer: RightBracket,
      separator: commas,
      expected: 'a dimension',
      begins: (each) => each.tokenType === Ellipsis || beginsExpression(each),
      part: () => {
        const dim = this.SUBRULE(this.dimension);
        this.ACTION(() => dims.push(dim));
      },
      failed: (span) => dims.push({ kind: 'ErrorExpression', span }),
    });
    this.CONSUME(RightBracket);
    return this.ACTION(() => ({ kind: 'Shape', span: this.spanFrom(first), dims }));
  });

  private readonly dimension = this.RULE('dimension', (): ShapeDim => {
    return this.choose<ShapeDim>(0, 'a dimension', [
      {
        when: Ellipsis,
        ALT: () => {
          const dots = this.CONSUME(Ellipsis);
          return this.ACTION(() => ({ kind: 'Ellipsis', span: this.spanOf(dots) }));
        },
      },
      {
        when: () => this.peek().image === '_' && [Comma, RightBracket].includes(this.peek(2).tokenType),
        ALT: () => {
          const wildcard = this.CONSUME(Identifier);
          return this.ACTION(() => ({ kind: 'Wildcard', span: this.spanOf(wildcard) }));
        },
      },
      { when: () => true, ALT: () => this.SUBRULE(this.expression) },
    ]);
  });

  /** `name` or `name: [shape]`. */
  protected readonly tensorInput = this.RULE('tensorInput', (): Input => {
    const first = this.peek();
    const name = this.name(0);
    const shape = this.shapeAfterColon();
    return this.ACTION(() => ({ kind: 'Input', span: this.spanFrom(first), name, ...(shape && { shape }) }));
  });

  protected shapeAfterColon(): Shape | undefined {
    return this.maybe(4, Colon, () => {
      this.CONSUME(Colon);
      return this.SUBRULE(this.shape);
    });
  }

  protected readonly pattern = this.RULE('pattern', (): Expression => {
    const items: PatternItem[] = [];
    const first = this.CONSUME(LeftBracket);
    this.patternItems(RightBracket, items);
    this.CONSUME(RightBracket);
    return this.ACTION(() => ({ kind: 'PatternExpression', span: this.spanFrom(first), items }));
  });

  private patternItems(closer: TokenType, items: PatternItem[]): void {
    this.list(0, {
      closer,
      separator: optionalCommas,
      expected: 'a layer',
      begins: (each) => isWord(each) || each.tokenType === LeftParen,
      part: () => {
        const item = this.SUBRULE(this.patternItem);
        this.ACTION(() => items.push(item));
      },
      // More of the same is likely to follow, and one message is enough.
      ends: never,
    });
  }

  private readonly patternItem = this.RULE('patternItem', (): PatternItem => {
    const first = this.peek();
    const item = this.choose<NameNode | PatternGroup>(0, 'a layer', [
      { when: Name, ALT: () => this.name(0) },
      { when: LeftParen, ALT: () => this.SUBRULE(this.patternGroup) },
    ]);
    const count = this.maybe(0, Star, () => {
      this.CONSUME(Star);
      return this.CONSUME(NumberToken);
    });
    return this.ACTION(() => {
      if (count === undefined) return item;
      return { kind: 'PatternRepeat', span: this.spanFrom(first), item, count: this.repeatCount(count) };
    });
  });

  private repeatCount(count: IToken): NumberLiteral {
    const { image: raw } = count;
    const span = this.spanOf(count);
    const value = numberValue(raw);
    if (!WHOLE.test(raw) && !Number.isNaN(value)) {
      this.report(report('HYB0402', span, { found: raw }, { expected: 'a whole number', found: `\`${raw}\`` }));
    }
    if (this.nextIs(Star)) {
      const star = this.spanOf(this.peek());
      this.report(report('HYB0405', star, {}));
      while (this.nextIs(Star) || this.nextIs(NumberToken)) this.SKIP_TOKEN();
    }
    return { kind: 'NumberLiteral', span, value, raw };
  }

  private readonly patternGroup = this.RULE('patternGroup', (): PatternGroup => {
    const items: PatternItem[] = [];
    const first = this.CONSUME(LeftParen);
    this.patternItems(RightParen, items);
    this.CONSUME(RightParen);
    return this.ACTION(() => ({ kind: 'PatternGroup', span: this.spanFrom(first), items }));
  });
}

/** A whole number, or a negative one that counts from the end. */
function isIndex(each: Expression | undefined): boolean {
  if (each === undefined || each.kind === 'ErrorExpression') return true;
  if (each.kind === 'Unary')
    return each.operator === '-' && each.operand.kind === 'NumberLiteral' && isIndex(each.operand);
  return each.kind === 'NumberLiteral' && WHOLE.test(each.raw) && each.unit === undefined;
}
