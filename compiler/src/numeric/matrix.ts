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
  const y = new Float64Array(rows * outputs);
  for (let n = 0; n < rows; n++) {
    for (let o = 0; o < inner; o += 4) {
      const at = n * inner + o;
      addFour(y, n * outputs, w, o * outputs, outputs, x, at, 1, Math.min(4, inner - o));
    }
  }
  return y;
}

/** w[o, i] = Σ_n a[n, o] b[n, i]. */
export function transposedTimes(
  a: Float64Array,
  b: Float64Array,
  rows: number,
  left: number,
  right: number,
): Float64Array {
  const w = new Float64Array(left * right);
  for (let n = 0; n < rows; n += 4) {
    const count = Math.min(4, rows - n);
    for (let o = 0; o < left; o++) addFour(w, o * right, b, n * right, right, a, n * left + o, left, count);
  }
  return w;
}

/** Adds up to four rows of `from` to a row of `to`, each times a factor; the factors are `stride` apart. */
function addFour(
  to: Float64Array,
  toAt: number,
  from: Float64Array,
  fromAt: number,
  length: number,
  factors: Float64Array,
  factorAt: number,
  stride: number,
  count: number,
): void {
  const f0 = factors[factorAt]!;
  const f1 = count > 1 ? factors[factorAt + stride]! : 0;
  const f2 = count > 2 ? factors[factorAt + 2 * stride]! : 0;
  const f3 = count > 3 ? factors[factorAt + 3 * stride]! : 0;
  if (count < 4) {
    // Rows that are not there must not be read: zero times infinity is not zero.
    for (let k = 0; k < count; k++) {
      const factor = k === 0 ? f0 : k === 1 ? f1 : f2;
      const row = fromAt + k * length;
      for (let i = 0; i < length; i++) to[toAt + i] = to[toAt + i]! + factor * from[row + i]!;
    }
    return;
  }
  const [r1, r2, r3] = [fromAt + length, fromAt + 2 * length, fromAt + 3 * length];
  for (let i = 0; i < length; i++) {
    to[toAt + i] =
      to[toAt + i]! + f0 * from[fromAt + i]! + f1 * from[r1 + i]! + f2 * from[r2 + i]! + f3 * from[r3 + i]!;
  }
}
