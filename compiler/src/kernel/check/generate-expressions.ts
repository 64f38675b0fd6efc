/**
 * Expressions of the kernel language as JavaScript, one string for each component. All identifiers in the text are made
 * here; names of the kernel never get into it.
 */
import { lanesOf, scalarOf } from '../expressions.js';
import type { BinaryOperator, Expression, ScalarType, ValueType } from '../ir.js';
import type { ConstantValues } from '../constants.js';
import { FLOAT_FUNCTIONS, INTEGER_FUNCTIONS } from './arithmetic.js';
import type { VariableInfo } from './variables.js';

/** A buffer or shared array in the generated code. */
export interface ArrayInfo {
  /** JavaScript name of the typed array; `<id>n` is its length in elements, `<id>s` its shadow and `<id>r` its reach. */
  readonly id: string;
  readonly type: ValueType;
  /** What is kept of its accesses. */
  readonly notes: 'shadow' | 'reach' | false;
}

export const NOTES = { read: 'reach', read_write: 'shadow' } as const;

export interface ExpressionScope {
  readonly variables: ReadonlyMap<string, VariableInfo>;
  readonly buffers: ReadonlyMap<string, ArrayInfo>;
  readonly shared: ReadonlyMap<string, ArrayInfo>;
  /** JavaScript text of each uniform field. */
  readonly uniforms: ReadonlyMap<string, string>;
  readonly constants: ConstantValues;
  readonly workgroupSize: readonly [number, number, number];
}

const ATOM = /^-?[\w.$]+$/;

/** Text that rounds or wraps a JavaScript number to a scalar type. */
export function wrap(type: ScalarType, text: string): string {
  switch (type) {
    case 'f32':
      return `fr(${text})`;
    case 'f16':
      return `h(${text})`;
    case 'u32':
      return `((${text}) >>> 0)`;
    case 'i32':
      return `((${text}) | 0)`;
    case 'bool':
      return text;
  }
}

export class ExpressionGenerator {
  /** Statements that compute temporaries and check accesses, in order. */
  lines: string[] = [];
  /** JavaScript text for the invocation's index; `0` outside regions. */
  invocation = 't';
  site = 0;
  #temporaries = 0;

  constructor(private readonly scope: ExpressionScope) {}

  scalar(e: Expression): string {
    return this.lanes(e)[0]!;
  }

  /** A scalar as something that may be repeated. */
  atom(text: string): string {
    if (ATOM.test(text)) return text;
    const name = this.temporary();
    this.lines.push(`const ${name} = ${text};`);
    return name;
  }

  temporary(): string {
    return `e${this.#temporaries++}`;
  }

  report(kind: string, message: string): string {
    return `report('${kind}', ${this.site}, ${this.invocation}, ${message});`;
  }

