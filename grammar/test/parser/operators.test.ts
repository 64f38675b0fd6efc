/** Operators in each other: what stands around what, and where parentheses are asked for. */
import { parse } from '@hyb/grammar';
import type { Expression } from '@hyb/grammar';

/** The expression with all its parentheses, and the codes found. */
function parsed(expression: string): { tree: string; codes: readonly string[] } {
  const { file, diagnostics } = parse(`fn f(a, b) = ${expression}\n`, 'x.hyb');
  const [declaration] = file.declarations;
  const [statement] = declaration?.kind === 'FunctionDeclaration' ? declaration.body : [];
  if (statement?.kind !== 'ReturnStatement') throw new Error('no expression');
  return { tree: grouped(statement.value), codes: diagnostics.map(({ code }) => code) };
}

function grouped(expression: Expression): string {
  switch (expression.kind) {
    case 'Binary':
      return `(${grouped(expression.left)} ${expression.operator} ${grouped(expression.right)})`;
    case 'Unary':
      return `(${expression.operator} ${grouped(expression.operand)})`;
    case 'Name':
      return expression.text;
    case 'NumberLiteral':
      return expression.raw;
    default:
      throw new Error(`no case for ${expression.kind}`);
  }
}

test.each([
  ['a ** -0.5', '(a ** (- 0.5))'],
  ['b * a ** -0.5', '(b * (a ** (- 0.5)))'],
  ['2 ** -1 * 3', '((2 ** (- 1)) * 3)'],
  ['2 ** -a ** 2', '(2 ** (- (a ** 2)))'],
  ['-a ** 2', '(- (a ** 2))'],
  ['b * -a', '(b * (- a))'],
  ['2 ** 3 ** 2', '(2 ** (3 ** 2))'],
])('%s is %s', (written, tree) => {
  expect(parsed(written)).toEqual({ tree, codes: [] });
});

test('`not` after a tighter operator asks for parentheses', () => {
  expect(parsed('a == not b').codes).toEqual(['HYB0304']);
  expect(parsed('a and not b').codes).toEqual([]);
});
