/** Losses, gradients and optimizer steps of the original implementations (oracle 2). */
import { parameterPath } from '../../src/graph/graph.js';
import { verifyGraph } from '../../src/graph/verify.js';
import { differentiateModel, lossAndGradients } from '../../src/grad/model.js';
import { referenceEngine } from '../../src/reference/training-engine.js';
import { relativeDifference } from '../support/close.js';
import { GOLDENS, golden, take } from '../support/golden.js';

describe.each(GOLDENS)('%s', (name) => {
  const { model, parameters, places, recorded, checkpoint } = golden(name);
  const graphs = differentiateModel(model);
  const rows = (tensor: string): number[][] => {
    const { shape, data } = recorded.get(tensor)!;
    const width = shape.at(-1)!;
    return Array.from({ length: data.length / width }, (_, i) => [...data.subarray(i * width, (i + 1) * width)]);
  };

  test('gradient graphs are well formed and cover every parameter', () => {
    for (const graph of graphs) {
      expect(verifyGraph(graph, { width: model.width, gradients: true })).toEqual([]);
      expect(Object.keys(graph.gradients.parameters).sort()).toEqual(graph.parameters.map((p) => p.path).sort());
    }
    const paths = model.instances.flatMap((i) =>
      model.graphs[i.graph]!.parameters.map((p) => parameterPath(i, p.path)),
    );
    expect(new Set(paths)).toEqual(new Set(places.keys()));
    // Every recorded gradient is compared with something below.
    const compared = new Set([...places.values()].map((place) => place.name));
    expect(compared).toEqual(new Set(checkpoint.keys()));
    expect([...recorded.keys()].filter((key) => key.startsWith('grad.')).length).toBe(compared.size);
  });

  test('loss, logits and gradients', () => {
    const labels = rows('train.labels');
    const batch = rows('train.tokens').map((tokens, i) => ({ tokens, labels: labels[i]! }));
    const { loss, logits, gradients } = lossAndGradients(model, parameters, batch, graphs);
    // Recorded in f32: README.md of the goldens says how far f32 and f64 of the original differ.
    expect(Math.abs(loss - recorded.get('train.loss')!.data[0]!)).toBeLessThan(2e-6);
    const all = { shape: [], data: Float64Array.from(logits.flatMap((own) => [...own.data])) };
    expect(relativeDifference(all, recorded.get('train.logits')!)).toBeLessThan(1.6e-5);
    for (const [path, place] of places) {
      const expected = take(recorded, { ...place, name: `grad.${place.name}` });
      const difference = relativeDifference(gradients.get(path)!, expected);
      if (!(difference <= 2e-5))
        throw new Error(`the gradient of ${path} is off by ${difference} of its largest entry`);
    }
  });

  test('20 steps of AdamW', async () => {
    // The settings of the goldens' README.
    const engine = referenceEngine({
      model,
      recipe: {
        optimizer: {
          name: 'AdamW',
          arguments: { betas: [0.9, 0.95], eps: 1e-8, weight_decay: 0.1, stochastic_rounding: false },
        },
        clip: 1,
        loss: { name: 'cross_entropy', arguments: { z: 0, smoothing: 0 } },
        seed: 0,
      },
      parameters: [...places].map(([path, place]) => ({
        path,
        shape: parameters.get(path)!.shape,
        init: { kind: 'constant', value: 0 },
        rule: 'AdamW',
        state: 'f32',
        rate: 1,
        decay: checkpoint.get(place.name)!.shape.length === 2 ? 1 : 0,
      })),
      values: ({ path }) => parameters.get(path)!.data,
      kept: 'f64',
    });
    const { data: tokens, shape } = recorded.get('adamw.tokens')!;
    const length = shape[2]!;
    for (let step = 0; step < shape[0]!; step++) {
      const batch = [0, 1].map((i) => {
        const at = (2 * step + i) * length;
        return { tokens: [...tokens.subarray(at, at + length)] };
      });
      const settings = { step: step + 1, rate: 2e-3, lossScale: 1, probes: false };
      const { loss, labels, gradientNorm } = await engine.step([[batch[0]!], [batch[1]!]], settings);
      // All in f64 on both sides, then rounded to f32; what differs is the order of sums.
      expect(loss).toBeCloseTo(recorded.get('adamw.losses')!.data[step]!, 5);
      expect(Math.abs(gradientNorm / recorded.get('adamw.grad_norms')!.data[step]! - 1)).toBeLessThan(2e-6);
      expect(labels).toBe(2 * (length - 1));
    }
    for (const tensor of engine.parameters()) {
      const place = places.get(tensor.name)!;
      const expected = take(recorded, { ...place, name: `adamw.weight.${place.name}` });
      const found = { shape: tensor.shape, data: Float64Array.from(await tensor.read()) };
      const difference = relativeDifference(found, expected);
      if (!(difference <= 2e-6)) throw new Error(`after 20 steps ${tensor.name} is off by ${difference}`);
    }
  });
});
