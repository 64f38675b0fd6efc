/** Matrix products in f64 over row-major arrays, blocked so that the reference runs whole models in seconds. */

/** y[n, o] = Σ_i x[n, i] w[o, i]. */
export function timesTransposed(
  x: Float64Array,
  w: Float64Array,
  rows: number,
  inner: number,
  outputs: number,
): Float64Array {
  const y = new Float64Array(rows * outputs);
  // Four outputs by two rows at a time: eight sums in registers for six loads.
  for (let o = 0; o < outputs; o += 4) {
    const count = Math.min(4, outputs - o);
    const w0 = o * inner;
    const w1 = w0 + (count > 1 ? inner : 0);
    const w2 = w0 + (count > 2 ? 2 * inner : 0);
    const w3 = w0 + (count > 3 ? 3 * inner : 0);
    for (let n = 0; n < rows; n += 2) {
      const x0 = n * inner;
      const x1 = n + 1 < rows ? x0 + inner : x0;
      let a0 = 0,
        a1 = 0,
        a2 = 0,
        a3 = 0,
        b0 = 0,
        b1 = 0,
        b2 = 0,
        b3 = 0;
      for (let i = 0; i < inner; i++) {
        const a = x[x0 + i]!;
        const b = x[x1 + i]!;
        const p = w[w0 + i]!;
        const q = w[w1 + i]!;
        const r = w[w2 + i]!;
        const s = w[w3 + i]!;
        a0 += a * p;
        a1 += a * q;
        a2 += a * r;
        a3 += a * s;
        b0 += b * p;
        b1 += b * q;
        b2 += b * r;
        b3 += b * s;
      }
      const at = n * outputs + o;
      y[at] = a0;
      if (count > 1) y[at + 1] = a1;
      if (count > 2) y[at + 2] = a2;
      if (count > 3) y[at + 3] = a3;
      if (n + 1 < rows) {
        const below = at + outputs;
        y[below] = b0;
        if (count > 1) y[below + 1] = b1;
        if (count > 2) y[below + 2] = b2;
        if (count > 3) y[below + 3] = b3;
      }
    }
  }
  return y;
}

/** y[n, i] = Σ_o x[n, o] w[o, i]. */
export function times(x: Float64Array, w: Float64Array, rows: number, inner: number, outputs: number): Float64Array {
  return timesTransposed(x, transposed(w, inner, outputs), rows, inner, outputs);
}

/** w[o, i] = Σ_n a[n, o] b[n, i]. */
export function transposedTimes(
  a: Float64Array,
  b: Float64Array,
  rows: number,
  left: number,
  right: number,
): Float64Array {
  return timesTransposed(transposed(a, rows, left), transposed(b, rows, right), left, rows, right);
}

/** Rows become columns, in blocks that stay in the cache. */
export function transposed(x: Float64Array, rows: number, columns: number): Float64Array {
  const block = 32;
  const y = new Float64Array(x.length);
  for (let top = 0; top < rows; top += block) {
    const bottom = top + block < rows ? top + block : rows;
    for (let left = 0; left < columns; left += block) {
      const right = left + block < columns ? left + block : columns;
      for (let c = left; c < right; c++) for (let r = top; r < bottom; r++) y[c * rows + r] = x[r * columns + c]!;
    }
  }
  return y;
}
