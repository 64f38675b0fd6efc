/**
 * A kernel as JavaScript. Regions become loops over the workgroup's invocations, each in a function of its own, which engines
 * optimise sooner than one long function; conditions and bounds around barriers are computed for all invocations and have to
 * agree.
 */
import { lanesOf, scalarOf } from '../expressions.js';
import { BUFFER_TYPE } from '../buffers.js';
import type { ConstantValues } from '../constants.js';
import { evaluateConstant } from '../constants.js';
import type { Expression, Kernel, Statement, ValueType } from '../ir.js';
import { POISON } from './arithmetic.js';
import type { ArrayInfo } from './generate-expressions.js';
import { ExpressionGenerator, NOTES, places, wrap } from './generate-expressions.js';
import type { Node, Schedule } from './schedule.js';
import type { VariableInfo } from './variables.js';
import { isPlainUniform, planVariables } from './variables.js';

export interface Generated {
  readonly source: string;
  readonly buffers: readonly ArrayInfo[];
  readonly shared: readonly (ArrayInfo & { readonly name: string; readonly length: number })[];
}

export interface GenerateOptions {
  readonly constants: ConstantValues;
  /** Whether to keep shadow memory. */
  readonly checked: boolean;
}

/** JavaScript's typed array for elements of a type. */
function storageOf(type: ValueType): string {
  switch (scalarOf(type)) {
    case 'f32':
    case 'f16':
      return 'Float32Array';
    case 'u32':
      return 'Uint32Array';
    case 'i32':
      return 'Int32Array';
    case 'bool':
      return 'Uint8Array';
  }
}

export function generate(kernel: Kernel, schedule: Schedule, options: GenerateOptions): Generated {
  return new Generator(kernel, schedule, options).dispatch();
}

class Generator {
  readonly #variables: ReadonlyMap<string, VariableInfo>;
  readonly #buffers: ReadonlyMap<string, ArrayInfo>;
  readonly #shared: ReadonlyMap<string, ArrayInfo & { readonly name: string; readonly length: number }>;
  readonly #e: ExpressionGenerator;
  readonly #count: number;
  /** Lines that compute the workgroup's uniform values before the region that is being written. */
  #before: string[] = [];
  #lines: string[] = [];
  /** Functions of the regions. */
  readonly #regions: string[] = [];

