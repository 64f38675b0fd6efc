/** The verifier of kernels: what must hold of every kernel that a lowering makes. It runs in tests and before printing. */
import type { ConstantValues } from './constants.js';
import { constantValues, evaluateConstant } from './constants.js';
import { isVector, lanesOf, scalarOf } from './expressions.js';
import { BUFFER_TYPE } from './buffers.js';
import type { Expression, Kernel, Statement, ValueType } from './ir.js';
import { describeStatement, expressionsOf, someExpression, visitKernelExpressions, visitStatements } from './walk.js';
import type { ExpressionContext, Local } from './verify/expressions.js';
import { checkExpression, checkIndex, skipsSubgroup } from './verify/expressions.js';
import type { Report } from './verify/report.js';
import { bytesOf } from './verify/signatures.js';
import { checkUniformity } from './verify/uniformity.js';

export interface KernelProblem {
  readonly kernel: string;
  /** Path of the statement, as the checking interpreter writes it; empty for declarations. */
  readonly path: string;
  readonly message: string;
}

/** Limits a kernel has to keep; by default those of every WebGPU device. */
export interface KernelLimits {
  readonly storageBuffers: number;
  readonly workgroupBytes: number;
  readonly invocations: number;
}
export const CORE_LIMITS: KernelLimits = { storageBuffers: 8, workgroupBytes: 16_384, invocations: 256 };

/**
 * Everything that is wrong with a kernel. `constants` are values of tile constants other than the declared ones.
 * Nothing wrong means: the text that `wgsl/` prints compiles, and barriers are met by all invocations.
 */
export function verifyKernel(
  kernel: Kernel,
  options: { readonly limits?: KernelLimits; readonly constants?: ConstantValues } = {},
): readonly KernelProblem[] {
  const problems: KernelProblem[] = [];
  const report: Report = (path, message) => problems.push({ kernel: kernel.name, path, message });
  const constants = constantValues(kernel, options.constants);
  checkDeclarations(kernel, report);
  checkLimits(kernel, constants, options.limits ?? CORE_LIMITS, report);
  checkFeatures(kernel, report);
  new StatementRules(kernel, constants, report).list(kernel.body, '');
  // Uniformity presupposes that names mean something.
  if (problems.length === 0) checkUniformity(kernel, report);
  return problems;
}

