/** Formats and operations of linear maps, by hand. */
import { checkModel } from '../../src/compile.js';
import { eightBitShare, linearFormats } from '../../src/inspect/index.js';
import { compile } from '../support/compile.js';

const model = (rules: string) => `use std.{Attention, MLP, RMSNorm}
model Two {
  vocab = 16  width = 8  context = 32
  A = Attention(heads = 2, kv_heads = 1)
  F = MLP(inner = 12)
  norm = { pre = RMSNorm }
  layers = [A F]
  head = { norm = RMSNorm, tie = false }
  precision { ${rules} }
}`;

const linears = (rules: string) => {
  const { models, diagnostics } = compile(model(rules));
  expect(diagnostics).toEqual([]);
  return linearFormats(checkModel(models[0]!).checked!);
};

const FP8 = 'weights in linears = e4m3, activations in linears = e4m3, gradients in linears = e5m2';

test('every linear map of the layers, with what it reads', () => {
  const rows = linears(`${FP8}, weights in linears[..1] = bf16, activations in linears[..1] = bf16`);
  expect(rows.map(({ path, operations }) => [path, operations])).toEqual([
    ['layers.0.q.weight', 2 * 8 * 8],
    ['layers.0.k.weight', 2 * 4 * 8],
    ['layers.0.v.weight', 2 * 4 * 8],
    ['layers.0.o.weight', 2 * 8 * 8],
    ['layers.1.up.weight', 2 * 12 * 8],
    ['layers.1.down.weight', 2 * 8 * 12],
  ]);
  // q, k and v are one product.
  expect(rows.slice(0, 3).map((row) => [row.weights, row.activations, row.gradients])).toEqual(
    Array.from({ length: 3 }, () => ['bf16', 'bf16', 'e5m2']),
  );
  for (const row of rows.slice(3))
    expect(row).toMatchObject({ weights: 'e4m3', activations: 'e4m3', gradients: 'e5m2' });
  expect(eightBitShare(rows)).toBe((128 + 192 + 192) / 768);
});

test('a product that reads one wider value does not count', () => {
  expect(eightBitShare(linears(''))).toBe(0);
  expect(eightBitShare(linears(FP8))).toBe(1);
  expect(eightBitShare(linears(`${FP8}, gradients in up = f32`))).toBe((768 - 192) / 768);
  expect(eightBitShare(linears(`${FP8}, activations in linears[3..] = f32`))).toBe((768 - 192) / 768);
});
