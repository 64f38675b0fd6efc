import { check, compiledRecipe } from '../../src/index.js';
import { memoryHost } from '../../src/sources/host.js';

const SOURCE = `use std.{MLP, RMSNorm, relu2}

block Gain(x: [time, width]) -> [time, width] {
  param gain: [width] = 1
  let louder = x * gain
  return louder
}

model Small {
  vocab   = 32
  width   = 8
  context = 16
  F = MLP(inner = 12, activation = relu2)
  G = Gain()
  norm   = { pre = RMSNorm }
  layers = [F G]
}

train Run of Small {
  batch = 1, steps = 10, rate = 1e-3
  precision {
    weights     = bf16
    activations in linears = e4m3
  }
}
`;

function identity(change: (source: string) => string = (source) => source) {
  const { trains, diagnostics } = check(memoryHost({ 'small.hyb': change(SOURCE) }), 'small.hyb');
  expect(diagnostics).toEqual([]);
  const [recipe] = trains;
  return compiledRecipe({ ...recipe!, model: recipe!.model! }).identity;
}

test('tells what a resumed run has in common with the one it goes on with', () => {
  expect(identity()).toEqual({
    model: expect.stringMatching(/^Small, [0-9a-f]{16}$/) as string,
    precision: 'activations in linears = e4m3, weights = bf16',
    fp8_scale: 'current',
  });
});

test.each([
  ['names of values', 'louder', 'result'],
  ['first values', 'width] = 1', 'width] = 2'],
  ['initialisation of the recipe', 'batch = 1', 'batch = 1, init = { linears = normal(0.1) }'],
  ['the context', 'context = 16', 'context = 32'],
  ['comments', 'model Small', '/// Of two layers.\nmodel Small'],
])('says nothing of %s', (_, from, to) => {
  expect(identity((source) => source.replaceAll(from, to))).toEqual(identity());
});

test.each([
  ['model', 'an activation', '= relu2', '= silu', ', relu2'],
  ['model', 'the order of layers', '[F G]', '[G F]', ''],
  ['model', 'the body of a block', 'x * gain', 'x + gain', ''],
  ['precision', 'a rule', 'weights     = bf16', 'weights     = f16', ''],
  ['fp8_scale', 'the scale', 'batch = 1', 'batch = 1, fp8_scale = 8', ''],
])('has another %s with %s', (field, _, from, to, without) => {
  const other = identity((source) => source.replace(from, to).replace(without, ''));
  expect(Object.keys(other).filter((key) => other[key] !== identity()[key])).toEqual([field]);
});