/** Bytes of workgroup memory, as WGSL lays it out. */
export function workgroupBytes(kernel: Kernel, constants: ConstantValues = constantValues(kernel)): number {
  return kernel.shared.reduce((total, s) => {
    const size = (evaluateConstant(s.length, constants) ?? 0) * bytesOf(s.element);
    return Math.ceil(total / 16) * 16 + size;
  }, 0);
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

function checkDeclarations(kernel: Kernel, report: Report): void {
  const names = new Set<string>();
  const declare = (name: string, path: string): void => {
    if (!IDENTIFIER.test(name)) report(path, `${JSON.stringify(name)} is not an identifier`);
    if (names.has(name)) report(path, `${name} is declared twice`);
    names.add(name);
  };
  if (!IDENTIFIER.test(kernel.name)) report('', `${JSON.stringify(kernel.name)} is not an identifier`);
  for (const { name } of [...kernel.buffers, ...kernel.shared, ...kernel.constants, ...kernel.uniforms])
    declare(name, '');
  visitStatements(kernel.body, (s, path) => {
    if (s.kind === 'let' || s.kind === 'var' || s.kind === 'array' || s.kind === 'for') declare(s.name, path);
  });
  for (const { name, value, choices } of kernel.constants) {
    for (const v of [value, ...(choices ?? [])]) {
      if (!Number.isInteger(v) || v < 0 || v > 0xffffffff) report('', `tile constant ${name} is ${v}`);
    }
    if (choices && !choices.includes(value)) report('', `tile constant ${name} is ${value}, not one of its choices`);
  }
  for (const { name, element, access } of kernel.buffers) {
    if (element === 'weights' && access !== 'read') report('', `weights ${name} are written`);
  }
}

function checkLimits(kernel: Kernel, constants: ConstantValues, limits: KernelLimits, report: Report): void {
  const [x, y, z] = kernel.workgroupSize;
  if (
    ![x, y, z].every((n) => Number.isInteger(n) && n >= 1) ||
    x > 256 ||
    y > 256 ||
    z > 64 ||
    x * y * z > limits.invocations
  )
    report('', `a workgroup of ${x} × ${y} × ${z}`);
  if (kernel.buffers.length > limits.storageBuffers) report('', `${kernel.buffers.length} storage buffers`);
  for (const s of kernel.shared) {
    const length = evaluateConstant(s.length, constants);
    if (length === undefined || length < 1) report('', `the length of ${s.name} is not a positive constant`);
  }
  const bytes = workgroupBytes(kernel, constants);
  if (bytes > limits.workgroupBytes) report('', `${bytes} bytes of workgroup memory`);
}

function checkFeatures(kernel: Kernel, report: Report): void {
  if (kernel.requires.includes('shader-f16')) return;
  const need = (type: ValueType, path: string): void => {
    if (scalarOf(type) === 'f16') report(path, `${type} needs the feature shader-f16`);
  };
  for (const s of kernel.shared) need(s.element, '');
  visitStatements(kernel.body, (s, path) => {
    if (s.kind === 'var') need(s.type, path);
    if (s.kind === 'array') need(s.element, path);
  });
  visitKernelExpressions(kernel, (e, _, path) => need(e.type, path));
}

class StatementRules {
  readonly #scopes: Map<string, Local>[] = [new Map()];
  readonly #context: ExpressionContext;

  constructor(
    kernel: Kernel,
    private readonly constants: ConstantValues,
    private readonly report: Report,
  ) {
    this.#context = {
      kernel,
      constants,
      buffers: new Map(kernel.buffers.map((b) => [b.name, b])),
      shared: new Map(kernel.shared.map((s) => [s.name, s])),
      local: (name) => this.#scopes.findLast((scope) => scope.has(name))?.get(name),
    };
  }

  list(body: readonly Statement[], prefix: string): void {
    body.forEach((s, i) => this.#statement(s, `${prefix}${i}.${describeStatement(s)}`));
  }

  #block(body: readonly Statement[], prefix: string, loop?: readonly [string, Local]): void {
    this.#scopes.push(new Map(loop ? [loop] : []));
    this.list(body, prefix);
    this.#scopes.pop();
  }

  #statement(s: Statement, path: string): void {
    for (const e of expressionsOf(s)) {
      if (s.kind === 'for' && (e === s.to || e === s.step)) continue;
      this.#expression(e, path);
    }
    switch (s.kind) {
      case 'comment':
      case 'barrier':
        return;
      case 'let':
        return this.#declare(s.name, { kind: 'let', type: s.value.type });
      case 'var':
        if (s.initial) this.#same(s.initial, s.type, path);
        return this.#declare(s.name, { kind: 'var', type: s.type });
      case 'array': {
        const length = evaluateConstant(s.length, this.constants);
        if (length === undefined || length < 1) this.report(path, `the length of ${s.name} is not a positive constant`);
        if (s.initial) this.#same(s.initial, s.element, path);
        return this.#declare(s.name, { kind: 'array', type: s.element, ...(length === undefined ? {} : { length }) });
      }
      case 'assign': {
        const local = this.#context.local(s.name);
        if (local?.kind !== 'var') return this.report(path, `${s.name} is not a variable here`);
        return this.#place(local.type, s.component, s.value, path);
      }
      case 'set_element': {
        const array = this.#context.local(s.array);
        if (array?.kind !== 'array') return this.report(path, `${s.array} is not a private array here`);
        this.#index(s.index, array.length, path);
        return this.#same(s.value, array.type, path);
      }
      case 'store': {
        const buffer = this.#context.buffers.get(s.buffer);
        if (!buffer) return this.report(path, `${s.buffer} is not a buffer`);
        if (buffer.access !== 'read_write') this.report(path, `${s.buffer} is read-only`);
        this.#index(s.index, undefined, path);
        return this.#place(BUFFER_TYPE[buffer.element], s.component, s.value, path);
      }
      case 'store_shared': {
        const array = this.#context.shared.get(s.array);
        if (!array) return this.report(path, `${s.array} is not workgroup memory`);
        this.#index(s.index, evaluateConstant(array.length, this.constants), path);
        return this.#same(s.value, array.element, path);
      }
      case 'for':
        return this.#for(s, path);
      case 'if':
        if (s.condition.type !== 'bool') this.report(path, `the condition is a ${s.condition.type}`);
        this.#block(s.then, `${path}.then.`);
        if (s.else) this.#block(s.else, `${path}.else.`);
    }
  }

  #for(s: Statement & { kind: 'for' }, path: string): void {
    const { type } = s.from;
    if (type !== 'u32' && type !== 'i32') this.report(path, `the loop variable is a ${type}`);
    this.#scopes.push(new Map([[s.name, { kind: 'loop', type }]]));
    for (const e of [s.to, s.step]) {
      this.#expression(e, path);
      this.#same(e, type, path);
    }
    const step = evaluateConstant(s.step, this.constants);
    if (step !== undefined && step <= 0) this.report(path, `the loop's step is ${step}`);
    if ([s.to, s.step].some((e) => someExpression(e, (x) => x.kind === 'subgroup')))
      this.report(path, 'a subgroup operation in the head of a loop');
    this.#block(s.body, `${path}.body.`);
    this.#scopes.pop();
  }

  #expression(e: Expression, path: string): void {
    for (const message of checkExpression(e, this.#context)) this.report(path, message);
    if (skipsSubgroup(e)) this.report(path, 'a subgroup operation on the right of && or ||');
  }

  #index(index: Expression, length: number | undefined, path: string): void {
    for (const message of checkIndex(index, length, this.#context)) this.report(path, message);
  }

  #place(type: ValueType, component: number | undefined, value: Expression, path: string): void {
    if (component === undefined) return this.#same(value, type, path);
    if (!isVector(type) || !Number.isInteger(component) || component < 0 || component >= lanesOf(type))
      return this.report(path, `component ${component} of ${type}`);
    this.#same(value, scalarOf(type), path);
  }

  #same(value: Expression, type: ValueType, path: string): void {
    if (value.type !== type) this.report(path, `a ${value.type} where a ${type} is needed`);
  }

  #declare(name: string, local: Local): void {
    this.#scopes.at(-1)!.set(name, local);
  }
}
