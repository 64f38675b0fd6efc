/** Text of dimensions and expressions in messages. */
import type { Expression, Shape, ShapeDim } from '@hyb/grammar';
import type { Dim } from '../../graph/types.js';
import type { GenericSizes } from '../generic/sizes.js';

interface WithSizes {
  readonly generic?: GenericSizes;
}

/** `[time, inner: 8192]`; in a generic check `[time, inner]`, and `inner = 2 * width` where the name alone does not tell. */
export function describeDims(dims: readonly Dim[], unit: WithSizes): string {
  return `[${dims.map((d) => describeDim(d, unit)).join(', ')}]`;
}

/** The same with the sizes that names stand for: `[time, inner = heads * head_dim]`. */
export function describeSizes(dims: readonly Dim[], unit: WithSizes): string {
  const { generic } = unit;
  if (generic === undefined) return describeDims(dims, unit);
  const parts = dims.map((d) => {
    const size = d.extent === 'time' ? d.name : generic.describe(d.extent);
    return size === d.name ? size : `${d.name} = ${size}`;
  });
  return `[${parts.join(', ')}]`;
}

export function describeDim({ name, extent }: Dim, { generic }: WithSizes): string {
  if (extent === 'time' || name === `${extent}`) return name;
  if (generic === undefined) return `${name}: ${extent}`;
  const size = generic.describe(extent);
  return size === name || generic.isNameOf(name, extent) ? name : `${name} = ${size}`;
}

export function describeSize(size: number, { generic }: WithSizes): string {
  return generic?.describe(size) ?? `${size}`;
}

const PRECEDENCE: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  '==': 4,
  '!=': 4,
  '<': 4,
  '<=': 4,
  '>': 4,
  '>=': 4,
  '+': 6,
  '-': 6,
  '*': 7,
  '/': 7,
  '//': 7,
  '%': 7,
  '**': 9,
};

/** A size expression in one line, with as few parentheses as it needs: how anonymous dimensions are called. */
export function printExpression(expression: Expression, outer = 0): string {
  switch (expression.kind) {
    case 'NumberLiteral':
      return `${expression.value}`;
    case 'Name':
      return expression.text;
    case 'Unary': {
      const text = `${expression.operator === 'not' ? 'not ' : '-'}${printExpression(expression.operand, 8)}`;
      return outer > 8 ? `(${text})` : text;
    }
    case 'Binary': {
      const own = PRECEDENCE[expression.operator] ?? 0;
      // In sources `//` begins a comment, and the division of whole numbers is written as a word.
      const operator = expression.operator === '//' ? 'div' : expression.operator;
      const text = `${printExpression(expression.left, own)} ${operator} ${printExpression(expression.right, own + 1)}`;
      return own < outer ? `(${text})` : text;
    }
    case 'Call':
      return `${printExpression(expression.callee, 10)}(${expression.arguments.map((a) => printExpression(a.value)).join(', ')})`;
    case 'Member':
      return `${printExpression(expression.object, 10)}.${expression.name.text}`;
    default:
      return '…';
  }
}

export function printShape(shape: Shape): string {
  return `[${shape.dims.map(printShapeDim).join(', ')}]`;
}

function printShapeDim(dim: ShapeDim): string {
  switch (dim.kind) {
    case 'Ellipsis':
      return '...';
    case 'Wildcard':
      return '_';
    default:
      return printExpression(dim);
  }
}
