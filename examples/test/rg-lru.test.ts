/** Griffin's recurrent block against its formulas (arXiv:2402.19427, sections 2.3 and 2.4), written down in plain f64. */
import { add, affine, convolve, gelu, multiply, reader, rmsNorm, sigmoid } from './support/algebra.js';
import type { Matrix, Vector } from './support/algebra.js';
import { compile, draw, expectRows, run } from './support/model.js';

const C = 8;
const model = compile('rg-lru.hyb');
const parameters = draw(model, 7);
const tokens = Array.from({ length: 23 }, (_, i) => (i * 37 + 5) % 256);
const { whole, stepwise, state } = run(model, parameters, tokens);

function block(stream: Matrix, layer: string): Matrix {
  const read = reader(parameters, layer);
  const linear = (name: string, x: Vector): Vector =>
    affine(read.matrix(`${name}.weight`), x, read.vector(`${name}.bias`));
  const normed = stream.map((x) => rmsNorm(x, read.vector('pre.weight'), 1e-6));
  const mixed = convolve(
    read.matrix('mix.weight'),
    normed.map((x) => linear('into', x)),
    read.vector('mix.bias'),
  );
  const a = read.vector('decay').map(sigmoid);
  let h: Vector = a.map(() => 0);
  return normed.map((x, t) => {
    const u = mixed[t]!;
    const r = linear('recurrence_gate', u).map(sigmoid);
    const i = linear('input_gate', u).map(sigmoid);
    h = h.map((previous, n) => {
      const decay = a[n]! ** (C * r[n]!);
      return decay * previous + Math.sqrt(1 - decay ** 2) * (i[n]! * u[n]!);
    });
    const y = linear('out', multiply(linear('gate', x).map(gelu), h));
    return add(stream[t]!, y);
  });
}

test.each(['layers.0', 'layers.2'])('%s: the whole sequence', (layer) => {
  const before = layer === 'layers.0' ? whole('embedding') : whole('layers.1');
  expectRows(whole(layer), block(before, layer));
});

test('token by token with carried state', () => {
  for (const path of ['layers.0', 'layers.2', 'head']) expectRows(stepwise(path), whole(path));
});

test('the carried state is the recurrence and the last inputs of the convolution', () => {
  const pieces = [...state.instances.get('layers.0')!.values()].flatMap((piece) => [...piece.values()]);
  expect(pieces.map((piece) => piece.shape).sort()).toEqual([[3, 48], [48]]);
});
