/** Plain vectors and matrices in f64, for the formulas of the papers. */
import type { Reference } from '@hyb/compiler';

export type Vector = readonly number[];
export type Matrix = readonly Vector[];

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const silu = (x: number): number => x * sigmoid(x);
export const softplus = (x: number): number => Math.log(1 + Math.exp(x));

/** The normal distribution function of x, by the series and continued fraction of Abramowitz & Stegun 7.1.5 and 7.1.14. */
export function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  let erf: number;
  if (z < 2.5) {
    let term = z;
    let sum = z;
    for (let n = 1; n < 80; n++) {
      term *= -(z * z) / n;
      sum += term / (2 * n + 1);
    }
    erf = (2 / Math.sqrt(Math.PI)) * sum;
  } else {
    let fraction = 0;
    for (let n = 120; n > 0; n--) fraction = n / 2 / (z + fraction);
    erf = 1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction);
  }
  return (1 + Math.sign(x) * erf) / 2;
}

export const gelu = (x: number): number => x * normalCdf(x);

export function dot(a: Vector, b: Vector): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

export function add(a: Vector, b: Vector): Vector {
  return a.map((value, i) => value + b[i]!);
}

export function multiply(a: Vector, b: Vector): Vector {
  return a.map((value, i) => value * b[i]!);
}

/** W x + b */
export function affine(weight: Matrix, x: Vector, bias?: Vector): Vector {
  return weight.map((row, i) => dot(row, x) + (bias?.[i] ?? 0));
}

/** x over its root mean square, times the weight. */
export function rmsNorm(x: Vector, weight: Vector, eps: number): Vector {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + eps);
  return x.map((value, i) => value * scale * weight[i]!);
}

/** x without its mean, over its standard deviation, times the weight, plus the shift. */
export function layerNorm(x: Vector, weight: Vector, shift: Vector, eps: number): Vector {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const centered = x.map((value) => value - mean);
  return rmsNorm(centered, weight, eps).map((value, i) => value + shift[i]!);
}

/** Causal convolution of each channel: the last column of the filter meets the token itself. */
export function convolve(filters: Matrix, sequence: Matrix, bias?: Vector): Matrix {
  return sequence.map((row, t) =>
    row.map((_, channel) => {
      const filter = filters[channel]!;
      let sum = bias?.[channel] ?? 0;
      for (let back = 0; back < filter.length && back <= t; back++) {
        sum += filter[filter.length - 1 - back]! * sequence[t - back]![channel]!;
      }
      return sum;
    }),
  );
}

/** A parameter's rows: all but its last dimension flattened. */
export function matrix({ shape, data }: Reference): Matrix {
  const columns = shape.at(-1)!;
  return Array.from({ length: data.length / columns }, (_, i) => [...data.subarray(i * columns, (i + 1) * columns)]);
}

/** Reads parameters of one layer by their paths. */
export function reader(parameters: ReadonlyMap<string, Reference>, layer: string) {
  const get = (path: string): Reference => {
    const found = parameters.get(`${layer}.${path}`);
    if (found === undefined) throw new Error(`${layer}.${path} is missing`);
    return found;
  };
  return {
    matrix: (path: string): Matrix => matrix(get(path)),
    /** A linear map whose weight may have several output or input dimensions. */
    map: (path: string, inputs: number): Matrix => {
      const { data } = get(path);
      return matrix({ shape: [data.length / inputs, inputs], data });
    },
    vector: (path: string): Vector => [...get(path).data],
  };
}