  constructor(
    private readonly kernel: Kernel,
    private readonly schedule: Schedule,
    private readonly options: GenerateOptions,
  ) {
    const [x, y, z] = kernel.workgroupSize;
    this.#count = x * y * z;
    this.#variables = planVariables(kernel, schedule);
    this.#buffers = new Map(
      kernel.buffers.map((b, i) => [
        b.name,
        { id: `b${i}`, type: BUFFER_TYPE[b.element], notes: options.checked && NOTES[b.access] },
      ]),
    );
    const notes = options.checked && 'shadow';
    this.#shared = new Map(
      kernel.shared.map((s, i) => [
        s.name,
        { id: `s${i}`, name: s.name, type: s.element, notes, length: this.#constant(s.length) },
      ]),
    );
    this.#e = new ExpressionGenerator({
      variables: this.#variables,
      buffers: this.#buffers,
      shared: this.#shared,
      uniforms: new Map(kernel.uniforms.map((u, i) => [u.name, `u${i}`])),
      constants: options.constants,
      workgroupSize: kernel.workgroupSize,
    });
  }

  dispatch(): Generated {
    const body = this.#nodes(this.schedule.nodes);
    const source = [
      '"use strict";',
      'const { fr, h, imul, F, I, report, outside, stop, log, finite, Stop, floatToU32, floatToI32, bitsOfF32, f32OfBits, pack2x16float, f16OfBits, subgroup, identities } = rt;',
      ...this.#arrays(),
      'let budget = rt.budget;',
      // Times (see memory.ts) when the interval and the workgroup began: for workgroup memory, and for storage.
      'let K = 0, G = 0, Q = 0, QG = 0;',
      ...this.#regions,
      'function workgroup(wx, wy, wz) {',
      ...body,
      '}',
      'for (let wz = 0; wz < gz; wz++) for (let wy = 0; wy < gy; wy++) for (let wx = 0; wx < gx; wx++) {',
      `  G = K += ${this.#count + 1}, QG = Q += ${this.#count + 1};`,
      '  log.workgroup = [wx, wy, wz];',
      '  try { workgroup(wx, wy, wz); } catch (error) {',
      '    if (!(error instanceof Stop)) throw error;',
      '    if (error.scope === "dispatch") throw error;',
      '  }',
      '}',
      `return [${[...this.#buffers.values()].map(({ id }) => `${id}r`).join(', ')}];`,
    ].join('\n');
    return { source, buffers: [...this.#buffers.values()], shared: [...this.#shared.values()] };
  }

  #arrays(): readonly string[] {
    const lines: string[] = [];
    [...this.#buffers.values()].forEach((b, i) => {
      lines.push(
        `const ${b.id} = buffers[${i}].data, ${b.id}n = buffers[${i}].length, ${b.id}s = buffers[${i}].shadow; let ${b.id}r = 0;`,
      );
    });
    [...this.#shared.values()].forEach((s, i) => {
      const size = s.length * lanesOf(s.type);
      lines.push(
        `const ${s.id} = new ${storageOf(s.type)}(${Math.max(1, size)}), ${s.id}n = ${s.length}, ${s.id}s = shadows[${i}];`,
      );
    });
    this.kernel.uniforms.forEach((_, i) => lines.push(`const u${i} = uniforms[${i}];`));
    for (const v of this.#variables.values()) {
      if (v.uniform) continue;
      const invocations = v.crosses ? this.#count : 1;
      if (v.length) {
        const length = this.#constant(v.length);
        lines.push(
          `const ${v.id} = new ${storageOf(v.type)}(${Math.max(1, invocations * length * v.lanes)}), ${v.id}n = ${length};`,
        );
        if (v.tracked) lines.push(`const ${v.id}m = new Uint8Array(${Math.max(1, invocations * length)});`);
      } else if (v.crosses) {
        lines.push(`const ${v.id} = new ${storageOf(v.type)}(${invocations * v.lanes});`);
        if (v.tracked) lines.push(`const ${v.id}m = new Uint8Array(${invocations});`);
      }
    }
    return lines;
  }

  #constant(e: Expression): number {
    const value = evaluateConstant(e, this.options.constants);
    if (value === undefined) throw new Error(`kernel ${this.kernel.name}: a length is not constant`);
    return value;
  }

  #nodes(nodes: readonly Node[]): readonly string[] {
    return nodes.flatMap((node) => this.#node(node));
  }

  #node(node: Node): readonly string[] {
    switch (node.kind) {
      case 'region':
        return this.#overInvocations(() => node.statements.forEach((s) => this.#statement(s, true)));
      case 'barrier':
        return [`K += ${this.#count + 1};`, ...(node.storage ? [`Q += ${this.#count + 1};`] : [])];
      case 'subgroup':
        return this.#subgroup(node);
      case 'if': {
        const { lines, text } = this.#agreed(node.condition, node.site);
        return [...lines, `if (${text}) {`, ...this.#nodes(node.then), '} else {', ...this.#nodes(node.else), '}'];
      }
      case 'for':
        return this.#synchronisedFor(node);
    }
  }

  /** A region: `write` emits statements for the invocation `t`. `counter` counts some of the invocations. */
  #overInvocations(write: () => void, counter?: string): readonly string[] {
    const outerBefore = this.#before;
    const outerLines = this.#lines;
    this.#before = [];
    this.#lines = [];
    write();
    const before = this.#before;
    const inner = this.#lines;
    this.#before = outerBefore;
    this.#lines = outerLines;
    if (inner.length === 0) return before;
    return [...before, this.#region(inner, counter)];
  }

  /** Makes a function of a region, and returns its call. */
  #region(inner: readonly string[], counter?: string): string {
    const name = `r${this.#regions.length}`;
    const words = new Set(inner.join(' ').match(/\b\w+\b/g));
    const parameters = ['wx', 'wy', 'wz', ...this.#uniformNames()].filter((word) => words.has(word)).join(', ');
    this.#regions.push(
      [
        `function ${name}(${parameters}) {`,
        ...(words.has('kt') ? ['const k = K, g = G;'] : []),
        ...(words.has('qt') ? ['const q = Q, qg = QG;'] : []),
        ...(counter === undefined ? [] : [`let ${counter} = 0;`]),
        `for (let t = 0; t < ${this.#count}; t++) {`,
        ...(words.has('kt') ? ['const kt = k + t;'] : []),
        ...(words.has('qt') ? ['const qt = q + t;'] : []),
        ...inner,
        '}',
        ...(counter === undefined ? [] : [`return ${counter};`]),
        '}',
      ].join('\n'),
    );
    return counter === undefined ? `${name}(${parameters});` : `const ${counter} = ${name}(${parameters});`;
  }

  #uniformNames(): readonly string[] {
    return [...this.#variables.values()].filter((v) => v.uniform).flatMap((v) => this.#e.place(v));
  }

  /** A condition that all invocations have to agree on. */
  #agreed(condition: Expression, site: number): { readonly lines: readonly string[]; readonly text: string } {
    if (isPlainUniform(condition, this.#variables)) return this.#once(condition, site);
    const count = this.#e.temporary();
    const lines = this.#overInvocations(() => {
      this.#e.site = site;
      const text = this.#e.scalar(condition);
      this.#flush();
      this.#lines.push(`if (${text}) ${count}++;`);
    }, count);
    return {
      lines: [
        ...lines,
        `if (${count} !== 0 && ${count} !== ${this.#count}) stop('workgroup', 'non_uniform', ${site}, 0, ${count} + ' of ${this.#count} invocations go to the synchronisation inside');`,
      ],
      text: `${count} !== 0`,
    };
  }

  /** An expression computed once for the workgroup. */
  #once(e: Expression, site: number): { readonly lines: readonly string[]; readonly text: string } {
    this.#e.site = site;
    this.#e.invocation = '0';
    const text = this.#e.scalar(e);
    this.#e.invocation = 't';
    const lines = this.#e.lines;
    this.#e.lines = [];
    return { lines, text };
  }

  #synchronisedFor(node: Node & { kind: 'for' }): readonly string[] {
    const { loop, site } = node;
    const variable = this.#variable(loop.name);
    const local: Expression = { kind: 'local', type: loop.from.type, name: loop.name };
    const more: Expression = { kind: 'binary', type: 'bool', operator: '<', left: local, right: loop.to };
    const next: Expression = { kind: 'binary', type: loop.from.type, operator: '+', left: local, right: loop.step };
    const start = this.#setLoopVariable(variable, loop.from, site, `let `);
    const condition = this.#agreed(more, site);
    return [
      '{',
      ...start,
      'for (;;) {',
      ...condition.lines,
      `if (!(${condition.text})) break;`,
      this.#budget(site, '0'),
      ...this.#nodes(node.body),
      ...this.#setLoopVariable(variable, next, site, ''),
      '}',
      '}',
    ];
  }

  #setLoopVariable(variable: VariableInfo, value: Expression, site: number, declare: string): readonly string[] {
    if (variable.uniform) {
      const { lines, text } = this.#once(value, site);
      return [...lines, `${declare}${variable.id} = ${text};`];
    }
    return this.#overInvocations(() => {
      this.#e.site = site;
      const text = this.#e.scalar(value);
      this.#flush();
      this.#lines.push(`${variable.id}[t] = ${text};`);
    });
  }

  #budget(site: number, t: string): string {
    return `if (--budget < 0) stop('dispatch', 'budget', ${site}, ${t}, 'too many iterations');`;
  }

  #subgroup(node: Node & { kind: 'subgroup' }): readonly string[] {
    const target = this.#variable(node.name);
    const values = `${target.id}i`;
    const type = scalarOf(node.type);
    this.#regions.push(`const ${values} = new ${storageOf(node.type)}(${this.#count * target.lanes});`);
    return [
      ...this.#overInvocations(() => {
        this.#e.site = node.site;
        const lanes = this.#e.lanes(node.value);
        this.#flush();
        places(values, 't', target.lanes).forEach((place, k) => this.#lines.push(`${place} = ${lanes[k]};`));
      }),
      `subgroup('${node.operation}', ${values}, ${target.id}, ${this.#count}, S, ${target.lanes}, ${node.argument}, identities.${type}, ${POISON[type]});`,
    ];
  }

  /** Moves what the expression generator wrote into the region. */
  #flush(): void {
    this.#lines.push(...this.#e.lines);
    this.#e.lines = [];
  }

  #statements(body: readonly Statement[]): readonly string[] {
    const outer = this.#lines;
    this.#lines = [];
    body.forEach((s) => this.#statement(s, false));
    const inner = this.#lines;
    this.#lines = outer;
    return inner;
  }

  #statement(s: Statement, top: boolean): void {
    const e = this.#e;
    e.site = this.schedule.siteOf(s);
    switch (s.kind) {
      case 'comment':
        return;
      case 'barrier':
        throw new Error('not reached');
      case 'let':
        return this.#let(s, top);
      case 'var':
        return this.#var(s);
      case 'array':
        return this.#array(s);
      case 'assign':
        return this.#assign(s);
      case 'set_element':
        return this.#setElement(s);
      case 'store':
        return this.#store(s.buffer, this.#buffers.get(s.buffer), s.index, s.value, s.component, true);
      case 'store_shared':
        return this.#store(s.array, this.#shared.get(s.array), s.index, s.value, undefined, false);
      case 'for':
        return this.#plainFor(s);
      case 'if': {
        const condition = e.scalar(s.condition);
        this.#flush();
        this.#lines.push(`if (${condition}) {`, ...this.#statements(s.then));
        if (s.else) this.#lines.push('} else {', ...this.#statements(s.else));
        this.#lines.push('}');
      }
    }
  }

  #let(s: Statement & { kind: 'let' }, top: boolean): void {
    const variable = this.#variable(s.name);
    if (top && variable.uniform) {
      this.#e.invocation = '0';
      const lanes = this.#e.lanes(s.value);
      this.#e.invocation = 't';
      this.#before.push(...this.#e.lines);
      this.#e.lines = [];
      this.#e.place(variable).forEach((place, k) => this.#before.push(`const ${place} = ${lanes[k]};`));
      return;
    }
    this.#initialise(variable, s.value);
  }

  #var(s: Statement & { kind: 'var' }): void {
    const variable = this.#variable(s.name);
    if (s.initial) return this.#initialise(variable, s.initial);
    const missing = (1 << variable.lanes) - 1;
    if (variable.crosses) {
      this.#e.place(variable).forEach((place) => this.#lines.push(`${place} = 0;`));
      this.#lines.push(`${variable.id}m[t] = ${missing};`);
    } else {
      this.#e.place(variable).forEach((place) => this.#lines.push(`let ${place} = 0;`));
      this.#lines.push(`let ${variable.id}m = ${missing};`);
    }
  }

  #initialise(variable: VariableInfo, value: Expression): void {
    const lanes = this.#e.lanes(value);
    this.#flush();
    const declare = variable.crosses ? '' : 'let ';
    this.#e.place(variable).forEach((place, k) => this.#lines.push(`${declare}${place} = ${lanes[k]};`));
  }

  #array(s: Statement & { kind: 'array' }): void {
    const variable = this.#variable(s.name);
    const length = this.#constant(s.length);
    const start = variable.crosses ? `t * ${length}` : '0';
    if (!s.initial) {
      this.#lines.push(`${variable.id}m.fill(1, ${start}, ${start} + ${length});`);
      return;
    }
    const lanes = this.#e.lanes(s.initial).map((lane) => this.#e.atom(lane));
    this.#flush();
    if (lanes.every((lane) => lane === lanes[0])) {
      this.#lines.push(
        `${variable.id}.fill(${lanes[0]}, ${start} * ${variable.lanes}, (${start} + ${length}) * ${variable.lanes});`,
      );
      return;
    }
    const at = this.#e.temporary();
    this.#lines.push(`for (let ${at} = ${start}; ${at} < ${start} + ${length}; ${at}++) {`);
    places(variable.id, at, variable.lanes).forEach((place, k) => this.#lines.push(`${place} = ${lanes[k]};`));
    this.#lines.push('}');
  }

  #assign(s: Statement & { kind: 'assign' }): void {
    const variable = this.#variable(s.name);
    const lanes = this.#e.lanes(s.value);
    const places = this.#e.place(variable);
    const missing = variable.crosses ? `${variable.id}m[t]` : `${variable.id}m`;
    if (s.component !== undefined) {
      this.#flush();
      this.#lines.push(`${places[s.component]} = ${lanes[0]};`);
      if (variable.tracked) this.#lines.push(`${missing} &= ${~(1 << s.component)};`);
      return;
    }
    // All components are read before any is written.
    const values = lanes.length === 1 ? lanes : lanes.map((lane) => this.#bind(lane));
    this.#flush();
    places.forEach((place, k) => this.#lines.push(`${place} = ${values[k]};`));
    if (variable.tracked) this.#lines.push(`${missing} = 0;`);
  }

  #bind(text: string): string {
    const name = this.#e.temporary();
    this.#e.lines.push(`const ${name} = ${text};`);
    return name;
  }

  #setElement(s: Statement & { kind: 'set_element' }): void {
    const variable = this.#variable(s.array);
    const i = this.#e.checkedIndex(s.index, `${variable.id}n`, s.array, '-1');
    const lanes = this.#e.lanes(s.value).map((lane) => (variable.lanes === 1 ? lane : this.#bind(lane)));
    const at = variable.crosses ? this.#e.atom(`t * ${variable.id}n + ${i}`) : i;
    this.#flush();
    this.#lines.push(`if (${i} >= 0) {`);
    places(variable.id, at, variable.lanes).forEach((place, k) => this.#lines.push(`${place} = ${lanes[k]};`));
    if (variable.tracked) this.#lines.push(`${variable.id}m[${at}] = 0;`);
    this.#lines.push('}');
  }

  #store(
    name: string,
    array: ArrayInfo | undefined,
    index: Expression,
    value: Expression,
    component: number | undefined,
    buffer: boolean,
  ): void {
    if (!array) throw new Error(`kernel ${this.kernel.name}: ${name} is not declared`);
    const e = this.#e;
    const i = e.checkedIndex(index, `${array.id}n`, name, '-1');
    const lanes = e.lanes(value).map((lane) => this.#bind(lane));
    this.#flush();
    const all = places(array.id, i, lanesOf(array.type));
    const written = component === undefined ? all : [all[component]!];
    this.#lines.push(`if (${i} >= 0) {`);
    if (array.notes === 'shadow') {
      const components = component === undefined ? (1 << all.length) - 1 : 1 << component;
      const now = buffer ? `qt, q, qg, ${components}` : 'kt, k';
      this.#lines.push(`${array.id}s.write(${i}, ${e.site}, ${now});`);
    }
    written.forEach((place, k) => this.#lines.push(`${place} = ${lanes[k]};`));
    this.#lines.push('}');
    if (buffer && scalarOf(array.type) === 'f32') {
      const test = lanes.map((lane) => `${lane} - ${lane} !== 0`).join(' || ');
      this.#lines.push(
        `if (finite && (${test})) ${e.report('non_finite', `'${name}[' + ${i} + '] = ' + [${lanes.join(', ')}]`)}`,
      );
    }
  }

  #plainFor(s: Statement & { kind: 'for' }): void {
    const e = this.#e;
    const { site } = e;
    const variable = this.#variable(s.name);
    const from = e.scalar(s.from);
    this.#flush();
    this.#lines.push('{', `let ${variable.id} = ${from};`, 'for (;;) {');
    const to = e.scalar(s.to);
    this.#flush();
    this.#lines.push(`if (!(${variable.id} < ${to})) break;`, this.#budget(site, 't'));
    this.#lines.push(...this.#statements(s.body));
    e.site = site;
    const step = e.scalar(s.step);
    this.#flush();
    this.#lines.push(`${variable.id} = ${wrap(variable.scalar, `${variable.id} + ${step}`)};`, '}', '}');
  }

  #variable(name: string): VariableInfo {
    const variable = this.#variables.get(name);
    if (!variable) throw new Error(`kernel ${this.kernel.name}: ${name} is not declared`);
    return variable;
  }
}
