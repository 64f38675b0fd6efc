/**
 * Which values are the same in all invocations of a workgroup, as far as WGSL's analysis sees (WGSL §15.2): barriers and
 * subgroup operations may only stand in control flow that depends on such values. What is read from storage that the
 * kernel may write, or from workgroup memory, counts as not uniform.
 */
import type { Builtin, Expression, Kernel, Statement } from '../ir.js';
import { describeStatement, expressionsOf, operandsOf, someExpression } from '../walk.js';
import type { Report } from './report.js';

const UNIFORM_BUILTINS: ReadonlySet<Builtin> = new Set<Builtin>([
  'workgroup_x',
  'workgroup_y',
  'workgroup_z',
  'num_workgroups_x',
  'num_workgroups_y',
  'num_workgroups_z',
  'subgroup_size',
]);

/** Reports every barrier and subgroup operation that not all invocations can be shown to reach together. */
export function checkUniformity(kernel: Kernel, report: Report): void {
  const readOnly = new Set(kernel.buffers.filter((b) => b.access === 'read').map((b) => b.name));
  const analysis = new Analysis(readOnly, report);
  analysis.list(kernel.body, true, '');
}

class Analysis {
  /** Names of locals whose values are not uniform at the point that has been reached. */
  #varying: Set<string> = new Set();
  #silent = 0;

  constructor(
    private readonly readOnly: ReadonlySet<string>,
    private readonly report: Report,
  ) {}

  list(body: readonly Statement[], uniformFlow: boolean, prefix: string): void {
    body.forEach((s, i) => this.#statement(s, uniformFlow, `${prefix}${i}.${describeStatement(s)}`));
  }

  #statement(s: Statement, flow: boolean, path: string): void {
    if (!flow) this.#checkSubgroups(s, path);
    switch (s.kind) {
      case 'comment':
      case 'store':
      case 'store_shared':
        return;
      case 'barrier':
        if (!flow) this.#fault(path, 'a barrier that not every invocation reaches');
        return;
      case 'let':
        this.#set(s.name, flow && this.#uniform(s.value));
        return;
      case 'var':
      case 'array':
        this.#set(s.name, flow && (!s.initial || this.#uniform(s.initial)));
        return;
      case 'assign': {
        const value = flow && this.#uniform(s.value);
        // One component: the others stay what they were.
        this.#set(s.name, value && (s.component === undefined || !this.#varying.has(s.name)));
        return;
      }
      case 'set_element': {
        const value = flow && this.#uniform(s.value) && this.#uniform(s.index);
        this.#set(s.array, value && !this.#varying.has(s.array));
        return;
      }
      case 'if': {
        const inner = flow && this.#uniform(s.condition);
        const before = new Set(this.#varying);
        this.list(s.then, inner, `${path}.then.`);
        const afterThen = this.#varying;
        this.#varying = before;
        this.list(s.else ?? [], inner, `${path}.else.`);
        for (const name of afterThen) this.#varying.add(name);
        return;
      }
      case 'for':
        return this.#loop(s, flow, path);
    }
  }

  #loop(s: Statement & { kind: 'for' }, flow: boolean, path: string): void {
    this.#set(s.name, flow && this.#uniform(s.from));
    // What is known at the head holds for every round: repeat until a round adds nothing.
    this.#silent++;
    for (;;) {
      const size = this.#varying.size;
      this.#round(s, flow, path);
      if (this.#varying.size === size) break;
    }
    this.#silent--;
    this.#round(s, flow, path);
  }

  #round(s: Statement & { kind: 'for' }, flow: boolean, path: string): void {
    const head = new Set(this.#varying);
    const inner = flow && !head.has(s.name) && this.#uniform(s.to);
    this.list(s.body, inner, `${path}.body.`);
    if (!inner || !this.#uniform(s.step)) this.#varying.add(s.name);
    for (const name of head) this.#varying.add(name);
  }

  #set(name: string, uniform: boolean): void {
    if (uniform) this.#varying.delete(name);
    else this.#varying.add(name);
  }

  #uniform(e: Expression): boolean {
    switch (e.kind) {
      case 'builtin':
        return UNIFORM_BUILTINS.has(e.name);
      case 'local':
        return !this.#varying.has(e.name);
      case 'element':
        return !this.#varying.has(e.array) && this.#uniform(e.index);
      case 'load':
      case 'load_weights':
        return this.readOnly.has(e.buffer) && this.#uniform(e.index);
      case 'load_shared':
      case 'subgroup':
        return false;
      default:
        return operandsOf(e).every((operand) => this.#uniform(operand));
    }
  }

  #checkSubgroups(s: Statement, path: string): void {
    if (expressionsOf(s).some((e) => someExpression(e, (x) => x.kind === 'subgroup'))) {
      this.#fault(path, 'a subgroup operation that not every invocation reaches');
    }
  }

  #fault(path: string, message: string): void {
    if (this.#silent === 0) this.report(path, message);
  }
}
