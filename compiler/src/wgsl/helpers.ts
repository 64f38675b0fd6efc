/**
 * WGSL of the composite functions, printed into a module only when used. WGSL's own `log` has an absolute error of 2^-21
 * near 1, `tanh` one of 1e-5 and `exp` overflows to an indeterminate value, so these are written out: relative errors stay
 * within a few units of f32, intermediate values stay finite, and rounding to narrow formats is integer arithmetic.
 * Polynomials: Cephes (Moshier), single precision.
 */
import type { Intrinsic } from '../kernel/ir.js';

export type HelperName = Intrinsic | 'erfc_tail';

interface Helper {
  readonly uses: readonly HelperName[];
  readonly doc: string;
  readonly body: string;
}

/** Format of a rounding helper: bits of the f32 mantissa that are dropped, and where the format ends. */
interface NarrowFormat {
  readonly name: string;
  readonly droppedBits: number;
  /** Biased f32 exponent of the smallest normal value. */
  readonly firstNormal: number;
  /** f32 bits of the largest finite value. */
  readonly largest: number;
  readonly saturates: boolean;
}

const hex = (bits: number): string => `0x${bits.toString(16).padStart(8, '0')}u`;

function rounding({ name, droppedBits, firstNormal, largest, saturates }: NarrowFormat): Helper {
  // Quanta of subnormals: 2^(firstNormal - 127 - (23 - droppedBits)).
  const quantumExponent = firstNormal - 23 + droppedBits;
  const half = (1 << (droppedBits - 1)) - 1;
  const mask = ~((1 << droppedBits) - 1) >>> 0;
  const overflow = saturates ? hex(largest) : '0x7f800000u';
  return {
    uses: [],
    doc: `Nearest value of ${name}, ties to even${saturates ? ', saturating' : ''}; integer arithmetic only.`,
    body: `  let bits = bitcast<u32>(x);
  let sign = bits & 0x80000000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return x; // NaN
  }
  let exponent = magnitude >> 23u;
  var rounded = (magnitude + ${hex(half)} + ((magnitude >> ${droppedBits}u) & 1u)) & ${hex(mask)};
  if (exponent < ${firstNormal}u) {
    // Subnormal: a whole number of quanta 2^${quantumExponent - 127}.
    let shift = min(${firstNormal + droppedBits}u - exponent, 31u);
    let mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    let quanta = (mantissa + ((1u << (shift - 1u)) - 1u) + ((mantissa >> shift) & 1u)) >> shift;
    rounded = bitcast<u32>(f32(quanta) * bitcast<f32>(${hex(quantumExponent * 2 ** 23)}));
  }
  if (rounded > ${hex(largest)}) {
    rounded = ${overflow};
  }
  return bitcast<f32>(sign | rounded);`,
  };
}

