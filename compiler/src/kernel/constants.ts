/** Evaluation of constant expressions: literals, tile constants and integer arithmetic on them. */
import type { Expression, Kernel } from './ir.js';

export type ConstantValues = Readonly<Record<string, number>>;

/** Values of a kernel's tile constants, with overrides. @throws Error on an unknown name. */
export function constantValues(kernel: Kernel, overrides: ConstantValues = {}): ConstantValues {
  const values: Record<string, number> = Object.create(null) as Record<string, number>;
  for (const constant of kernel.constants) values[constant.name] = constant.value;
  for (const [name, value] of Object.entries(overrides)) {
    if (!(name in values)) throw new Error(`kernel ${kernel.name} has no tile constant ${name}`);
    values[name] = value;
  }
  return values;
}

/** The value of an integer expression when it is constant; undefined when it is not, or leaves its type's range. */
export function evaluateConstant(e: Expression, constants: ConstantValues): number | undefined {
  switch (e.kind) {
    case 'literal':
      return e.type === 'u32' || e.type === 'i32' ? e.value : undefined;
    case 'constant':
      return constants[e.name];
    case 'convert': {
      if (e.type !== 'u32' && e.type !== 'i32') return undefined;
      return inRange(evaluateConstant(e.value, constants), e.type);
    }
    case 'binary': {
      if (e.type !== 'u32' && e.type !== 'i32') return undefined;
      const a = evaluateConstant(e.left, constants);
      const b = evaluateConstant(e.right, constants);
      if (a === undefined || b === undefined) return undefined;
      return inRange(integer(e.operator, a, b), e.type);
    }
    case 'call': {
      if (e.fn !== 'min' && e.fn !== 'max') return undefined;
      const values = e.arguments.map((argument) => evaluateConstant(argument, constants));
      if (values.some((v) => v === undefined)) return undefined;
      return e.fn === 'min' ? Math.min(...(values as number[])) : Math.max(...(values as number[]));
    }
    default:
      return undefined;
  }
}

function integer(operator: string, a: number, b: number): number | undefined {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? undefined : Math.trunc(a / b);
    case '%':
      return b === 0 ? undefined : a % b;
    case '<<':
      return b < 32 ? a * 2 ** b : undefined;
    case '>>':
      return b < 32 ? Math.floor(a / 2 ** b) : undefined;
    default:
      return undefined;
  }
}

function inRange(value: number | undefined, type: 'u32' | 'i32'): number | undefined {
  if (value === undefined) return undefined;
  const [low, high] = type === 'u32' ? [0, 0xffffffff] : [-0x80000000, 0x7fffffff];
  return Number.isInteger(value) && value >= low && value <= high ? value : undefined;
}
