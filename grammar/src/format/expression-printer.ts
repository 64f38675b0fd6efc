import { doc, type Doc } from 'prettier';
import type {
  Argument,
  BinaryOperator,
  Conditional,
  Expression,
  Field,
  Path,
  PatternItem,
  ScanExpression,
  Shape,
} from '../ast/ast.js';
import type { AstNode } from '../ast/walk.js';
import { PRECEDENCE } from '../parser/operators.js';
import { endOf, type Token } from '../parser/token.js';
import { Identifier, token as tokenNamed } from '../tokens/vocabulary.js';
import type { TokenStream } from './token-stream.js';

const NumberToken = tokenNamed('Number');
const { fill, group, hardline, ifBreak, indent, line, softline } = doc.builders;

/** Prints expressions. Everything is printed in the order in which it stands in the file. */
export abstract class ExpressionPrinter {
  constructor(readonly stream: TokenStream) {}

  protected abstract scan(scan: ScanExpression): Doc;
  protected abstract field(field: Field): Doc;

  // Lists

  /** Parts in brackets, with commas: on one line, or each on its own. */
  protected list(gap: Doc | undefined, open: string, parts: readonly (() => Doc)[], close: string, comma = false): Doc {
    const opener = this.stream.take(gap, open);
    const inner: Doc[] = [];
    for (const [index, part] of parts.entries()) {
      inner.push(this.stream.gap(index === 0 ? softline : line), part());
      this.stream.skip(',');
      if (index < parts.length - 1 || comma) inner.push(',');
      else inner.push(ifBreak(','));
    }
    const end = parts.length > 0 || this.stream.commentsPending ? softline : '';
    inner.push(this.stream.dangling());
    return group([opener, indent(inner), this.stream.take(end, close)]);
  }

  /**
   * Items in braces: on one line with separators, or each on its own without. They are on lines of their own if the author
   * began a new line after the brace.
   *
   * @param gap what stands before the brace; by default what has been asked for before
   */
  protected braced<T extends AstNode>(
    gap: Doc | undefined,
    items: readonly T[],
    separator: ',' | ';',
    print: (item: T) => Doc,
    broken = false,
  ): Doc {
    const open = this.stream.take(gap, '{');
    if (items.length === 0 && !this.stream.commentsPending) return [open, this.stream.take('', '}')];
    const shouldBreak = broken || this.stream.startsLine;
    const inner: Doc[] = [];
    for (const [index, item] of items.entries()) {
      inner.push(this.item(item, index === 0 || !shouldBreak ? line : this.stream.lineBreak(), () => print(item)));
      const last = this.stream.previous;
      while (this.stream.skip(',') || this.stream.skip(';'));
      if (index === items.length - 1) continue;
      inner.push(runsOn(last, this.stream.peek(), this.stream.peek(1)) ? separator : ifBreak('', separator));
    }
    inner.push(this.stream.dangling());
    return group([open, indent(inner), this.stream.take(line, '}')], { shouldBreak });
  }

  /** An item, or its text as it is where the author asks for that. */
  protected item(item: AstNode, gap: Doc, print: () => Doc): Doc {
    const wish = this.stream.commentBefore?.text ?? '';
    const before = this.stream.gap(gap);
    const ignored = /^\s*(?:fmt: ignore|prettier-ignore)\s*$/.test(wish);
    return [before, ignored ? this.stream.verbatim(item.span.end) : print()];
  }

  // Expressions

  /** `= value`; what has no brackets to break in goes to the next line if it is long. */
  protected assigned(value: Expression, alone = true): Doc {
    const sign = this.stream.take(' ', '=');
    if (value.kind !== 'Binary' && value.kind !== 'Conditional' && value.kind !== 'AsExpression') {
      return [sign, this.value(value, ' ', alone)];
    }
    const gap = this.stream.gap(line);
    return [sign, group(indent([gap, this.expression(value, alone, true)]))];
  }

  /**
   * A value, of which parentheses around the whole may be dropped.
   *
   * @param alone nothing that could be read as a part of the value follows it
   */
  protected value(value: Expression, gap?: Doc, alone = true): Doc {
    const before = gap === undefined ? '' : this.stream.gap(gap);
    return [before, this.expression(value, alone && value.kind !== 'Range')];
  }

  /**
   * @param whole parentheses around it say nothing
   * @param flush its further lines begin where its first one does
   */
  protected expression(node: Expression, whole = false, flush = false): Doc {
    let written = 0;
    while (isParenthesisBefore(this.stream.peek(written), node)) written++;
    const redundant = whole || isAtom(node, this.stream.peek(written));
    const kept = this.isCommentedInside(written) ? written : Math.min(written, redundant ? 0 : 1);
    for (let i = kept; i < written; i++) this.stream.skip('(');
    const parts: Doc[] = [];
    for (let i = 0; i < kept; i++) parts.push(this.stream.take(undefined, '('));
    const inner = this.bare(node, flush && kept === 0);
    parts.push(kept > 0 ? indent(inner) : inner);
    for (let i = 0; i < kept; i++) parts.push(this.stream.take('', ')'));
    for (let i = kept; i < written; i++) this.stream.skip(')');
    return parts;
  }

