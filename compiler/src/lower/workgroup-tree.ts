/** Joins the values of a workgroup's invocations by a tree: the same values give the same bits, whatever the device. */
import type { KernelBuilder, SharedArray } from '../kernel/build.js';
import * as e from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';

export type Join = (a: Expression, b: Expression) => Expression;

/**
 * Joins the values of `threads` invocations, a power of two, in `partial`, which has room for them. Ends with a barrier, after
 * which every invocation may read the result; what writes `partial` again has to wait for that. Uniform control flow only.
 */
export function joinByTree(
  builder: KernelBuilder,
  partial: SharedArray,
  threads: number,
  value: Expression,
  join: Join,
): Expression {
  const local = e.builtin('local_index');
  partial.set(local, value);
  builder.barrier();
  for (let stride = threads / 2; stride >= 1; stride /= 2) {
    builder.if(e.lt(local, stride), () =>
      partial.set(local, join(partial.at(local), partial.at(e.add(local, stride)))),
    );
    builder.barrier();
  }
  return partial.at(0);
}

/** The same, known to all as `hint`, for many values one after another: ends when everyone has read it. */
export function knownByTree(
  builder: KernelBuilder,
  partial: SharedArray,
  threads: number,
  hint: string,
  value: Expression,
  join: Join,
): Expression {
  const result = builder.let(hint, joinByTree(builder, partial, threads, value, join));
  builder.barrier();
  return result;
}
