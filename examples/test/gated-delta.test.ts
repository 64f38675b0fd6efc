/** Gated DeltaNet against its formulas (arXiv:2412.06464, equation 10 and figure 1), written down in plain f64. */
import { add, affine, convolve, dot, reader, rmsNorm, sigmoid, silu, softplus } from './support/algebra.js';
import type { Matrix, Vector } from './support/algebra.js';
import { compile, draw, expectRows, run } from './support/model.js';

const HEADS = 2;
const KEYS = 12;
const VALUES = 20;
const WIDTH = 32;
const model = compile('gated-delta.hyb');
const parameters = draw(model, 11);
const tokens = Array.from({ length: 19 }, (_, i) => (i * 53 + 9) % 256);
const { whole, stepwise, state } = run(model, parameters, tokens);

const head = (x: Vector, h: number, size: number): Vector => x.slice(h * size, (h + 1) * size);
const unit = (x: Vector): Vector => x.map((value) => value / Math.sqrt(dot(x, x) + 1e-6));

/** S (alpha (I - beta k k^T)) + beta v k^T, as matrices are multiplied by hand. */
function update(S: Matrix, alpha: number, beta: number, k: Vector, v: Vector): Matrix {
  const forget = k.map((ki, i) => k.map((kj, j) => alpha * ((i === j ? 1 : 0) - beta * ki * kj)));
  return S.map((row, m) =>
    k.map((kj, j) => row.reduce((sum, s, i) => sum + s * forget[i]![j]!, 0) + beta * v[m]! * kj),
  );
}

function block(stream: Matrix, layer: string): Matrix {
  const read = reader(parameters, layer);
  const normed = stream.map((x) => rmsNorm(x, read.vector('pre.weight'), 1e-6));
  const short = (name: string): Matrix =>
    convolve(
      read.matrix(`mix_${name}.weight`),
      normed.map((x) => affine(read.matrix(`${name}.weight`), x)),
    ).map((row) => row.map(silu));
  const [q, k, v] = [short('q'), short('k'), short('v')];
  const decay = read.vector('A_log').map(Math.exp);
  let S: Matrix[] = Array.from({ length: HEADS }, () =>
    Array.from({ length: VALUES }, () => Array.from({ length: KEYS }, () => 0)),
  );
  return normed.map((x, t) => {
    const rate = affine(read.matrix('rate.weight'), x);
    const write = affine(read.matrix('write.weight'), x);
    const gate = affine(read.map('gate.weight', WIDTH), x).map(silu);
    S = S.map((before, h) => {
      const alpha = Math.exp(-decay[h]! * softplus(rate[h]! + read.vector('dt_bias')[h]!));
      return update(before, alpha, sigmoid(write[h]!), unit(head(k[t]!, h, KEYS)), head(v[t]!, h, VALUES));
    });
    const outputs = S.flatMap((after, h) => {
      const y = affine(after, unit(head(q[t]!, h, KEYS)));
      return rmsNorm(y, read.vector('normed.weight'), 1e-6);
    });
    const gated = outputs.map((value, i) => value * gate[i]!);
    return add(stream[t]!, affine(read.map('out.weight', HEADS * VALUES), gated));
  });
}

test.each(['layers.0', 'layers.2'])('%s: the whole sequence', (layer) => {
  const before = layer === 'layers.0' ? whole('embedding') : whole('layers.1');
  expectRows(whole(layer), block(before, layer));
});

test('token by token with carried state', () => {
  for (const path of ['layers.0', 'layers.2', 'head']) expectRows(stepwise(path), whole(path));
});

test('the carried state is a matrix for each head and the last inputs of three convolutions', () => {
  const pieces = [...state.instances.get('layers.0')!.values()].flatMap((piece) => [...piece.values()]);
  expect(pieces.map((piece) => piece.shape.join(' ')).sort()).toEqual(['2 20 12', '3 24', '3 24', '3 40']);
});
