/** Largest singular value of a matrix and its singular vectors, by power iteration in f64. */
export interface TopSingular {
  readonly value: number;
  /** Unit vectors: W right = value · left. */
  readonly left: Float64Array;
  readonly right: Float64Array;
}

const MAXIMUM_STEPS = 100_000;

/** @param w row-major [rows, columns]. */
export function topSingular(w: Float64Array, rows: number, columns: number): TopSingular {
  const left = new Float64Array(rows);
  const right = new Float64Array(columns);
  // A fixed start without structure, so that it is not orthogonal to the singular vector of any matrix people write.
  for (let i = 0; i < columns; i++) right[i] = 1 + 0.5 * Math.sin(1 + i * 2.399963);
  normalize(right);
  let value = 0;
  for (let step = 0; step < MAXIMUM_STEPS; step++) {
    for (let r = 0; r < rows; r++) {
      let total = 0;
      for (let c = 0; c < columns; c++) total += w[r * columns + c]! * right[c]!;
      left[r] = total;
    }
    value = normalize(left);
    if (value === 0) break;
    const next = new Float64Array(columns);
    for (let r = 0; r < rows; r++) {
      const factor = left[r]!;
      for (let c = 0; c < columns; c++) next[c]! += factor * w[r * columns + c]!;
    }
    normalize(next);
    let change = 0;
    for (let c = 0; c < columns; c++) change = Math.max(change, Math.abs(next[c]! - right[c]!));
    right.set(next);
    // The value's error is the square of the vector's; going on until the vector stands still serves the gradient.
    if (change < 1e-15) break;
  }
  return { value, left, right };
}

/** Scales to unit length; returns the length before. */
function normalize(v: Float64Array): number {
  let square = 0;
  for (const x of v) square += x * x;
  const length = Math.sqrt(square);
  if (length > 0) for (let i = 0; i < v.length; i++) v[i]! /= length;
  return length;
}
