/** LFM2's gated short convolution against its formulas (Liquid AI's report, section 2), written down in plain f64. */
import { add, affine, convolve, multiply, reader, rmsNorm } from './support/algebra.js';
import type { Matrix } from './support/algebra.js';
import { compile, draw, expectRows, run } from './support/model.js';

const model = compile('short-conv.hyb');
const parameters = draw(model, 13);
const tokens = Array.from({ length: 21 }, (_, i) => (i * 91 + 3) % 256);
const { whole, stepwise, state } = run(model, parameters, tokens);

function block(stream: Matrix, layer: string): Matrix {
  const read = reader(parameters, layer);
  const normed = stream.map((x) => rmsNorm(x, read.vector('pre.weight'), 1e-5));
  const linear = (name: string): Matrix => normed.map((x) => affine(read.matrix(`${name}.weight`), x));
  const [B, C, h] = [linear('in_gate'), linear('out_gate'), linear('into')];
  const z = convolve(
    read.matrix('mix.weight'),
    h.map((row, t) => multiply(B[t]!, row)),
  );
  return stream.map((x, t) => add(x, affine(read.matrix('out.weight'), multiply(C[t]!, z[t]!))));
}

test.each([
  ['embedding', 'layers.0'],
  ['layers.1', 'layers.2'],
  ['layers.5', 'layers.6'],
])('after %s, %s: the whole sequence', (before, layer) => {
  expectRows(whole(layer), block(whole(before), layer));
});

test('token by token with carried state', () => {
  for (const path of ['layers.0', 'layers.6', 'head']) expectRows(stepwise(path), whole(path));
});

test('the carried state is the last two inputs of the convolution', () => {
  const pieces = [...state.instances.get('layers.0')!.values()].flatMap((piece) => [...piece.values()]);
  expect(pieces.map((piece) => piece.shape)).toEqual([[2, 32]]);
});
