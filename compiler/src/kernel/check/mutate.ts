/**
 * Kernels with one seeded mistake each, of the kinds that people make. A test suite is good enough when every mutant is
 * caught: by the verifier, by a fault of the checking interpreter, or by a result that differs from the reference.
 *
 * Some mutants do what the kernel does: a mask that holds everywhere at these sizes, a barrier's worth of nothing. `probe`
 * finds out by running the kernel itself: a mutant whose changed place never gives another value, takes another branch or
 * runs another number of rounds executes exactly what the kernel executes on these inputs, and no check could tell them apart.
 * Others do more than the kernel, of which nothing comes: `exaggerated` is the test of that.
 */
import * as make from '../expressions.js';
import type { BinaryOperator, Expression, Kernel, Statement } from '../ir.js';
import {
  blocksOf,
  describeStatement,
  expressionsOf,
  mapBlocks,
  mapOperands,
  mapStatementExpressions,
  operandsOf,
  visitKernelExpressions,
} from '../walk.js';
import { poisonedBranch, poisonedLoop, poisonedValue, POISONS } from './poison.js';

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
  /** `b - a` for `a - b` and the like, `min` for `max`. */
  | 'swapped'
  /** A variable that starts without a value where it is 0, and with 0 where it is something else. */
  | 'initial_value'
  /** A store or assignment left out. */
  | 'drop_store';

export interface Mutant {
  readonly kind: MutationKind;
  /** Path of the statement that was changed, as the checking interpreter writes it. */
  readonly path: string;
  readonly description: string;
  readonly kernel: Kernel;
  /** The kernel itself, which sets `probe[0]` where the mutant would do something else. */
  probe(): Kernel;
  /**
   * Kernels that go further than the mutant: values are poisoned where the mutant does something else (`poison.ts`), and
   * `probe[0]` is set where one would be stored; without a barrier in a loop, which may make only one round, becomes without any
   * barrier. If these too make what the kernel makes, bit by bit and without a fault, the change is of no account. None where
   * nothing goes further.
   */
  exaggerated(): readonly Kernel[];
}

/** Name of the buffer (one u32) that probes, and exaggerated mutants with values, have besides the kernel's own. */
export const PROBE = 'mutant_probe';

export interface MutateOptions {
  /** Default all. */
  readonly kinds?: readonly MutationKind[];
  /** At most so many, spread evenly over the kernel; default all. */
  readonly limit?: number;
}

/** All mutants of a kernel, in the order of its statements. Deterministic. Some may compute the same as the kernel. */
export function mutate(kernel: Kernel, options: MutateOptions = {}): readonly Mutant[] {
  const squared = onlySquared(kernel);
  const all = mutationsOfList(kernel.body, '')
    .filter((m) => options.kinds?.includes(m.kind) ?? true)
    // (b - a)² is (a - b)².
    .filter(({ negates }) => negates === undefined || !squared.has(negates))
    .map(({ kind, path, description, statements, poisoned, probed, place }): Mutant => {
      const noting = (body: readonly Statement[]): Kernel => ({
        ...kernel,
        buffers: [...kernel.buffers, { name: PROBE, element: 'u32', access: 'read_write', doc: '' }],
        body: place(body),
      });
      return {
        kind,
        path,
        description,
        kernel: { ...kernel, body: place(statements) },
        probe: () => noting(probed),
        exaggerated: () => {
          if (kind === 'drop_barrier') {
            const inLoop = path.includes('.for(');
            return [{ ...kernel, body: inLoop ? withoutBarriers(kernel.body) : place(statements) }];
          }
          return POISONS.flatMap((poison) => {
            const body = poisoned?.(poison);
            return body ? [noting(body)] : [];
          });
        },
      };
    });
  const limit = options.limit ?? all.length;
  if (all.length <= limit) return all;
  return Array.from({ length: limit }, (_, i) => all[Math.floor((i * all.length) / limit)]!);
}

/** Names of the values that are only ever multiplied by themselves. */
function onlySquared(kernel: Kernel): ReadonlySet<string> {
  const uses = new Map<string, number>();
  const squares = new Map<string, number>();
  const count = (counts: Map<string, number>, name: string, n: number): void => {
    counts.set(name, (counts.get(name) ?? 0) + n);
  };
  visitKernelExpressions(kernel, (x) => {
    if (x.kind === 'local') count(uses, x.name, 1);
    if (x.kind !== 'binary' || x.operator !== '*') return;
    const { left, right } = x;
    if (left.kind === 'local' && right.kind === 'local' && left.name === right.name) count(squares, left.name, 2);
  });
  return new Set([...squares].filter(([name, n]) => uses.get(name) === n).map(([name]) => name));
}

