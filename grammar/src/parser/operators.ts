import type { BinaryOperator, Expression, Shape } from '../ast/ast.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { report } from './messages.js';
import { endOf, type Token } from './token.js';

/** An operation as it stands in the file: operands (with the parentheses around them) and operators in a row. */
export type Part =
  | { readonly kind: 'operand'; readonly node: Expression; readonly start: number; readonly end: number }
  | { readonly kind: 'prefix'; readonly operator: Token }
  | { readonly kind: 'infix'; readonly operator: Token }
  | { readonly kind: 'as'; readonly shape: Shape; readonly end: number };

/** How tightly infix operators bind; the same numbers serve the formatter. */
export const PRECEDENCE: Readonly<Record<BinaryOperator | 'as', number>> = {
  or: 1,
  and: 2,
  ...{ '==': 4, '!=': 4, '<': 4, '<=': 4, '>': 4, '>=': 4 },
  as: 5,
  ...{ '+': 6, '-': 6 },
  ...{ '*': 7, '/': 7, '//': 7, '%': 7 },
  '**': 9,
};
export const PREFIX_PRECEDENCE = { not: 3, '-': 8 } as const;
const COMPARISON = PRECEDENCE['=='];

/** `div` is the spelling of `//` in files, where `//` begins a comment. */
function infixOf(operator: Token): BinaryOperator {
  const word = operator.tokenType.PATTERN as string;
  return word === 'div' ? '//' : (word as BinaryOperator);
}

interface Operand {
  readonly node: Expression;
  readonly start: number;
  readonly end: number;
}
type Pending =
  | { readonly kind: 'infix'; readonly token: Token; readonly operator: BinaryOperator; readonly precedence: number }
  | { readonly kind: 'prefix'; readonly token: Token; readonly operator: '-' | 'not'; readonly precedence: number };

/** Applies precedence (shunting-yard, so that chains of any length need no recursion). */
export function buildOperation(
  parts: readonly Part[],
  file: string,
  text: string,
  add: (diagnostic: Diagnostic) => void,
): Expression {
  const operands: Operand[] = [];
  const pending: Pending[] = [];

  const reduce = () => {
    const top = pending.pop()!;
    const right = operands.pop()!;
    if (top.kind === 'prefix') {
      const span = { file, start: top.token.startOffset, end: right.end };
      const below = pending.at(-1);
      // `2 ** -x` is clear, `2 * not x` is not.
      if (top.operator === 'not' && below !== undefined && below.precedence > top.precedence) {
        const edits = [
          { span: { file, start: span.start, end: span.start }, text: '(' },
          { span: { file, start: span.end, end: span.end }, text: ')' },
        ];
        const place = { ...span, end: endOf(top.token) };
        add(report('HYB0304', place, {}, { fixes: [{ title: 'Add parentheses', edits }] }));
      }
      const node: Expression = { kind: 'Unary', span, operator: top.operator, operand: right.node };
      operands.push({ node, start: span.start, end: span.end });
      return;
    }
    const left = operands.pop()!;
    const span = { file, start: left.start, end: right.end };
    const node: Expression = { kind: 'Binary', span, operator: top.operator, left: left.node, right: right.node };
    operands.push({ node, start: left.start, end: right.end });
  };

  for (const part of parts) {
    switch (part.kind) {
      case 'operand':
        operands.push(part);
        break;
      case 'prefix': {
        const operator = part.operator.tokenType.PATTERN as '-' | 'not';
        pending.push({ kind: 'prefix', token: part.operator, operator, precedence: PREFIX_PRECEDENCE[operator] });
        break;
      }
      case 'infix': {
        const operator = infixOf(part.operator);
        const precedence = PRECEDENCE[operator];
        const binds = (top: Pending) =>
          top.precedence > precedence || (top.precedence === precedence && operator !== '**');
        for (let top = pending.at(-1); top !== undefined && binds(top); top = pending.at(-1)) {
          const chained = precedence === COMPARISON && top.precedence === COMPARISON;
          if (chained) add(chainedComparison(part.operator, top.token, operands.at(-1)!, file, text));
          reduce();
        }
        pending.push({ kind: 'infix', token: part.operator, operator, precedence });
        break;
      }
      case 'as': {
        for (let top = pending.at(-1); top !== undefined && top.precedence >= PRECEDENCE.as; top = pending.at(-1)) {
          reduce();
        }
        const value = operands.pop()!;
        const span = { file, start: value.start, end: part.end };
        const node: Expression = { kind: 'AsExpression', span, value: value.node, shape: part.shape };
        operands.push({ node, start: value.start, end: part.end });
      }
    }
  }
  while (pending.length > 0) reduce();
  return operands[0]!.node;
}

function chainedComparison(second: Token, first: Token, middle: Operand, file: string, text: string): Diagnostic {
  const operand = text.slice(middle.start, middle.end);
  const place = { file, start: second.startOffset, end: endOf(second) };
  const before = { ...place, end: place.start };
  const fix = { title: 'Compare twice', edits: [{ span: before, text: `and ${operand} ` }] };
  return report(
    'HYB0302',
    place,
    {},
    {
      related: [{ span: { file, start: first.startOffset, end: endOf(first) }, message: 'the first comparison' }],
      fixes: operand.length <= 40 && !operand.includes('\n') ? [fix] : [],
    },
  );
}