  lanes(e: Expression): readonly string[] {
    switch (e.kind) {
      case 'literal':
        return [literal(e.type, e.value)];
      case 'constant':
        return [String(this.scope.constants[e.name])];
      case 'uniform':
        return [known(this.scope.uniforms, e.name)];
      case 'builtin':
        return [this.#builtin(e.name)];
      case 'local':
        return this.#local(e.name);
      case 'unary':
        return this.lanes(e.operand).map((a) => unary(e.operator, scalarOf(e.type), a));
      case 'binary':
        return this.#binary(e);
      case 'call':
        return this.#call(e);
      case 'select': {
        const then = this.lanes(e.then);
        const otherwise = this.lanes(e.else);
        const condition = this.lanes(e.condition);
        const conditions = this.#widen(condition, then.length);
        return then.map((a, k) => `(${conditions[k]} ? ${a} : ${otherwise[k]})`);
      }
      case 'convert': {
        const from = scalarOf(e.value.type);
        const to = scalarOf(e.type);
        return this.#widen(this.lanes(e.value), lanesOf(e.type)).map((a) => convert(from, to, a));
      }
      case 'bitcast':
        return this.#bitcast(e.value, e.type);
      case 'vector': {
        const lanes = e.components.flatMap((c) => this.lanes(c));
        return this.#widen(lanes, lanesOf(e.type));
      }
      case 'component':
        return [this.lanes(e.value)[e.index]!];
      case 'load':
      case 'load_weights':
        return this.#load(known(this.scope.buffers, e.buffer), e.buffer, e.index, true);
      case 'load_shared':
        return this.#load(known(this.scope.shared, e.array), e.array, e.index, false);
      case 'element':
        return this.#element(e.array, e.index);
      case 'subgroup':
        throw new Error('a subgroup operation where only some invocations may be');
    }
  }

  /** Checks an index and gives a name for it; out of bounds it becomes `otherwise`. */
  checkedIndex(index: Expression, lengthText: string, name: string, otherwise: string): string {
    const value = this.scalar(index);
    const i = this.temporary();
    this.lines.push(`let ${i} = ${value};`);
    const test = scalarOf(index.type) === 'i32' ? `${i} < 0 || ${i} >= ${lengthText}` : `${i} >= ${lengthText}`;
    this.lines.push(
      `if (${test}) ${i} = outside('${name}', ${i}, ${lengthText}, ${this.site}, ${this.invocation}, ${otherwise});`,
    );
    return i;
  }

  #load(array: ArrayInfo, name: string, index: Expression, storage: boolean): readonly string[] {
    const i = this.checkedIndex(index, `${array.id}n`, name, '0');
    if (array.notes === 'shadow')
      this.lines.push(`${array.id}s.read(${i}, ${this.site}, ${storage ? 'qt, q, qg' : 'kt, k, g'});`);
    if (array.notes === 'reach') this.lines.push(`if (${i} >= ${array.id}r) ${array.id}r = ${i} + 1;`);
    return places(array.id, i, lanesOf(array.type));
  }

