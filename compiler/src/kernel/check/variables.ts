/** Where the interpreter keeps each local: in a JavaScript variable when one region has it for itself, else per invocation. */
import { lanesOf, scalarOf } from '../expressions.js';
import type { Expression, Kernel, ScalarType, Statement, ValueType } from '../ir.js';
import { blocksOf, expressionsOf, operandsOf, visitExpression } from '../walk.js';
import type { Node, Schedule } from './schedule.js';

export interface VariableInfo {
  /** JavaScript name. */
  readonly id: string;
  readonly type: ValueType;
  readonly scalar: ScalarType;
  readonly lanes: number;
  readonly isArray: boolean;
  /** Length expression of an array. */
  readonly length?: Expression;
  /** Needs to know whether it was written. */
  readonly tracked: boolean;
  /** One value for the workgroup, computed outside the regions. */
  readonly uniform: boolean;
  region: number;
  /** Used in another region than its own: kept for each invocation. */
  crosses: boolean;
}

/** @throws Error on a name declared twice or not at all */
export function planVariables(kernel: Kernel, schedule: Schedule): ReadonlyMap<string, VariableInfo> {
  const plan = new VariablePlan(kernel);
  plan.nodes(schedule.nodes);
  return plan.variables;
}

const UNIFORM_BUILTINS = new Set([
  'workgroup_x',
  'workgroup_y',
  'workgroup_z',
  'num_workgroups_x',
  'num_workgroups_y',
  'num_workgroups_z',
  'subgroup_size',
]);

/** Whether the value is the same for the whole workgroup and needs no memory to compute. */
export function isPlainUniform(e: Expression, variables: ReadonlyMap<string, VariableInfo>): boolean {
  switch (e.kind) {
    case 'literal':
    case 'constant':
    case 'uniform':
      return true;
    case 'builtin':
      return UNIFORM_BUILTINS.has(e.name);
    case 'local':
      return variables.get(e.name)?.uniform === true;
    case 'load':
    case 'load_shared':
    case 'load_weights':
    case 'element':
    case 'subgroup':
      return false;
    default:
      return operandsOf(e).every((operand) => isPlainUniform(operand, variables));
  }
}

class VariablePlan {
  readonly variables = new Map<string, VariableInfo>();
  #region = 0;

  constructor(private readonly kernel: Kernel) {}

  nodes(nodes: readonly Node[]): void {
    for (const node of nodes) this.#node(node);
  }

  #node(node: Node): void {
    this.#region++;
    switch (node.kind) {
      case 'region':
        this.#statements(node.statements, true);
        return;
      case 'barrier':
        return;
      case 'subgroup':
        this.#use(node.value);
        this.#declare(node.name, node.type, { region: -1 });
        return;
      case 'if':
        this.#use(node.condition);
        this.nodes(node.then);
        this.nodes(node.else);
        return;
      case 'for': {
        const { loop } = node;
        const uniform = isPlainUniform(loop.from, this.variables) && isPlainUniform(loop.step, this.variables);
        this.#use(loop.from);
        this.#declare(loop.name, loop.from.type, { region: -1, uniform });
        this.#use(loop.to);
        this.#use(loop.step);
        this.nodes(node.body);
        // The condition and the step are met again after the body.
        this.#region++;
        this.#use(loop.to);
        this.#use(loop.step);
        return;
      }
    }
  }

  #statements(body: readonly Statement[], top: boolean): void {
    for (const s of body) {
      expressionsOf(s).forEach((e) => this.#use(e));
      switch (s.kind) {
        case 'let':
          this.#declare(s.name, s.value.type, { uniform: top && isPlainUniform(s.value, this.variables) });
          break;
        case 'var':
          this.#declare(s.name, s.type, { tracked: !s.initial });
          break;
        case 'array':
          this.#declare(s.name, s.element, { tracked: !s.initial, length: s.length });
          break;
        case 'for':
          this.#declare(s.name, s.from.type, {});
          break;
        case 'assign':
          this.#touch(s.name);
          break;
        case 'set_element':
          this.#touch(s.array);
          break;
        default:
      }
      for (const block of blocksOf(s)) this.#statements(block.body, false);
    }
  }

  #declare(
    name: string,
    type: ValueType,
    options: { tracked?: boolean; uniform?: boolean; region?: number; length?: Expression },
  ): void {
    if (this.variables.has(name)) throw new Error(`kernel ${this.kernel.name}: ${name} is declared twice`);
    const region = options.region ?? this.#region;
    this.variables.set(name, {
      id: `v${this.variables.size}`,
      type,
      scalar: scalarOf(type),
      lanes: lanesOf(type),
      isArray: options.length !== undefined,
      ...(options.length ? { length: options.length } : {}),
      tracked: options.tracked ?? false,
      uniform: options.uniform ?? false,
      region,
      crosses: region === -1,
    });
  }

  #use(e: Expression): void {
    visitExpression(e, (x) => {
      if (x.kind === 'local') this.#touch(x.name);
      else if (x.kind === 'element') this.#touch(x.array);
    });
  }

  #touch(name: string): void {
    const variable = this.variables.get(name);
    if (!variable) throw new Error(`kernel ${this.kernel.name}: ${name} is not declared`);
    if (variable.region !== this.#region) variable.crosses = true;
  }
}
