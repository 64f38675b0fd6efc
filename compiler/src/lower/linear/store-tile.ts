import type { Variable } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import type { LinearShape } from './shape.js';

/** Where an invocation's sums belong. */
export interface TilePlace {
  readonly vectorOf: (v: Expression) => Expression;
  /** Row within the bound part of the matrix. */
  readonly rowOf: (r: Expression) => Expression;
  readonly vectors: Expression;
  readonly rows: Expression;
  /** First row of the bound part. */
  readonly base: Expression;
}

/**
 * Runs the epilogue on an invocation's tile of sums, [vectors][rows]. A loop, because written out the epilogue would be
 * most of the kernel's text and of the time to compile it; the sums go through a private array to be indexed by it.
 */
export function storeTile(shape: LinearShape, sums: readonly (readonly Variable[])[], place: TilePlace): void {
  const { builder } = shape.kernel;
  const unit = shape.interleave;
  const rows = sums[0]!.length;
  const results = builder.array('results', 'f32', sums.length * rows);
  sums.forEach((row, v) => row.forEach((sum, r) => results.set(v * rows + r, sum.value)));
  builder.for('v', 0, sums.length, (v) => {
    const vector = builder.let('vector', place.vectorOf(v));
    builder.if(e.lt(vector, place.vectors), () => {
      const { time, kept } = shape.split(vector);
      builder.for(
        'r',
        0,
        rows,
        (r) => {
          const at = builder.let('at', place.rowOf(r));
          builder.if(e.lt(at, place.rows), () => {
            const first = builder.let('result', e.add(e.mul(v, rows), r));
            const values = Array.from({ length: unit }, (_, j) => builder.let('value', results.at(e.add(first, j))));
            shape.store(time, kept, [builder.let('row', e.add(place.base, at))], values);
          });
        },
        { step: unit },
      );
    });
  });
}