  #element(name: string, index: Expression): readonly string[] {
    const variable = known(this.scope.variables, name);
    const i = this.checkedIndex(index, `${variable.id}n`, name, '0');
    const at = variable.crosses ? this.atom(`${this.invocation} * ${variable.id}n + ${i}`) : i;
    if (variable.tracked) {
      this.lines.push(`if (${variable.id}m[${at}] !== 0) ${this.report('uninitialised', `'${name}[' + ${i} + ']'`)}`);
    }
    return places(variable.id, at, variable.lanes);
  }

  #local(name: string): readonly string[] {
    const variable = known(this.scope.variables, name);
    if (variable.tracked) {
      const missing = variable.crosses ? `${variable.id}m[${this.invocation}]` : `${variable.id}m`;
      this.lines.push(`if (${missing} !== 0) ${this.report('uninitialised', `'${name}'`)}`);
    }
    return this.place(variable);
  }

  /** Places of a local's components. */
  place(variable: VariableInfo): readonly string[] {
    if (variable.crosses && !variable.uniform) return places(variable.id, this.invocation, variable.lanes);
    if (variable.lanes === 1) return [variable.id];
    return Array.from({ length: variable.lanes }, (_, k) => `${variable.id}_${k}`);
  }

  #builtin(name: string): string {
    const [x, y] = this.scope.workgroupSize;
    switch (name) {
      case 'local_index':
        return this.invocation;
      case 'local_x':
        return `(${this.invocation} % ${x})`;
      case 'local_y':
        return `((${this.invocation} / ${x} | 0) % ${y})`;
      case 'local_z':
        return `(${this.invocation} / ${x * y} | 0)`;
      case 'workgroup_x':
      case 'workgroup_y':
      case 'workgroup_z':
        return `w${name.at(-1)}`;
      case 'num_workgroups_x':
      case 'num_workgroups_y':
      case 'num_workgroups_z':
        return `g${name.at(-1)}`;
      case 'subgroup_size':
        return 'S';
      case 'subgroup_lane':
        return `(${this.invocation} % S)`;
      default:
        throw new Error(`unknown builtin ${name}`);
    }
  }

  #binary(e: Expression & { kind: 'binary' }): readonly string[] {
    if (e.operator === '&&' || e.operator === '||') return [this.#shortCircuit(e)];
    const lanes = Math.max(lanesOf(e.left.type), lanesOf(e.right.type));
    const left = this.#widen(this.lanes(e.left), lanes);
    const right = this.#widen(this.lanes(e.right), lanes);
    const type = scalarOf(e.left.type);
    return left.map((a, k) => this.#operation(e.operator, type, a, right[k]!));
  }

  #shortCircuit(e: Expression & { kind: 'binary' }): string {
    const left = this.scalar(e.left);
    const outer = this.lines;
    this.lines = [];
    const right = this.scalar(e.right);
    const inner = this.lines;
    this.lines = outer;
    if (inner.length === 0) return `(${left} ${e.operator} ${right})`;
    // The right side reads memory: only when the left side leaves it open.
    const name = this.temporary();
    this.lines.push(`let ${name} = ${left};`);
    this.lines.push(`if (${e.operator === '&&' ? name : `!${name}`}) { ${inner.join(' ')} ${name} = ${right}; }`);
    return name;
  }

  #operation(operator: BinaryOperator, type: ScalarType, a: string, b: string): string {
    switch (operator) {
      case '+':
      case '-':
        return wrap(type, `${a} ${operator} ${b}`);
      case '*':
        return type === 'u32' || type === 'i32' ? wrap(type, `imul(${a}, ${b})`) : wrap(type, `${a} * ${b}`);
      case '/':
      case '%':
        return this.#division(operator, type, a, b);
      case '<<':
      case '>>':
        return this.#shift(operator, type, a, b);
      case '&':
      case '|':
      case '^':
        return type === 'bool' ? `((${a} ${operator} ${b}) !== 0)` : wrap(type, `${a} ${operator} ${b}`);
      case '==':
      case '!=':
        return type === 'bool' ? `(!(${a}) ${operator}= !(${b}))` : `(${a} ${operator}= ${b})`;
      case '<':
      case '<=':
      case '>':
      case '>=':
        return `(${a} ${operator} ${b})`;
      case '&&':
      case '||':
        throw new Error('not reached');
    }
  }

  #division(operator: '/' | '%', type: ScalarType, a: string, b: string): string {
    if (type === 'f32' || type === 'f16') return wrap(type, `${a} ${operator} ${b}`);
    if (/^[1-9]\d*$/.test(b)) return wrap(type, `${a} ${operator} ${b}`);
    const divisor = this.atom(b);
    this.lines.push(`if (${divisor} === 0) ${this.report('division_by_zero', `''`)}`);
    // x / 0 is x and x % 0 is 0 in WGSL.
    const dividend = this.atom(a);
    return `(${divisor} === 0 ? ${operator === '/' ? dividend : '0'} : ${wrap(type, `${dividend} ${operator} ${divisor}`)})`;
  }

  #shift(operator: '<<' | '>>', type: ScalarType, a: string, b: string): string {
    let amount = b;
    if (!(/^\d+$/.test(b) && Number(b) < 32)) {
      amount = this.atom(b);
      this.lines.push(`if (${amount} > 31) ${this.report('shift', `'by ' + ${amount}`)}`);
    }
    if (operator === '<<') return wrap(type, `${a} << ${amount}`);
    return type === 'u32' ? `(${a} >>> ${amount})` : `(${a} >> ${amount})`;
  }

  #call(e: Expression & { kind: 'call' }): readonly string[] {
    const first = e.arguments[0]!;
    const type = scalarOf(first.type);
    const lanes = Math.max(...e.arguments.map((argument) => lanesOf(argument.type)));
    const values = e.arguments.map((argument) => this.#widen(this.lanes(argument), lanes));
    switch (e.fn) {
      case 'dot': {
        const products = values[0]!.map((a, k) => this.#operation('*', type, a, values[1]![k]!));
        return [products.reduce((sum, product) => wrap(type, `${sum} + ${product}`))];
      }
      case 'pack2x16float':
        return [`pack2x16float(${values[0]![0]}, ${values[0]![1]})`];
      case 'unpack2x16float': {
        const bits = this.atom(values[0]![0]!);
        return [`f16OfBits(${bits} & 0xffff)`, `f16OfBits(${bits} >>> 16)`];
      }
      default: {
        const isFloat = type === 'f32' || type === 'f16';
        const meaning = (isFloat ? FLOAT_FUNCTIONS : INTEGER_FUNCTIONS)[e.fn];
        if (meaning === undefined) throw new Error(`${e.fn} of ${first.type}`);
        // Engines know what is built in.
        const builtIn = meaning === (Math as unknown as Readonly<Record<string, unknown>>)[e.fn];
        const name = `${builtIn ? 'Math' : isFloat ? 'F' : 'I'}.${e.fn}`;
        return values[0]!.map((_, k) => wrap(type, `${name}(${values.map((v) => v[k]).join(', ')})`));
      }
    }
  }

  #bitcast(value: Expression, to: ValueType): readonly string[] {
    const from = scalarOf(value.type);
    const target = scalarOf(to);
    const lanes = this.lanes(value);
    if (from === target) return lanes;
    // Through 32-bit words.
    const words: string[] = [];
    if (from === 'f16') {
      for (let k = 0; k < lanes.length; k += 2) words.push(`pack2x16float(${lanes[k]}, ${lanes[k + 1]})`);
    } else {
      words.push(...lanes.map((a) => (from === 'f32' ? `bitsOfF32(${a})` : wrap('u32', a))));
    }
    if (target === 'f16') {
      return words.flatMap((word) => {
        const bits = this.atom(word);
        return [`f16OfBits(${bits} & 0xffff)`, `f16OfBits(${bits} >>> 16)`];
      });
    }
    return words.map((word) => (target === 'f32' ? `f32OfBits(${word})` : target === 'i32' ? wrap('i32', word) : word));
  }

  #widen(lanes: readonly string[], count: number): readonly string[] {
    if (lanes.length === count) return lanes;
    const one = this.atom(lanes[0]!);
    return Array.from({ length: count }, () => one);
  }
}

