/** What probes measure of a model of the language, against norms from its reference in f64. */
import { installTestedGPU } from '../compiler/test/support/tested-adapter.js';
import { check, differentiateModel, evaluateModel, lossAndGradients, memoryHost, planModel } from '@hyb/compiler';
import { printWgsl } from '@hyb/compiler/wgsl/index';
import { createTrainer, openDevice } from '@hyb/runtime';
import { topSingular } from '../compiler/src/numeric/singular.js';
import { drawSteady } from '../compiler/test/support/hybrid.js';
import { random } from '../compiler/test/support/random.js';
import { affine, layerNorm, reader } from '../examples/test/support/algebra.js';

const WIDTH = 16;
const SOURCE = `use std.{Attention, LayerNorm, MLP}
model Probed {
  vocab = 31, width = ${WIDTH}, context = 32
  A = Attention(heads = 2, bias = true, sigma = true)
  F = MLP(inner = 24)
  norm = { pre = LayerNorm }
  layers = [A F]
  head = { norm = LayerNorm, tie = false }
}
`;

test('outputs and input gradients of every linear map, the head included', async () => {
  const { models, diagnostics } = check(memoryHost({ 'probed.hyb': SOURCE }), 'probed.hyb');
  expect(diagnostics).toEqual([]);
  const checked = models[0]!;
  const model = checked.graph;
  const parameters = drawSteady(model, random(5));
  // One label: the gradient of a norm's shift, a sum over tokens, is then that of what the maps after it read.
  const sequence = { tokens: [5, 9] };

  const { hidden } = evaluateModel(model, parameters, [sequence]);
  const norms = (layer: string, before: string, norm: string, maps: readonly string[]): number => {
    const read = reader(parameters, layer);
    const { data } = hidden.get(before)!;
    const squares = [0, 1].flatMap((t) => {
      const x = [...data.subarray(t * WIDTH, (t + 1) * WIDTH)];
      const normed = layerNorm(x, read.vector(`${norm}.weight`), read.vector(`${norm}.shift`), 1e-5);
      return maps.flatMap((map) => {
        const weight = read.map(map === '' ? 'weight' : `${map}.weight`, WIDTH);
        if (layer !== 'layers.0') return affine(weight, normed);
        const sigma = topSingular(Float64Array.from(weight.flat()), weight.length, WIDTH).value;
        const scale = read.vector(`${map}.gamma`)[0]! / sigma;
        const bias = read.vector(`${map}.bias`);
        return affine(weight, normed).map((value, i) => scale * value + bias[i]!);
      });
    });
    return Math.hypot(...squares);
  };
  const { gradients } = lossAndGradients(model, parameters, [sequence], differentiateModel(model));
  const shift = (path: string): number => Math.hypot(...gradients.get(path)!.data);
  const expected: readonly (readonly [string, number])[] = [
    ['outputs 0 q', norms('layers.0', 'embedding', 'pre', ['q'])],
    ['outputs 0 k', norms('layers.0', 'embedding', 'pre', ['k'])],
    ['outputs 0 v', norms('layers.0', 'embedding', 'pre', ['v'])],
    ['outputs 1 up', norms('layers.1', 'layers.0', 'pre', ['up'])],
    ['outputs 2 logits', norms('head', 'layers.1', 'norm', [''])],
    ['gradients 0 q, k, v', shift('layers.0.pre.shift')],
    ['gradients 1 up', shift('layers.1.pre.shift')],
    ['gradients 2 logits', shift('head.norm.shift')],
  ];

  const { program, kernels } = planModel(checked, { training: true, probes: true });
  const sources = Object.fromEntries([...kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  await installTestedGPU();
  const device = await openDevice();
  const optimizer = { name: 'AdamW', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0 } as const;
  const engine = await createTrainer(program, sources, { device, optimizer });
  for (const [path, { data }] of parameters) await engine.write(path, Float32Array.from(data));
  const { probes } = await engine.step([[sequence]], { step: 1, rate: 0, lossScale: 1, probes: true });
  const found = new Map(probes!.map(({ probe, layer, of, value }) => [`${probe} ${layer} ${of}`, value]));
  // f32 against f64 over two layers: some hundred roundings of 2^-24, with room.
  for (const [name, value] of expected) expect([name, found.get(name)! / value]).toEqual([name, expect.closeTo(1, 4)]);
  const names = [...found.keys()].sort();
  expect(names).toEqual(
    [
      ...expected.map(([name]) => name),
      ...['outputs 0 o', 'gradients 0 o', 'outputs 1 down', 'gradients 1 down', 'logits 0 attend', 'entropy 0 attend'],
    ].sort(),
  );
  engine.dispose();
  device.dispose();
});