const HELPERS: Readonly<Partial<Record<HelperName, Helper>>> = {
  sigmoid: {
    uses: [],
    doc: '1 / (1 + exp(-x)); the exponent is limited so that nothing overflows.',
    body: '  return 1.0 / (1.0 + exp(min(-x, 87.0)));',
  },
  silu: { uses: ['sigmoid'], doc: 'x * sigmoid(x).', body: '  return x * sigmoid(x);' },
  log1p: {
    uses: [],
    doc: 'log(1 + x). Near 0 it is 2 artanh(x / (2 + x)), since log is inaccurate near 1.',
    body: `  if (x < -0.5 || x > 1.0) {
    return log(1.0 + x);
  }
  let s = x / (2.0 + x);
  let z = s * s;
  var sum = 0.058823529;
  sum = sum * z + 0.06666667;
  sum = sum * z + 0.07692308;
  sum = sum * z + 0.09090909;
  sum = sum * z + 0.11111111;
  sum = sum * z + 0.14285715;
  sum = sum * z + 0.2;
  sum = sum * z + 0.33333334;
  return 2.0 * (s + s * z * sum);`,
  },
  softplus: { uses: ['log1p'], doc: 'log(1 + exp(x)).', body: '  return max(x, 0.0) + log1p(exp(-abs(x)));' },
  safe_tanh: {
    uses: [],
    doc: 'tanh(x): a polynomial near 0, where exponentials would cancel; finite everywhere.',
    body: `  let a = min(abs(x), 10.0);
  if (a < 0.625) {
    let z = x * x;
    var sum = -0.00570498872745;
    sum = sum * z + 0.0206390887954;
    sum = sum * z - 0.0537397155531;
    sum = sum * z + 0.133314422036;
    sum = sum * z - 0.333332819422;
    return x + x * z * sum;
  }
  return sign(x) * (1.0 - 2.0 / (exp(2.0 * a) + 1.0));`,
  },
  erfc_tail: {
    uses: [],
    doc: 'erfc(x) for x >= 1.',
    body: `  let a = min(x, 9.0);
  let z = 1.0 / a;
  let w = z * z;
  var sum = 0.0;
  if (a < 2.0) {
    sum = 0.02326819970068386;
    sum = sum * w - 0.1387039388740657;
    sum = sum * w + 0.3687424674597105;
    sum = sum * w - 0.5824733027278666;
    sum = sum * w + 0.6210004621745983;
    sum = sum * w - 0.4944515323274145;
    sum = sum * w + 0.340487993766587;
    sum = sum * w - 0.2741127028184656;
    sum = sum * w + 0.5638259427386472;
  } else {
    sum = -10.47766399936249;
    sum = sum * w + 12.97719955372516;
    sum = sum * w - 7.495518717768503;
    sum = sum * w + 2.921019019210786;
    sum = sum * w - 1.0152652792027;
    sum = sum * w + 0.4218463358204948;
    sum = sum * w - 0.2820767439740514;
    sum = sum * w + 0.5641895067754075;
  }
  return exp(-(a * a)) * z * sum;`,
  },
  erf: {
    uses: ['erfc_tail'],
    doc: 'The error function.',
    body: `  let a = abs(x);
  if (a >= 1.0) {
    return sign(x) * (1.0 - erfc_tail(a));
  }
  let z = x * x;
  var sum = 7.853861353153693e-5;
  sum = sum * z - 8.010193625184903e-4;
  sum = sum * z + 5.188327685732524e-3;
  sum = sum * z - 0.02685381193529856;
  sum = sum * z + 0.1128358514861418;
  sum = sum * z - 0.37612625824233;
  sum = sum * z + 1.12837916572671;
  return x * sum;`,
  },
  gelu: {
    uses: ['erf', 'erfc_tail'],
    doc: 'x / 2 * (1 + erf(x / sqrt(2))), without cancellation for negative x.',
    body: `  let y = x * 0.70710678;
  if (y <= -1.0) {
    return 0.5 * x * erfc_tail(-y);
  }
  return 0.5 * x * (1.0 + erf(y));`,
  },
  gelu_tanh: {
    uses: ['sigmoid'],
    doc: 'x / 2 * (1 + tanh(u)) = x * sigmoid(2 u), u = sqrt(2 / pi) * (x + 0.044715 x^3).',
    body: `  let c = clamp(x, -10.0, 10.0);
  return x * sigmoid(1.5957691 * (c + 0.044715 * c * c * c));`,
  },
  round_bf16: {
    uses: [],
    doc: 'Nearest value of bf16, ties to even; integer arithmetic only.',
    body: `  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return x; // NaN
  }
  return bitcast<f32>((bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u);`,
  },
  round_f16: rounding({ name: 'f16', droppedBits: 13, firstNormal: 113, largest: 0x477fe000, saturates: false }),
  round_e4m3: rounding({ name: 'e4m3', droppedBits: 20, firstNormal: 121, largest: 0x43e00000, saturates: true }),
  round_e5m2: rounding({ name: 'e5m2', droppedBits: 21, firstNormal: 113, largest: 0x47600000, saturates: true }),
};

const ORDER = Object.keys(HELPERS) as HelperName[];

export type HelperLanes = 1 | 2 | 4;

/** Name of a helper for scalars or, component-wise, for vectors. */
export function helperName(fn: HelperName, lanes: HelperLanes): string {
  return lanes === 1 ? fn : `${fn}_${lanes}`;
}

/** Every name a helper may have; kernels' own names keep clear of them. */
export const HELPER_NAMES: readonly string[] = ORDER.flatMap((fn) =>
  ([1, 2, 4] as const).map((n) => helperName(fn, n)),
);

export function isHelper(fn: Intrinsic): boolean {
  return HELPERS[fn] !== undefined;
}

/** Text of the helpers asked for and of those they use, in a fixed order. `wanted` holds names of `helperName`. */
export function printHelpers(wanted: ReadonlySet<string>): string {
  const scalars = new Set<HelperName>();
  const need = (fn: HelperName): void => {
    if (scalars.has(fn)) return;
    scalars.add(fn);
    HELPERS[fn]!.uses.forEach(need);
  };
  for (const fn of ORDER) {
    if (([1, 2, 4] as const).some((n) => wanted.has(helperName(fn, n)))) need(fn);
  }
  const parts: string[] = [];
  for (const fn of ORDER) {
    const helper = HELPERS[fn]!;
    if (scalars.has(fn)) parts.push(`/// ${helper.doc}\nfn ${fn}(x: f32) -> f32 {\n${helper.body}\n}\n`);
    for (const lanes of [2, 4] as const) {
      if (!wanted.has(helperName(fn, lanes))) continue;
      const components = ['x', 'y', 'z', 'w'].slice(0, lanes).map((c) => `${fn}(v.${c})`);
      parts.push(
        `fn ${helperName(fn, lanes)}(v: vec${lanes}f) -> vec${lanes}f {\n  return vec${lanes}f(${components.join(', ')});\n}\n`,
      );
    }
  }
  return parts.join('\n');
}