export function places(id: string, index: string, lanes: number): readonly string[] {
  if (lanes === 1) return [`${id}[${index}]`];
  return Array.from({ length: lanes }, (_, k) => `${id}[${index} * ${lanes}${k === 0 ? '' : ` + ${k}`}]`);
}

function literal(type: ScalarType, value: number): string {
  if (type === 'bool') return value ? 'true' : 'false';
  const exact = type === 'f32' ? Math.fround(value) : value;
  if (Object.is(exact, -0)) return '(-0)';
  return exact < 0 ? `(${exact})` : String(exact);
}

function unary(operator: '-' | '!' | '~', type: ScalarType, a: string): string {
  switch (operator) {
    case '!':
      return `(!${a})`;
    case '~':
      return wrap(type, `~${a}`);
    case '-':
      return type === 'f32' || type === 'f16' ? `(-${a})` : wrap(type, `-${a}`);
  }
}

function convert(from: ScalarType, to: ScalarType, a: string): string {
  if (from === to) return a;
  if (to === 'bool') return `(${a} !== 0)`;
  if (from === 'bool') return `(${a} ? 1 : 0)`;
  const fromFloat = from === 'f32' || from === 'f16';
  if (to === 'u32') return fromFloat ? `floatToU32(${a})` : wrap('u32', a);
  if (to === 'i32') return fromFloat ? `floatToI32(${a})` : wrap('i32', a);
  return wrap(to, a);
}

function known<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new Error(`${name} is not declared`);
  return value;
}
