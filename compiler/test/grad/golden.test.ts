/** Losses, gradients and optimizer steps of the original implementations (oracle 2). */
import { parameterPath } from '../../src/graph/graph.js';
import { verifyGraph } from '../../src/graph/verify.js';
import { differentiateModel, lossAndGradients } from '../../src/grad/model.js';
import type { Reference } from '../../src/ops/op.js';
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

  test('20 steps of AdamW', () => {
    let weights: ReadonlyMap<string, Reference> = parameters;
    const optimizer = adamW();
    const { data: tokens, shape } = recorded.get('adamw.tokens')!;
    const length = shape[2]!;
    for (let step = 0; step < shape[0]!; step++) {
      const batch = [0, 1].map((i) => {
        const at = (2 * step + i) * length;
        return { tokens: [...tokens.subarray(at, at + length)] };
      });
      const { loss, gradients } = lossAndGradients(model, weights, batch, graphs);
      // All in f64 on both sides, then rounded to f32; what differs is the order of sums.
      expect(loss).toBeCloseTo(recorded.get('adamw.losses')!.data[step]!, 5);
      const norm = Math.sqrt([...gradients.values()].reduce((n, g) => n + g.data.reduce((s, x) => s + x * x, 0), 0));
      expect(Math.abs(norm / recorded.get('adamw.grad_norms')!.data[step]! - 1)).toBeLessThan(2e-6);
      const decays = (path: string): boolean => checkpoint.get(places.get(path)!.name)!.shape.length === 2;
      weights = optimizer(weights, gradients, Math.min(1, 1 / (norm + 1e-6)), decays);
    }
    for (const [path, place] of places) {
      const expected = take(recorded, { ...place, name: `adamw.weight.${place.name}` });
      const difference = relativeDifference(weights.get(path)!, expected);
      if (!(difference <= 2e-6)) throw new Error(`after 20 steps ${path} is off by ${difference} of its largest entry`);
    }
  });
});

const { sqrt } = Math;

/** AdamW (Loshchilov & Hutter 2019) with the settings of the goldens' README. */
function adamW() {
  const [rate, beta1, beta2, eps, decay] = [2e-3, 0.9, 0.95, 1e-8, 0.1];
  const moments = new Map<string, { readonly m: Float64Array; readonly v: Float64Array }>();
  let step = 0;
  return (
    weights: ReadonlyMap<string, Reference>,
    gradients: ReadonlyMap<string, Reference>,
    scale: number,
    decays: (path: string) => boolean,
  ): ReadonlyMap<string, Reference> => {
    step += 1;
    const next = new Map<string, Reference>();
    for (const [path, { shape, data }] of weights) {
      const { m, v } = moments.get(path) ?? { m: new Float64Array(data.length), v: new Float64Array(data.length) };
      moments.set(path, { m, v });
      const shrink = decays(path) ? 1 - rate * decay : 1;
      const gradient = gradients.get(path)!.data;
      const [warm1, warm2] = [1 - beta1 ** step, 1 - beta2 ** step];
      const updated = data.map((w, i) => {
        const g = scale * gradient[i]!;
        m[i] = beta1 * m[i]! + (1 - beta1) * g;
        v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
        return shrink * w - (rate * m[i]!) / warm1 / (sqrt(v[i]! / warm2) + eps);
      });
      next.set(path, { shape, data: updated });
    }
    return next;
  };
}
