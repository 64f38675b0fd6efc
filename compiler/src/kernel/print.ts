/** Kernels as compact text, for `--print kernels` and for tests. The text depends on the kernel alone. */
import type { BinaryOperator, Expression, Kernel, Statement } from './ir.js';

/** One kernel, declarations first. */
export function printKernel(kernel: Kernel): string {
  const size = kernel.workgroupSize.join('×');
  const requires = kernel.requires.length > 0 ? ` requires ${kernel.requires.join(', ')}` : '';
  return [
    `kernel ${kernel.name} [${size}]${kernel.folds ? ` folds ${kernel.folds}` : ''}${requires}`,
    ...oneLine(kernel.doc, '  '),
    ...kernel.constants.map((c) => `  tile ${c.name} = ${c.value}${c.choices ? ` of ${c.choices.join(' ')}` : ''}`),
    ...kernel.buffers.map((b) => `  ${b.access === 'read' ? 'in ' : 'out'} ${b.name}: ${b.element}${note(b.doc)}`),
    ...kernel.uniforms.map((u) => `  uniform ${u.name}: ${u.type}${note(u.doc)}`),
    ...kernel.shared.map((s) => `  shared ${s.name}: ${s.element}[${printExpression(s.length)}]`),
    ...printBody(kernel.body, '  '),
    '',
  ].join('\n');
}

const flat = (text: string): string => text.replace(/\s+/g, ' ').trim();
const note = (doc: string): string => (flat(doc) === '' ? '' : `  # ${flat(doc)}`);
const oneLine = (doc: string, pad: string): readonly string[] => (flat(doc) === '' ? [] : [`${pad}# ${flat(doc)}`]);

function printBody(body: readonly Statement[], pad: string): readonly string[] {
  return body.flatMap((s) => printStatement(s, pad));
}

function printStatement(s: Statement, pad: string): readonly string[] {
  switch (s.kind) {
    case 'comment':
      return [`${pad}# ${flat(s.text)}`];
    case 'let':
      return [`${pad}let ${s.name}: ${s.value.type} = ${printExpression(s.value)}`];
    case 'var':
      return [`${pad}var ${s.name}: ${s.type}${s.initial ? ` = ${printExpression(s.initial)}` : ''}`];
    case 'array': {
      const initial = s.initial ? ` = ${printExpression(s.initial)}` : '';
      return [`${pad}var ${s.name}: ${s.element}[${printExpression(s.length)}]${initial}`];
    }
    case 'assign':
      return [`${pad}${s.name}${component(s.component)} = ${printExpression(s.value)}`];
    case 'set_element':
    case 'store_shared':
      return [`${pad}${s.array}[${printExpression(s.index)}] = ${printExpression(s.value)}`];
    case 'store':
      return [`${pad}${s.buffer}[${printExpression(s.index)}]${component(s.component)} = ${printExpression(s.value)}`];
    case 'for': {
      const step = s.step.kind === 'literal' && s.step.value === 1 ? '' : ` by ${printExpression(s.step)}`;
      const head = `for ${s.name} in ${printExpression(s.from)} .. ${printExpression(s.to)}${step}${s.unroll ? ' unrolled' : ''}`;
      return [`${pad}${head}`, ...printBody(s.body, `${pad}  `)];
    }
    case 'if':
      return [
        `${pad}if ${printExpression(s.condition)}`,
        ...printBody(s.then, `${pad}  `),
        ...(s.else ? [`${pad}else`, ...printBody(s.else, `${pad}  `)] : []),
      ];
    case 'barrier':
      return [`${pad}barrier${s.storage ? ' storage' : ''}`];
  }
}

const component = (index: number | undefined): string => (index === undefined ? '' : `.${'xyzw'[index]}`);

/** Binding strength, as in C; only for reading. */
const STRENGTH: Readonly<Record<BinaryOperator, number>> = {
  '||': 1,
  '&&': 2,
  '|': 3,
  '^': 4,
  '&': 5,
  '==': 6,
  '!=': 6,
  '<': 7,
  '<=': 7,
  '>': 7,
  '>=': 7,
  '<<': 8,
  '>>': 8,
  '+': 9,
  '-': 9,
  '*': 10,
  '/': 10,
  '%': 10,
};

export function printExpression(e: Expression, strength = 0): string {
  switch (e.kind) {
    case 'literal':
      return e.type === 'bool' ? String(e.value !== 0) : printNumber(e.type, e.value);
    case 'local':
    case 'uniform':
    case 'constant':
      return e.name;
    case 'builtin':
      return `@${e.name}`;
    case 'unary':
      return `${e.operator}${printExpression(e.operand, 11)}`;
    case 'binary': {
      const own = STRENGTH[e.operator];
      const text = `${printExpression(e.left, own)} ${e.operator} ${printExpression(e.right, own + 1)}`;
      return own < strength ? `(${text})` : text;
    }
    case 'call':
      return `${e.fn}(${list(e.arguments)})`;
    case 'select':
      return `select(${printExpression(e.condition)} ? ${printExpression(e.then)} : ${printExpression(e.else)})`;
    case 'convert':
      return `${e.type}(${printExpression(e.value)})`;
    case 'bitcast':
      return `bits ${e.type}(${printExpression(e.value)})`;
    case 'vector':
      return `${e.type}(${list(e.components)})`;
    case 'component':
      return `${printExpression(e.value, 11)}${component(e.index)}`;
    case 'load':
    case 'load_weights':
      return `${e.buffer}[${printExpression(e.index)}]`;
    case 'load_shared':
    case 'element':
      return `${e.array}[${printExpression(e.index)}]`;
    case 'subgroup':
      return `subgroup_${e.operation}(${printExpression(e.value)}${e.argument === undefined ? '' : `, ${e.argument}`})`;
  }
}

const list = (expressions: readonly Expression[]): string => expressions.map((e) => printExpression(e)).join(', ');

/** Floats always have a point or an exponent, so that types can be told apart. */
function printNumber(type: 'f32' | 'f16' | 'u32' | 'i32', value: number): string {
  if (type === 'u32' || type === 'i32') return `${value}${type === 'i32' ? 'i' : ''}`;
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
