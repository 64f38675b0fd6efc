/** Error function in f64, to a few units in the last place (Abramowitz & Stegun 7.1.6 and 7.1.14). */

/** Where the series hands over to the continued fraction: both are accurate to rounding on either side. */
const SERIES_BELOW = 2;

export function erf(x: number): number {
  const size = Math.abs(x);
  if (!(size >= SERIES_BELOW)) return series(x);
  return Math.sign(x) * (1 - tail(size));
}

/** 1 - erf(x), without cancellation for large positive x. */
export function erfc(x: number): number {
  if (x >= SERIES_BELOW) return tail(x);
  return 1 - erf(x);
}

/** erf(x) = 2/sqrt(pi) exp(-x²) Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1)): all terms of one sign. */
function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc(x) = exp(-x²)/sqrt(pi) · 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …)))), evaluated from the inside. */
function tail(x: number): number {
  if (x > 30) return 0;
  let fraction = x;
  for (let n = 120; n >= 1; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}