  /** Where a comment stands in parentheses could not be said without them. */
  private isCommentedInside(parentheses: number): boolean {
    for (let i = 0; i < parentheses; i++) {
      const { next, match } = this.stream.peek(i)!;
      if (this.stream.hasCommentBefore(next!) || this.stream.hasCommentBefore(match!)) return true;
    }
    return false;
  }

  private bare(node: Expression, flush: boolean): Doc {
    switch (node.kind) {
      case 'Name':
      case 'StringLiteral':
      case 'BooleanLiteral':
      case 'NoneLiteral':
        return this.stream.take();
      case 'NumberLiteral': {
        const number = this.stream.take();
        return node.unit === undefined ? number : [number, this.stream.take(' ')];
      }
      case 'Member':
        return [this.expression(node.object), this.memberDot(), this.stream.take('')];
      case 'Call':
        return [this.expression(node.callee), this.callArguments(node.arguments)];
      case 'IndexExpression':
        return [
          this.expression(node.object),
          this.list(
            '',
            '[',
            node.indices.map((each) => () => this.value(each)),
            ']',
          ),
        ];
      case 'Unary': {
        const operator = this.stream.take();
        return [operator, this.operand(node.operand, node.operator === 'not' ? ' ' : '')];
      }
      case 'Binary':
        return this.rows(this.binary(node.operator, node.left, node.right), flush);
      case 'Conditional':
        return this.rows(this.conditional(node), flush);
      case 'Tuple': {
        const parts = node.elements.map((each) => () => this.value(each));
        return this.list(undefined, '(', parts, ')', node.elements.length === 1);
      }
      case 'RecordExpression':
        return this.record(node.fields);
      case 'MapExpression': {
        const entries = node.entries.map((entry) => () => [
          this.stream.take(),
          this.stream.take('', ':'),
          this.value(entry.value, ' '),
        ]);
        return this.map(entries);
      }
      case 'PatternExpression':
        return this.pattern(node.items, '[', ']');
      case 'ScanExpression':
        return this.scan(node);
      case 'AsExpression':
        return [this.expression(node.value), this.stream.take(' ', 'as'), this.shape(node.shape, ' ')];
      case 'Range': {
        const start = node.start === undefined ? '' : this.expression(node.start);
        const dots = this.stream.take(node.start === undefined ? undefined : '', '..');
        return [start, dots, node.end === undefined ? '' : this.operand(node.end, '')];
      }
      case 'Arrow':
        return [this.expression(node.from), this.stream.take(' ', '->'), this.operand(node.to, ' ')];
      case 'Shared':
        return [this.stream.take(undefined, 'shared'), this.operand(node.value, ' ')];
      case 'ErrorExpression':
        throw new Error('A file with errors cannot be formatted.');
    }
  }

  /** `0 .x` is a member of a number, `0.x` no number at all. */
  private memberDot(): Doc {
    return this.stream.take(this.stream.previous?.tokenType === NumberToken ? ' ' : '', '.');
  }

  private rows(parts: Doc, flush: boolean): Doc {
    return group(flush ? parts : indent(parts));
  }

  private operand(node: Expression, gap: Doc): Doc {
    return [this.stream.gap(gap), this.expression(node)];
  }

  /** Operations of one precedence that go on to the left are one row: they break together. */
  private binary(operator: BinaryOperator, left: Expression, right: Expression): Doc[] {
    const chained =
      left.kind === 'Binary' &&
      PRECEDENCE[left.operator] === PRECEDENCE[operator] &&
      operator !== '**' &&
      !isParenthesisBefore(this.stream.peek(), left);
    const start = chained ? this.binary(left.operator, left.left, left.right) : [this.expression(left)];
    return [...start, this.stream.take(' '), this.operand(right, line)];
  }

  private conditional(node: Conditional): Doc[] {
    const parts: Doc[] = [];
    let link: Expression = node;
    for (;;) {
      const open: Conditional = link;
      parts.push(this.stream.take(undefined, 'if'), this.operand(open.condition, ' '));
      parts.push(this.stream.take(' ', 'then'), indent(this.operand(open.then, ' ')));
      parts.push(this.stream.take(line, 'else'));
      link = open.else;
      if (link.kind !== 'Conditional' || this.stream.isNext('(')) break;
      this.stream.before(' ');
    }
    return [...parts, indent(this.operand(link, ' '))];
  }

  callArguments(args: readonly Argument[]): Doc {
    const parts = args.map((argument) => () => {
      if (argument.name === undefined) return this.value(argument.value);
      return [this.stream.take(), this.assigned(argument.value)];
    });
    const [only] = args;
    const hugged = args.length === 1 && only !== undefined && HUGGED.has(only.value.kind) && !this.isCommented(only);
    if (!hugged || only.name !== undefined) return this.list('', '(', parts, ')');
    const open = this.stream.take('', '(');
    const inner = parts[0]!();
    this.stream.skip(',');
    return [open, inner, this.stream.take('', ')')];
  }

