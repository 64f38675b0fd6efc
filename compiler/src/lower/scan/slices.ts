import type { Dim } from '../../graph/types.js';
import type { KernelBuilder } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import type { AxisClass } from './axes.js';
import { extentOf } from './axes.js';
import { ZERO } from './evaluate.js';
import type { Place } from './evaluate.js';
import type { ScanLayout } from './plan.js';

/** The workgroup's slice of the independent dimensions: which part of each it has. */
export class ScanSlices {
  readonly #origins = new Map<
    AxisClass,
    { readonly first: Expression; readonly extent: number; readonly ragged: boolean }
  >();

  /** @param index of the workgroup among those of a sequence */
  constructor(
    readonly builder: KernelBuilder,
    { slices }: ScanLayout,
    index: Expression,
  ) {
    let rest = index;
    for (const { class: c, extent, size } of [...slices].reverse()) {
      const count = Math.ceil(extent / size);
      if (count === 1) continue;
      const own = c === slices[0]!.class ? rest : e.mod(rest, count);
      this.#origins.set(c, { first: builder.let('slice', e.mul(own, size)), extent, ragged: extent % size !== 0 });
      rest = builder.let('rest', e.div(rest, count));
    }
  }

  /** Index in the whole tensor of an index in the slice. Past the end of a ragged slice it stays at the last element. */
  #global(c: AxisClass, index: Expression): Expression {
    const origin = this.#origins.get(c);
    if (!origin) return index;
    const global = e.add(origin.first, index);
    return origin.ragged ? e.min(global, origin.extent - 1) : global;
  }

  globalPlace(dims: readonly Dim[], classOf: (d: Dim) => AxisClass, place: Place): Place {
    return Object.fromEntries(
      dims.map((d) => [d.name, extentOf(d) === 1 ? ZERO : this.#global(classOf(d), place[d.name] ?? ZERO)]),
    );
  }

  /** Runs `body` unless the place is past the end of a ragged slice. */
  ifInside(dims: readonly Dim[], classOf: (d: Dim) => AxisClass, place: Place, body: () => void): void {
    const conditions = dims.flatMap((d) => {
      const origin = extentOf(d) === 1 ? undefined : this.#origins.get(classOf(d));
      return origin?.ragged ? [e.lt(e.add(origin.first, place[d.name]!), origin.extent)] : [];
    });
    if (conditions.length === 0) body();
    else
      this.builder.if(
        conditions.reduce((a, b) => e.and(a, b)),
        body,
      );
  }
}
