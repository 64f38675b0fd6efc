/** Sample sizes, and their change where a block requires something of them. */
import type { BlockDeclaration, Expression, FunctionDeclaration, ShapeDim } from '@hyb/grammar';

export type Sizes = ReadonlyMap<string, number>;

/** Different primes: a product or sum of sizes equals another only if the two are the same by algebra. */
const PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
];

/** Sizes are even, and multiples of small powers of two: rotary pairs and halves need no requirement. */
const GRAIN = 16;

/** A size for each whole-number parameter, each free name of the inputs, `width`, and `rest` for what `...` matches. */
export function sampleSizes(declaration: BlockDeclaration | FunctionDeclaration): Sizes {
  const names = ['width', 'rest'];
  if (declaration.kind === 'BlockDeclaration') {
    for (const { name, type, default: fallback } of declaration.parameters) {
      const whole = type === undefined ? isWhole(fallback) : type.text === 'int' && fallback?.kind !== 'NoneLiteral';
      if (whole) names.push(name.text);
    }
  }
  const values = declaration.kind === 'BlockDeclaration' ? declaration.parameters.map((p) => p.name.text) : [];
  for (const input of declaration.inputs) {
    for (const written of input.shape?.dims ?? []) {
      const name = freeName(written);
      if (name !== undefined && !values.includes(name)) names.push(name);
    }
  }
  const sizes = new Map<string, number>();
  for (const name of names) {
    if (!sizes.has(name)) sizes.set(name, GRAIN * (PRIMES[sizes.size] ?? 127 + 2 * sizes.size));
  }
  return sizes;
}

function isWhole(expression: Expression | undefined): boolean {
  return (
    expression?.kind === 'NumberLiteral' && Number.isSafeInteger(expression.value) && !expression.raw.includes('.')
  );
}

function freeName(written: ShapeDim): string | undefined {
  return written.kind === 'Name' && written.text !== 'time' ? written.text : undefined;
}

/**
 * Other sizes that may meet a requirement: a divisor is made a factor of what it must divide, and of two that are compared
 * the one grows. Undefined where the requirement speaks of nothing that was sampled.
 */
export function repair(sizes: Sizes, condition: Expression, attempt: number): Sizes | undefined {
  const names = [...new Set(namesIn(condition))].filter((name) => sizes.has(name));
  const changes: ((next: Map<string, number>) => void)[] = [];
  for (const [a, b] of remaindersIn(condition)) {
    if (sizes.has(a)) changes.push((next) => next.set(a, sizes.get(a)! * (sizes.get(b) ?? 1)));
  }
  for (const a of names) {
    for (const b of names) {
      if (a !== b) changes.push((next) => next.set(a, sizes.get(a)! * sizes.get(b)!));
    }
  }
  for (const a of names) changes.push((next) => next.set(a, sizes.get(a)! * 4));
  for (const a of names) changes.push((next) => next.set(a, 1));
  const change = changes[attempt % Math.max(changes.length, 1)];
  if (change === undefined) return undefined;
  const next = new Map(sizes);
  change(next);
  return [...next.values()].every((size) => size < 2 ** 24) ? next : undefined;
}

/** `a % b` with both names: a must become a multiple of b. */
function remaindersIn(expression: Expression): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  visit(expression, (each) => {
    if (each.kind === 'Binary' && each.operator === '%' && each.left.kind === 'Name' && each.right.kind === 'Name') {
      found.push([each.left.text, each.right.text]);
    }
  });
  return found;
}

function namesIn(expression: Expression): string[] {
  const names: string[] = [];
  visit(expression, (each) => {
    if (each.kind === 'Name') names.push(each.text);
  });
  return names;
}

function visit(expression: Expression, look: (expression: Expression) => void): void {
  look(expression);
  switch (expression.kind) {
    case 'Binary':
      visit(expression.left, look);
      visit(expression.right, look);
      return;
    case 'Unary':
      visit(expression.operand, look);
      return;
    case 'Conditional':
      visit(expression.condition, look);
      visit(expression.then, look);
      visit(expression.else, look);
      return;
    case 'Call':
      for (const argument of expression.arguments) visit(argument.value, look);
      return;
    default:
  }
}