  /** Whether comments stand right before or after an argument, so that it needs lines of its own. */
  private isCommented({ span }: Argument): boolean {
    const { tokens, comments } = this.stream;
    const first = tokens.findIndex((token) => token.startOffset >= span.start);
    const after = tokens.find((token) => token.startOffset >= span.end && token.image !== ',');
    const before = tokens[first - 1];
    const from = before === undefined ? 0 : endOf(before);
    const to = after?.startOffset ?? Infinity;
    return comments.some(
      (each) =>
        (each.span.start >= from && each.span.end <= span.start) ||
        (each.span.start >= span.end && each.span.end <= to),
    );
  }

  private record(fields: readonly Field[]): Doc {
    return this.braced(undefined, fields, ',', (each) => this.field(each));
  }

  private map(entries: readonly (() => Doc)[]): Doc {
    const open = this.stream.take(undefined, '{');
    const shouldBreak = this.stream.startsLine;
    const inner: Doc[] = [];
    for (const [index, entry] of entries.entries()) {
      inner.push(this.stream.gap(line), entry());
      this.stream.skip(',');
      inner.push(index < entries.length - 1 ? ',' : ifBreak(','));
    }
    inner.push(this.stream.dangling());
    return group([open, indent(inner), this.stream.take(line, '}')], { shouldBreak });
  }

  /** Names and groups fill the lines. Commas stay where the author has put them. */
  private pattern(items: readonly PatternItem[], open: string, close: string): Doc {
    const opener = this.stream.take(undefined, open);
    // Which layers stand on a line says how the author sees the pattern.
    const keepsLines = open === '[' && items.length > 0 && this.stream.startsLine;
    const parts: Doc[] = items.length === 0 ? [] : [this.stream.gap(softline)];
    const row: Doc[] = [];
    for (const [index, item] of items.entries()) {
      if (index > 0) row.push(this.stream.gap(keepsLines && this.stream.startsLine ? hardline : line));
      const printed = this.patternItem(item);
      row.push(this.stream.skip(',') && index < items.length - 1 ? [printed, ','] : printed);
      while (this.stream.skip(','));
    }
    const end = items.length > 0 || this.stream.commentsPending ? softline : '';
    parts.push(fill(row), this.stream.dangling());
    return group([opener, indent(parts), this.stream.take(end, close)], { shouldBreak: keepsLines });
  }

  private patternItem(item: PatternItem): Doc {
    switch (item.kind) {
      case 'Name':
        return this.stream.take();
      case 'PatternGroup':
        return this.pattern(item.items, '(', ')');
      case 'PatternRepeat':
        return [this.patternItem(item.item), this.stream.take('', '*'), this.stream.take('')];
    }
  }

  // Paths and shapes

  protected path(path: Path): Doc {
    const parts: Doc[] = [this.stream.take()];
    for (const step of path.steps) {
      if (step.kind === 'PathMember') parts.push(this.stream.take('', '.'), this.stream.take(''));
      else parts.push(this.stream.take('', '['), this.value(step.index, ''), this.stream.take('', ']'));
    }
    return parts;
  }

  protected shape(shape: Shape, gap: Doc): Doc {
    const dims = shape.dims.map((dim) => () => {
      if (dim.kind === 'Ellipsis' || dim.kind === 'Wildcard') return this.stream.take();
      return this.value(dim);
    });
    return this.list(gap, '[', dims, ']');
  }

  protected shapeAfterColon(shape: Shape): Doc {
    return [this.stream.take('', ':'), this.shape(shape, ' ')];
  }
}

/** Alone in parentheses, these keep their own brackets next to them. */
const HUGGED: ReadonlySet<Expression['kind']> = new Set([
  'RecordExpression',
  'MapExpression',
  'PatternExpression',
  'Tuple',
  'Call',
]);

function isParenthesisBefore(token: Token | undefined, node: AstNode): boolean {
  return token?.image === '(' && token.startOffset < node.span.start;
}

/** Whether parentheses around a node say nothing, whatever stands around them. */
function isAtom(node: Expression, first: Token | undefined): boolean {
  switch (node.kind) {
    case 'Name':
    case 'Member':
    case 'Call':
    case 'IndexExpression':
      // Other words could become keywords, and `not [` is an index of a name.
      return first?.tokenType === Identifier || first?.image === '(';
    case 'StringLiteral':
    case 'Tuple':
      return true;
    default:
      return false;
  }
}

/** Words that go on with what follows them, which may stand on the next line. */
const PREFIXES = new Set(['..', 'if', 'not', 'shared', 'scan', '->']);
const INFIXES = new Set(['and', 'or', 'div', 'as', 'when']);

/** Whether the next item would be read as a part of the one before it if no separator stood between them. */
function runsOn(last: Token | undefined, next: Token | undefined, after: Token | undefined): boolean {
  if (last !== undefined && PREFIXES.has(last.image)) return true;
  return next !== undefined && INFIXES.has(next.image) && after?.image !== '=';
}
