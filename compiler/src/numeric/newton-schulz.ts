/** Newton-Schulz iterations as Muon takes them (Jordan et al. 2024), in f64. */
import { times, timesTransposed, transposed } from './matrix.js';

/** Looked up once for the inner loops. */
const { max, sqrt } = Math;

/** X becomes a X + (b XXᵀ + c (XXᵀ)²) X: singular values go to about one, those near zero fastest. */
export const NEWTON_SCHULZ = { a: 3.4445, b: -4.775, c: 2.0315 } as const;
/** A smaller norm counts as this. */
export const LEAST_NORM = 1e-7;

/**
 * Nearly the orthogonal factor of a matrix: singular vectors stay, singular values come near one.
 *
 * @param x [rows, columns]
 */
export function orthogonalised(x: Float64Array, rows: number, columns: number, iterations: number): Float64Array {
  const tall = rows > columns;
  const [n, m] = tall ? [columns, rows] : [rows, columns];
  const norm = max(sqrt(x.reduce((sum, v) => sum + v * v, 0)), LEAST_NORM);
  let wide = (tall ? transposed(x, rows, columns) : x).map((v) => v / norm);
  const { a, b, c } = NEWTON_SCHULZ;
  for (let i = 0; i < iterations; i++) {
    const gram = timesTransposed(wide, wide, n, m, n);
    const square = timesTransposed(gram, gram, n, n, n);
    const polynomial = gram.map((v, at) => b * v + c * square[at]!);
    const product = times(polynomial, wide, n, n, m);
    wide = wide.map((v, at) => a * v + product[at]!);
  }
  return tall ? transposed(wide, n, m) : wide;
}
