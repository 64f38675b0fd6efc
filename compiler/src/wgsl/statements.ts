/** Statements as WGSL text. */
import type { ConstantValues } from '../kernel/constants.js';
import { evaluateConstant } from '../kernel/constants.js';
import { isLiteral } from '../kernel/expressions.js';
import type { Expression, Statement } from '../kernel/ir.js';
import { declares } from '../kernel/substitute.js';
import { unrolledCopies } from '../kernel/unroll.js';
import type { ExpressionPrinter } from './expressions.js';
import { commentLines } from './comments.js';

const INDENT = '  ';
const COMPONENTS = ['x', 'y', 'z', 'w'] as const;
/** Arrays up to this length are initialised in their declaration. */
const SHORT_ARRAY = 8;

export interface StatementContext {
  readonly expressions: ExpressionPrinter;
  readonly nameOf: (name: string) => string;
  /** Tile constants whose values unrolling may use. */
  readonly constants: ConstantValues;
}

/** Lines of a list of statements, indented by `depth` levels. */
export function printStatements(
  body: readonly Statement[],
  context: StatementContext,
  depth: number,
): readonly string[] {
  return body.flatMap((s) => printStatement(s, context, depth));
}

function printStatement(s: Statement, context: StatementContext, depth: number): readonly string[] {
  const { expressions: e, nameOf } = context;
  const pad = INDENT.repeat(depth);
  switch (s.kind) {
    case 'comment':
      return commentLines(s.text, `${pad}// `);
    case 'let':
      return [`${pad}let ${nameOf(s.name)} = ${e.alone(s.value)};`];
    case 'var':
      return [
        s.initial ? `${pad}var ${nameOf(s.name)} = ${e.alone(s.initial)};` : `${pad}var ${nameOf(s.name)}: ${s.type};`,
      ];
    case 'array':
      return printArray(s, context, pad);
    case 'assign': {
      const component = s.component === undefined ? '' : `.${COMPONENTS[s.component]}`;
      return [assignment(pad, `${nameOf(s.name)}${component}`, s.value, e)];
    }
    case 'set_element':
    case 'store_shared':
      return [assignment(pad, `${nameOf(s.array)}[${e.index(s.index)}]`, s.value, e)];
    case 'store': {
      const component = s.component === undefined ? '' : `.${COMPONENTS[s.component]}`;
      return [assignment(pad, `${nameOf(s.buffer)}[${e.index(s.index)}]${component}`, s.value, e)];
    }
    case 'for':
      return printFor(s, context, depth);
    case 'if':
      return printIf(s, context, depth);
    case 'barrier':
      return s.storage ? [`${pad}storageBarrier();`, `${pad}workgroupBarrier();`] : [`${pad}workgroupBarrier();`];
  }
}

/** `x += y` where the value is the place itself and something more. */
function assignment(pad: string, place: string, value: Expression, e: ExpressionPrinter): string {
  if (value.kind === 'binary' && COMPOUND.has(value.operator) && value.left.type === value.type) {
    const left = value.left.kind;
    const reads =
      left === 'local' || left === 'component' || left === 'load' || left === 'load_shared' || left === 'element';
    if (reads && e.assigned(value.left) === place) return `${pad}${place} ${value.operator}= ${e.operandText(value)};`;
  }
  return `${pad}${place} = ${e.assigned(value)};`;
}
const COMPOUND: ReadonlySet<string> = new Set(['+', '-', '*', '/']);

function printArray(s: Statement & { kind: 'array' }, context: StatementContext, pad: string): readonly string[] {
  const { expressions: e, nameOf, constants } = context;
  const name = nameOf(s.name);
  const type = `array<${s.element}, ${e.length(s.length)}>`;
  // WGSL's variables start as zero.
  if (!s.initial || isZero(s.initial)) return [`${pad}var ${name}: ${type};`];
  const length = evaluateConstant(s.length, constants);
  const initial = e.alone(s.initial);
  if (length !== undefined && length <= SHORT_ARRAY && s.length.kind === 'literal') {
    return [`${pad}var ${name} = ${type}(${Array.from({ length }, () => initial).join(', ')});`];
  }
  const index = `${name}_at`;
  return [
    `${pad}var ${name}: ${type};`,
    `${pad}for (var ${index} = 0u; ${index} < ${e.assigned(s.length)}; ${index}++) {`,
    `${pad}${INDENT}${name}[${index}] = ${initial};`,
    `${pad}}`,
  ];
}

function isZero(e: Expression): boolean {
  if (e.kind === 'literal') return e.value === 0 && !Object.is(e.value, -0);
  return e.kind === 'vector' && e.components.every(isZero);
}

function printFor(s: Statement & { kind: 'for' }, context: StatementContext, depth: number): readonly string[] {
  const { expressions: e, nameOf, constants } = context;
  const pad = INDENT.repeat(depth);
  const copies = unrolledCopies(s, constants);
  if (copies) {
    return copies.flatMap((copy) => {
      if (!declares(copy)) return printStatements(copy, context, depth);
      return [`${pad}{`, ...printStatements(copy, context, depth + 1), `${pad}}`];
    });
  }
  const name = nameOf(s.name);
  const increment = s.step.kind === 'literal' && s.step.value === 1 ? `${name}++` : `${name} += ${e.assigned(s.step)}`;
  return [
    `${pad}for (var ${name} = ${e.alone(s.from)}; ${name} < ${e.bound(s.to)}; ${increment}) {`,
    ...printStatements(s.body, context, depth + 1),
    `${pad}}`,
  ];
}

function printIf(s: Statement & { kind: 'if' }, context: StatementContext, depth: number): readonly string[] {
  const pad = INDENT.repeat(depth);
  // Left by unrolling: only the scope is needed.
  if (isLiteral(s.condition, 1)) return [`${pad}{`, ...printStatements(s.then, context, depth + 1), `${pad}}`];
  const lines = [
    `${pad}if (${context.expressions.alone(s.condition)}) {`,
    ...printStatements(s.then, context, depth + 1),
  ];
  if (!s.else || s.else.length === 0) return [...lines, `${pad}}`];
  const [only] = s.else;
  if (s.else.length === 1 && only!.kind === 'if') {
    const [first = '', ...rest] = printIf(only, context, depth);
    return [...lines, `${pad}} else ${first.trimStart()}`, ...rest];
  }
  return [...lines, `${pad}} else {`, ...printStatements(s.else, context, depth + 1), `${pad}}`];
}
