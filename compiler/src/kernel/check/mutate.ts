/**
 * Kernels with one seeded mistake each, of the kinds that people make. A test suite is good enough when every mutant is
 * caught: by the verifier, by a fault of the checking interpreter, or by a result that differs from the reference.
 */
import * as make from '../expressions.js';
import type { BinaryOperator, Expression, Kernel, Statement } from '../ir.js';
import {
  blocksOf,
  describeStatement,
  expressionsOf,
  mapOperands,
  mapStatementExpressions,
  operandsOf,
} from '../walk.js';

export type MutationKind =
  | 'drop_barrier'
  /** An index one too large. */
  | 'off_by_one'
  /** A loop that starts one later or ends one later. */
  | 'loop_bounds'
  /** An `if`, `&&` or `select` whose condition is taken for true. */
  | 'drop_mask'
  /** `<` for `<=` and the like. */
  | 'strictness'
  | 'initial_value'
  /** A store or assignment left out. */
  | 'drop_store';

export interface Mutant {
  readonly kind: MutationKind;
  /** Path of the statement that was changed, as the checking interpreter writes it. */
  readonly path: string;
  readonly description: string;
  readonly kernel: Kernel;
}

export interface MutateOptions {
  /** Default all. */
  readonly kinds?: readonly MutationKind[];
  /** At most so many, spread evenly over the kernel; default all. */
  readonly limit?: number;
}

/** All mutants of a kernel, in the order of its statements. Deterministic. Some may compute the same as the kernel. */
export function mutate(kernel: Kernel, options: MutateOptions = {}): readonly Mutant[] {
  const all = mutationsOfList(kernel.body, '')
    .filter((m) => options.kinds?.includes(m.kind) ?? true)
    .map(({ kind, path, description, body }): Mutant => ({ kind, path, description, kernel: { ...kernel, body } }));
  const limit = options.limit ?? all.length;
  if (all.length <= limit) return all;
  return Array.from({ length: limit }, (_, i) => all[Math.floor((i * all.length) / limit)]!);
}

interface ListMutation {
  readonly kind: MutationKind;
  readonly path: string;
  readonly description: string;
  readonly body: readonly Statement[];
}

function mutationsOfList(body: readonly Statement[], prefix: string): readonly ListMutation[] {
  return body.flatMap((s, i) => {
    const path = `${prefix}${i}.${describeStatement(s)}`;
    const replaced = (statements: readonly Statement[]): readonly Statement[] => [
      ...body.slice(0, i),
      ...statements,
      ...body.slice(i + 1),
    ];
    const own = mutationsOfStatement(s).map(({ kind, description, statements }) => ({
      kind,
      path,
      description,
      body: replaced(statements),
    }));
    const nested = blocksOf(s).flatMap(({ label, body: block }) =>
      mutationsOfList(block, `${path}.${label}.`).map((m) => ({ ...m, body: replaced([withBlock(s, label, m.body)]) })),
    );
    return [...own, ...nested];
  });
}

function withBlock(s: Statement, label: string, body: readonly Statement[]): Statement {
  return { ...s, [label]: body } as Statement;
}

interface StatementMutation {
  readonly kind: MutationKind;
  readonly description: string;
  readonly statements: readonly Statement[];
}

function mutationsOfStatement(s: Statement): readonly StatementMutation[] {
  const one = (kind: MutationKind, description: string, ...statements: Statement[]): StatementMutation => ({
    kind,
    description,
    statements,
  });
  return [...special(s, one), ...inExpressions(s)];
}

function special(
  s: Statement,
  one: (kind: MutationKind, description: string, ...statements: Statement[]) => StatementMutation,
): readonly StatementMutation[] {
  switch (s.kind) {
    case 'comment':
    case 'let':
      return [];
    case 'barrier':
      return [one('drop_barrier', 'no barrier')];
    case 'assign':
      return [one('drop_store', `${s.name} is not assigned`)];
    case 'set_element':
      return [
        one('drop_store', `${s.array} is not written`),
        one('off_by_one', 'index + 1', { ...s, index: plusOne(s.index) }),
      ];
    case 'store_shared':
      return [
        one('drop_store', `${s.array} is not written`),
        one('off_by_one', 'index + 1', { ...s, index: plusOne(s.index) }),
      ];
    case 'store':
      return [
        one('drop_store', `${s.buffer} is not written`),
        one('off_by_one', 'index + 1', { ...s, index: plusOne(s.index) }),
      ];
    case 'var':
    case 'array': {
      const initial = s.initial && otherValue(s.initial);
      return initial ? [one('initial_value', 'another initial value', { ...s, initial })] : [];
    }
    case 'for':
      return [
        one('loop_bounds', 'ends one later', { ...s, to: plusOne(s.to) }),
        one('loop_bounds', 'starts one later', { ...s, from: plusOne(s.from) }),
      ];
    case 'if':
      return [one('drop_mask', 'the condition is true', { ...s, condition: make.bool(true) })];
  }
}

const plusOne = (e: Expression): Expression => make.add(e, 1);

/** 0 becomes 1, everything else 0: masks such as -1e30 and limits are lost. */
function otherValue(e: Expression): Expression | undefined {
  if (e.kind === 'vector') {
    const components = e.components.map(otherValue);
    return components.some((c) => c === undefined) ? undefined : { ...e, components: components as Expression[] };
  }
  if (e.type === 'bool' || make.isVector(e.type)) return undefined;
  return { kind: 'literal', type: e.type, value: make.isLiteral(e, 0) ? 1 : 0 };
}

function inExpressions(s: Statement): readonly StatementMutation[] {
  return expressionsOf(s).flatMap((root) =>
    mutationsOfExpression(root).map(({ kind, description, expression }) => ({
      kind,
      description,
      statements: [mapStatementExpressions(s, (e) => (e === root ? expression : e))],
    })),
  );
}

interface ExpressionMutation {
  readonly kind: MutationKind;
  readonly description: string;
  readonly expression: Expression;
}

const STRICTNESS: Readonly<Partial<Record<BinaryOperator, BinaryOperator>>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
};

function mutationsOfExpression(e: Expression): readonly ExpressionMutation[] {
  const inner = operandsOf(e).flatMap((operand) =>
    mutationsOfExpression(operand).map((m) => ({
      ...m,
      expression: mapOperands(e, (other) => (other === operand ? m.expression : other)),
    })),
  );
  return [...ownMutations(e), ...inner];
}

function ownMutations(e: Expression): readonly ExpressionMutation[] {
  switch (e.kind) {
    case 'binary': {
      const other = STRICTNESS[e.operator];
      if (other) {
        return [
          { kind: 'strictness', description: `${other} for ${e.operator}`, expression: { ...e, operator: other } },
        ];
      }
      if (e.operator !== '&&') return [];
      return [
        { kind: 'drop_mask', description: 'no left side of &&', expression: e.right },
        { kind: 'drop_mask', description: 'no right side of &&', expression: e.left },
      ];
    }
    case 'select':
      return [{ kind: 'drop_mask', description: 'no select', expression: e.then }];
    case 'load':
    case 'load_weights':
      return [
        { kind: 'off_by_one', description: `${e.buffer}[index + 1]`, expression: { ...e, index: plusOne(e.index) } },
      ];
    case 'load_shared':
    case 'element':
      return [
        { kind: 'off_by_one', description: `${e.array}[index + 1]`, expression: { ...e, index: plusOne(e.index) } },
      ];
    default:
      return [];
  }
}