function withoutBarriers(body: readonly Statement[]): readonly Statement[] {
  return body.flatMap((s) => (s.kind === 'barrier' ? [] : [mapBlocks(s, withoutBarriers)]));
}

interface ListMutation extends StatementMutation {
  readonly path: string;
  /** The statement itself after what notes that the mutant would differ. */
  readonly probed: readonly Statement[];
  /** The whole list with other statements in place of the mutated one. */
  place(statements: readonly Statement[]): readonly Statement[];
}

function mutationsOfList(body: readonly Statement[], prefix: string): readonly ListMutation[] {
  return body.flatMap((s, i) => {
    const path = `${prefix}${i}.${describeStatement(s)}`;
    const place = (statements: readonly Statement[]): readonly Statement[] => [
      ...body.slice(0, i),
      ...statements,
      ...body.slice(i + 1),
    ];
    const own = mutationsOfStatement(s).map((m) => ({ ...m, path, place, probed: [note(m.differs), s] }));
    const nested = blocksOf(s).flatMap(({ label, body: block }) =>
      mutationsOfList(block, `${path}.${label}.`).map((m) => ({
        ...m,
        place: (statements: readonly Statement[]) => place([withBlock(s, label, m.place(statements))]),
      })),
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
  /** Whether the mutant does something else than the statement, where the statement stands. */
  readonly differs: Expression;
  /** What stands for them in an exaggerated mutant. */
  readonly poisoned?: (poison: number) => readonly Statement[] | undefined;
  /** Value that has the other sign in the mutant. */
  readonly negates?: string;
}

function note(differs: Expression): Statement {
  const store: Statement = { kind: 'store', buffer: PROBE, index: make.u32(0), value: make.u32(1) };
  return { kind: 'if', condition: differs, then: [store] };
}

const ALWAYS = make.bool(true);
const NEVER = make.bool(false);

/** Whether two expressions of one type have different values. */
function unequal(a: Expression, b: Expression): Expression {
  if (make.isVector(a.type)) {
    const lanes = Array.from({ length: make.lanesOf(a.type) }, (_, i) => [make.component(a, i), make.component(b, i)]);
    return lanes.map(([x, y]) => make.ne(x!, y!)).reduce((x, y) => make.or(x, y));
  }
  const word = (e: Expression): Expression => (e.type === 'bool' ? make.select(e, make.u32(1), make.u32(0)) : e);
  return make.ne(word(a), word(b));
}

/** How many rounds a loop makes. */
function rounds({ from, to, step }: Statement & { readonly kind: 'for' }): Expression {
  const zero: Expression = { ...make.u32(0), type: from.type } as Expression;
  const distance = make.sub(make.call('max', to, from), from);
  return make.select(make.gt(to, from), make.div(make.sub(make.add(distance, step), 1), step), zero);
}

function mutationsOfStatement(s: Statement): readonly StatementMutation[] {
  const one: MakeMutation = (kind, description, differs, ...statements) => ({ kind, description, differs, statements });
  return [...special(s, one), ...inExpressions(s)];
}

type MakeMutation = (
  kind: MutationKind,
  description: string,
  differs: Expression,
  ...statements: Statement[]
) => StatementMutation;

function special(s: Statement, one: MakeMutation): readonly StatementMutation[] {
  switch (s.kind) {
    case 'comment':
    case 'let':
      return [];
    case 'barrier':
      return [one('drop_barrier', 'no barrier', ALWAYS)];
    case 'assign':
      return [
        {
          ...one('drop_store', `${s.name} is not assigned`, assigns(s)),
          poisoned: (poison) => poisonedValue(s, s.value, ALWAYS, poison),
        },
      ];
    case 'set_element':
    case 'store_shared': {
      const next = { ...s, index: plusOne(s.index) };
      const poisonedPlaces = (poison: number, ...places: (typeof s)[]): readonly Statement[] | undefined => {
        const all = places.map((place) => poisonedValue(place, place.value, ALWAYS, poison));
        return all.some((list) => list === undefined) ? undefined : all.flatMap((list) => list!);
      };
      return [
        {
          ...one('drop_store', `${s.array} is not written`, ALWAYS),
          poisoned: (poison) => poisonedPlaces(poison, s),
        },
        {
          ...one('off_by_one', 'index + 1', ALWAYS, next),
          poisoned: (poison) => poisonedPlaces(poison, s, next),
        },
      ];
    }
    case 'store':
      return [
        one('drop_store', `${s.buffer} is not written`, ALWAYS),
        one('off_by_one', 'index + 1', ALWAYS, { ...s, index: plusOne(s.index) }),
      ];
    case 'var':
    case 'array': {
      if (!s.initial) return [];
      const { initial, ...without } = s;
      // Reading it is a fault.
      if (isZero(initial)) return [one('initial_value', 'no initial value', NEVER, without)];
      const zero = zeroOf(initial);
      if (!zero) return [];
      const differs = unequal(initial, zero);
      return [
        {
          ...one('initial_value', 'zero at first', differs, { ...s, initial: zero }),
          poisoned: (poison) => poisonedValue(s, initial, differs, poison),
        },
      ];
    }
    case 'for': {
      const later: Statement & { kind: 'for' } = { ...s, to: plusOne(s.to) };
      return [
        {
          ...one('loop_bounds', 'ends one later', make.ne(rounds(s), rounds(later)), later),
          poisoned: (poison) => poisonedLoop(s, later.to, note, poison),
        },
        one('loop_bounds', 'starts one later', make.lt(s.from, s.to), { ...s, from: plusOne(s.from) }),
      ];
    }
    case 'if':
      return [
        {
          ...one('drop_mask', 'the condition is true', make.not(s.condition), { ...s, condition: ALWAYS }),
          poisoned: (poison) => poisonedBranch(s, ALWAYS, make.not(s.condition), note, poison),
        },
      ];
  }
}

/** Whether an assignment changes anything. */
function assigns({ name, component, value }: Statement & { readonly kind: 'assign' }): Expression {
  if (component === undefined) return unequal({ kind: 'local', type: value.type, name }, value);
  // The variable's type is not known here, only its component's.
  return ALWAYS;
}

const plusOne = (e: Expression): Expression => make.add(e, 1);

function isZero(e: Expression): boolean {
  return e.kind === 'vector' ? e.components.every(isZero) : make.isLiteral(e, 0);
}

/** Zero of the same type: masks such as -1e30 and limits are lost. */
function zeroOf(e: Expression): Expression | undefined {
  if (e.kind === 'vector') {
    const components = e.components.map(zeroOf);
    return components.some((c) => c === undefined) ? undefined : { ...e, components: components as Expression[] };
  }
  if (e.type === 'bool' || make.isVector(e.type)) return undefined;
  return { kind: 'literal', type: e.type, value: 0 };
}

function inExpressions(s: Statement): readonly StatementMutation[] {
  return expressionsOf(s).flatMap((root) =>
    mutationsOfExpression(root).map(({ kind, description, expression }) => {
      // A loop's ends are looked at once a round.
      const differs = s.kind === 'for' && root !== s.from ? ALWAYS : unequal(root, expression);
      return {
        kind,
        description,
        differs,
        statements: [mapStatementExpressions(s, (e) => (e === root ? expression : e))],
        ...(s.kind === 'let' && isDifference(root) && isDifference(expression) && root.left === expression.right
          ? { negates: s.name }
          : {}),
        poisoned: (poison: number) =>
          s.kind === 'if'
            ? poisonedBranch(s, expression, differs, note, poison)
            : poisonedValue(s, root, differs, poison),
      };
    }),
  );
}

const isDifference = (e: Expression): e is Expression & { kind: 'binary' } =>
  e.kind === 'binary' && e.operator === '-' && make.scalarOf(e.type) === 'f32';

/** Operators whose operands are not interchangeable. */
const SWAPPED: ReadonlySet<BinaryOperator> = new Set(['-', '/', '%', '<<', '>>']);

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
      if (SWAPPED.has(e.operator))
        return [
          {
            kind: 'swapped',
            description: `operands of ${e.operator}`,
            expression: { ...e, left: e.right, right: e.left },
          },
        ];
      if (e.operator !== '&&') return [];
      return [
        { kind: 'drop_mask', description: 'no left side of &&', expression: e.right },
        { kind: 'drop_mask', description: 'no right side of &&', expression: e.left },
      ];
    }
    case 'call': {
      const other = { min: 'max', max: 'min' } as const;
      if (e.fn !== 'min' && e.fn !== 'max') return [];
      return [{ kind: 'swapped', description: `${other[e.fn]} for ${e.fn}`, expression: { ...e, fn: other[e.fn] } }];
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
