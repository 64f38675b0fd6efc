/** Replacing locals by expressions, with the folding that the makers of expressions do. */
import * as make from './expressions.js';
import type { Expression, Statement } from './ir.js';
import { mapBlocks, mapOperands, mapStatementExpressions } from './walk.js';

/** The expression with the local `name` replaced. */
export function substitute(e: Expression, name: string, value: Expression): Expression {
  if (e.kind === 'local') return e.name === name ? value : e;
  const mapped = mapOperands(e, (operand) => substitute(operand, name, value));
  return mapped === e ? e : fold(mapped);
}

/** The statements with the local `name` replaced. */
export function substituteInStatements(
  body: readonly Statement[],
  name: string,
  value: Expression,
): readonly Statement[] {
  return body.map((s) =>
    mapBlocks(
      mapStatementExpressions(s, (e) => substitute(e, name, value)),
      (block) => substituteInStatements(block, name, value),
    ),
  );
}

function fold(e: Expression): Expression {
  if (e.kind === 'select') return make.select(e.condition, e.then, e.else);
  if (e.kind === 'convert') return make.convert(e.type, e.value);
  if (e.kind !== 'binary') return e;
  switch (e.operator) {
    case '+':
      return make.add(e.left, e.right);
    case '-':
      return make.sub(e.left, e.right);
    case '*':
      return make.mul(e.left, e.right);
    case '/':
      return make.div(e.left, e.right);
    case '%':
      return make.mod(e.left, e.right);
    default:
      return e;
  }
}
