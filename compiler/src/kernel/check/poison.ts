/**
 * Mistakes that are of no account: a kernel may compute what nobody looks at, such as the sums of rows past the end of a
 * matrix, which are not stored. Where a mutant does something else, a poisoned kernel has poison for each value that comes of
 * it, and notes what would be stored. If its results are those of the kernel to the last bit, whatever the poison, then they
 * do not depend on what stands in the changed place.
 */
import * as make from '../expressions.js';
import type { Expression, Statement } from '../ir.js';
import { mapBlocks, visitStatements } from '../walk.js';

/** What arithmetic spreads, and what comparisons with it cannot hide: one of the three changes a result that depends on it. */
export const POISONS: readonly number[] = [NaN, 3e38, -3e38];

/** Statement that notes, where a condition holds, that a mutant would store something. */
type Note = (differs: Expression) => Statement;

/** Whether the mutant does something else, where that is asked more than once. */
const DIFFERS = { kind: 'local', type: 'bool', name: 'mutant_differs' } as const;

/**
 * The statements in place of `s` where a mutant has another value in it.
 *
 * @param own one of the statement's expressions
 * @param differs whether the mutant's is another
 * @returns undefined where what comes of it is not a float in a variable or in workgroup memory
 */
export function poisonedValue(
  s: Statement,
  own: Expression,
  differs: Expression,
  poison: number,
): readonly Statement[] | undefined {
  const changed = (value: Expression): Expression | undefined =>
    value === own ? poisoned(differs, value, poison) : undefined;
  switch (s.kind) {
    case 'let':
    case 'assign':
    case 'store_shared':
    case 'set_element': {
      const value = changed(s.value);
      return value && [{ ...s, value }];
    }
    case 'var':
    case 'array': {
      const initial = s.initial && changed(s.initial);
      return initial && [{ ...s, initial }];
    }
    default:
      return undefined;
  }
}

/**
 * The statements in place of an `if` whose condition is another in a mutant: its body runs where either condition holds.
 *
 * @param differs whether only one holds
 * @returns undefined where there is an `else`
 */
export function poisonedBranch(
  s: Statement & { readonly kind: 'if' },
  mutated: Expression,
  differs: Expression,
  note: Note,
  poison: number,
): readonly Statement[] | undefined {
  if (s.else) return undefined;
  return [
    { kind: 'let', name: DIFFERS.name, value: differs },
    { ...s, condition: make.or(s.condition, mutated), then: poisonedBody(s.then, note, poison) },
  ];
}

/** The statements in place of a loop that ends later in a mutant. */
export function poisonedLoop(
  s: Statement & { readonly kind: 'for' },
  later: Expression,
  note: Note,
  poison: number,
): readonly Statement[] {
  const round: Expression = { kind: 'local', type: s.from.type as 'u32' | 'i32', name: s.name };
  const differs: Statement = { kind: 'let', name: DIFFERS.name, value: make.ge(round, s.to) };
  return [{ ...s, to: later, body: [differs, ...poisonedBody(s.body, note, poison)] }];
}

/** What a list of statements leaves behind is poisoned where the mutant does something else. */
function poisonedBody(body: readonly Statement[], note: Note, poison: number): readonly Statement[] {
  const inside = new Set<string>();
  visitStatements(body, (inner) => {
    if (inner.kind === 'var' || inner.kind === 'array') inside.add(inner.name);
  });
  const effects = (list: readonly Statement[]): readonly Statement[] =>
    list.flatMap((inner): readonly Statement[] => {
      switch (inner.kind) {
        case 'assign':
        case 'set_element':
        case 'store_shared': {
          if (inside.has(inner.kind === 'assign' ? inner.name : inner.array)) return [inner];
          const value = poisoned(DIFFERS, inner.value, poison);
          return value ? [{ ...inner, value }] : [note(DIFFERS), inner];
        }
        case 'store':
          return [note(DIFFERS), inner];
        default:
          return [mapBlocks(inner, effects)];
      }
    });
  return effects(body);
}

/** Poison where `differs` holds; undefined if the value is no float. */
function poisoned(differs: Expression, value: Expression, poison: number): Expression | undefined {
  return make.scalarOf(value.type) === 'f32' ? make.select(differs, poison, value) : undefined;
}
