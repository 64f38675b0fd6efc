/**
 * The models of the stability study against the formulas of arXiv:2410.16682 in plain f64: each method is the baseline but for
 * what its row says, so that nothing else differs.
 */
import { add, affine, dot, gelu, layerNorm, multiply, reader } from './support/algebra.js';
import type { Matrix, Vector } from './support/algebra.js';
import { compileAll, draw, expectRows, run } from './support/model.js';

const HEADS = 4;
const HEAD_DIM = 16;
const WIDTH = HEADS * HEAD_DIM;
const EPS = 1e-5;

interface Method {
  /** LayerNorm before attention; all feed-forward layers have it. */
  readonly pre?: boolean;
  /** LayerNorm of each head of queries and keys, or of values too. */
  readonly norm?: 'qk' | 'qkv';
  readonly cap?: number;
  readonly temperature?: number;
  readonly clip?: readonly [zeta: number, gamma: number];
  readonly sigma?: boolean;
  /** After the projection into the residual stream. */
  readonly out?: 'LayerNorm' | 'LayerScale';
}

const METHODS: Readonly<Record<string, Method>> = {
  Baseline: {},
  QKNorm: { norm: 'qk' },
  QKFCNorm: { norm: 'qk', out: 'LayerNorm' },
  QKVNorm: { norm: 'qkv', pre: false },
  SoftCap: { cap: 50 },
  QKNormCap: { norm: 'qk', cap: 50 },
  SoftTemp: { temperature: 0.5 },
  SoftClip: { clip: [1.03, -0.03] },
  SigmaReparam: { sigma: true },
  ScaledLayers: { out: 'LayerScale' },
};

type Reader = ReturnType<typeof reader>;

/** Largest singular value, by power iteration. */
function spectralNorm(weight: Matrix): number {
  let v: Vector = weight[0]!.map((_, i) => 1 + i / 100);
  let norm = 0;
  for (let round = 0; round < 4000; round++) {
    const u = affine(weight, v);
    const back = v.map((_, i) => weight.reduce((sum, row, r) => sum + row[i]! * u[r]!, 0));
    const length = Math.hypot(...back);
    v = back.map((value) => value / length);
    const next = Math.hypot(...affine(weight, v));
    if (Math.abs(next - norm) <= 1e-15 * next) break;
    norm = next;
  }
  return norm;
}

/** A linear map, divided by its spectral norm and times gamma where the method says so. */
function linear(read: Reader, path: string, inputs: number, sigma = false): (x: Vector) => Vector {
  const weight = read.map(`${path}.weight`, inputs);
  const scale = sigma ? read.vector(`${path}.gamma`)[0]! / spectralNorm(weight) : 1;
  return (x) => affine(weight, x).map((value) => scale * value);
}

function normOf(read: Reader, path: string): (x: Vector) => Vector {
  const [weight, shift] = [read.vector(`${path}.weight`), read.vector(`${path}.shift`)];
  return (x) => layerNorm(x, weight, shift, EPS);
}

function branch(read: Reader, { out }: Method): (y: Vector) => Vector {
  if (out === 'LayerNorm') return normOf(read, 'out');
  if (out === 'LayerScale') return (y) => multiply(y, read.vector('out.scale'));
  return (y) => y;
}

/** Pairs of channels i and i + 8 turned by the position times 10000^(-i / 8). */
function rotate(x: Vector, position: number): Vector {
  const half = HEAD_DIM / 2;
  const angle = (i: number): number => position * 10_000 ** (-(i % half) / half);
  return x.map((value, i) => {
    const other = i < half ? -x[i + half]! : x[i - half]!;
    return value * Math.cos(angle(i)) + other * Math.sin(angle(i));
  });
}

function attention(stream: Matrix, read: Reader, method: Method): Matrix {
  const { pre = true, norm, cap, temperature = 1, clip, sigma } = method;
  const before = pre ? normOf(read, 'pre') : (x: Vector): Vector => x;
  const heads = (path: string, slot: string | undefined): Matrix[] => {
    const map = linear(read, path, WIDTH, sigma);
    const normed = slot === undefined ? (x: Vector): Vector => x : normOf(read, slot);
    return stream.map((x) => {
      const y = map(before(x));
      return Array.from({ length: HEADS }, (_, h) => normed(y.slice(h * HEAD_DIM, (h + 1) * HEAD_DIM)));
    });
  };
  const q = heads('q', norm && `${norm}.queries`).map((row, t) => row.map((head) => rotate(head, t)));
  const k = heads('k', norm && `${norm}.keys`).map((row, t) => row.map((head) => rotate(head, t)));
  const v = heads('v', norm === 'qkv' ? 'qkv.values' : undefined);
  const project = linear(read, 'o', WIDTH, sigma);
  const after = branch(read, method);
  return stream.map((x, t) => {
    const mixed = Array.from({ length: HEADS }, (_, h) => {
      const logits = Array.from({ length: t + 1 }, (_, s) => {
        const logit = dot(q[t]![h]!, k[s]![h]!) / Math.sqrt(HEAD_DIM);
        return temperature * (cap === undefined ? logit : cap * Math.tanh(logit / cap));
      });
      const largest = Math.max(...logits);
      const weights = logits.map((logit) => Math.exp(logit - largest));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const probabilities = weights.map((weight) => {
        const p = weight / total;
        return clip === undefined ? p : Math.min(1, Math.max(0, (clip[0] - clip[1]) * p + clip[1]));
      });
      return v[0]![h]!.map((_, i) => probabilities.reduce((sum, p, s) => sum + p * v[s]![h]![i]!, 0));
    });
    return add(x, after(project(mixed.flat())));
  });
}

function feedForward(stream: Matrix, read: Reader, method: Method): Matrix {
  const [before, after] = [normOf(read, 'pre'), branch(read, method)];
  const [up, down] = [linear(read, 'up', WIDTH, method.sigma), linear(read, 'down', 4 * WIDTH, method.sigma)];
  return stream.map((x) => add(x, after(down(up(before(x)).map(gelu)))));
}

const models = compileAll('stability/stability.hyb');

test('the methods of the file are those of the paper', () => {
  expect([...models.keys()].sort()).toEqual(Object.keys(METHODS).sort());
});

describe.each(Object.entries(METHODS))('%s', (name, method) => {
  const model = models.get(name)!;
  const drawn = draw(model, 7);
  // Logits of some hundreds, so that caps and clips have something to do.
  for (const [path, { data }] of drawn) if (/\.[qk]\.weight$/.test(path)) data.forEach((v, i) => (data[i] = 8 * v));
  const tokens = Array.from({ length: 19 }, (_, i) => (i * 91 + 3) % 257);
  const { whole } = run(model, drawn, tokens);

  test.each([
    ['embedding', 'layers.0'],
    ['layers.1', 'layers.2'],
  ])('attention: %s, %s', (before, layer) => {
    expectRows(whole(layer), attention(whole(before), reader(drawn, layer), method));
  });

  test('feed-forward', () => {
    expectRows(whole('layers.1'), feedForward(whole('layers.0'), reader(drawn, 'layers.1'), method));
  });
});
