import { IGNORED, crossEntropy } from '../../src/grad/loss.js';
import { differentiateModel, lossAndGradients } from '../../src/grad/model.js';
import type { ModelGraph } from '../../src/graph/graph.js';
import { evaluateModel } from '../../src/reference/model.js';
import type { Reference } from '../../src/ops/op.js';
import { expectClose } from '../support/close.js';
import { drawParameters, hybrid } from '../support/hybrid.js';
import { random } from '../support/random.js';

const batch = [
  { tokens: [3, 1, 4, 1, 5, 9, 2, 6] },
  { tokens: [5], labels: [5] },
  { tokens: [10, 0, 7, 7, 2], labels: [IGNORED, 0, IGNORED, 7, 2] },
];

describe('cross-entropy', () => {
  test('by hand', () => {
    // Two rows predict; the last one predicts nothing, and one label is ignored.
    const logits = { shape: [4, 2], data: Float64Array.of(0, 0, 5, 1, 0, Math.log(3), 9, 9) };
    const { loss, count, gradients } = crossEntropy([logits], [[0, 1, IGNORED, 1]]);
    expect(count).toBe(2);
    expect(loss).toBeCloseTo((Math.log(2) + Math.log(4 / 3)) / 2, 14);
    const expected = Float64Array.of(0.25, -0.25, 0, 0, 0.125, -0.125, 0, 0);
    expectClose(gradients[0]!, { shape: [4, 2], data: expected }, 1e-15);
  });
  test('nothing to predict', () => {
    const logits = { shape: [1, 2], data: Float64Array.of(1, 2) };
    expect(crossEntropy([logits], [[1]])).toMatchObject({ loss: 0, count: 0 });
  });
  test('large logits, and labels that do not exist', () => {
    const logits = { shape: [2, 2], data: Float64Array.of(1e4, -1e4, 0, 0) };
    expect(crossEntropy([logits], [[0, 1]]).loss).toBe(2e4);
    expect(() => crossEntropy([logits], [[0, 2]])).toThrow(/label 2/);
  });
  test('z-loss and smoothing: the objective by hand, its gradient by differences', () => {
    const { tensor } = random(4);
    const labels = [
      [0, 4, IGNORED, 2],
      [1, 1, 3],
    ];
    const logits = [tensor([4, 5]), tensor([3, 5])];
    const terms = { z: 0.3, smoothing: 0.2 };
    const { loss, objective, gradients } = crossEntropy(logits, labels, terms);
    expect(loss).toBe(crossEntropy(logits, labels).loss);

    const rows = [
      { row: logits[0]!.data.subarray(0, 5), label: 4 },
      { row: logits[0]!.data.subarray(10, 15), label: 2 },
      { row: logits[1]!.data.subarray(0, 5), label: 1 },
      { row: logits[1]!.data.subarray(5, 10), label: 3 },
    ];
    const expected = rows.map(({ row, label }) => {
      const partition = Math.log(row.reduce((a, x) => a + Math.exp(x), 0));
      const target = [...row].map((_, v) => (v === label ? 0.8 : 0) + 0.2 / 5);
      return target.reduce((a, q, v) => a - q * (row[v]! - partition), 0.3 * partition * partition);
    });
    expect(objective).toBeCloseTo(expected.reduce((a, b) => a + b) / 4, 13);

    const at = (s: number, i: number, by: number): number => {
      const moved = logits.map(({ shape, data }, j) => ({
        shape,
        data: data.map((x, k) => (j === s && k === i ? x + by : x)),
      }));
      return crossEntropy(moved, labels, terms).objective;
    };
    gradients.forEach(({ data }, s) =>
      data.forEach((g, i) => expect(g).toBeCloseTo((at(s, i, 1e-5) - at(s, i, -1e-5)) / 2e-5, 9)),
    );
  });
});

describe('gradients of a model', () => {
  const model = hybrid();
  const parameters = drawParameters(model, 5);
  const graphs = differentiateModel(model);
  const { gradients } = lossAndGradients(model, parameters, batch, graphs);

  /** The change of the loss along a direction, by central differences. */
  function slope(
    of: ModelGraph,
    at: ReadonlyMap<string, Reference>,
    direction: ReadonlyMap<string, Reference>,
  ): number {
    const step = 1e-5;
    const loss = (sign: number): number => {
      const moved = new Map(
        [...at].map(([path, { shape, data }]) => {
          const along = direction.get(path);
          return [
            path,
            { shape, data: data.map((x, i) => x + (along === undefined ? 0 : sign * step * along.data[i]!)) },
          ];
        }),
      );
      const { sequences } = evaluateModel(of, moved, batch);
      const logits = sequences.map((sequence) => sequence.logits);
      return crossEntropy(
        logits,
        batch.map(({ tokens, labels }) => labels ?? tokens),
      ).loss;
    };
    return (loss(1) - loss(-1)) / (2 * step);
  }

  test('every parameter, along a random direction', () => {
    expect([...gradients.keys()].sort()).toEqual([...parameters.keys()].sort());
    const { tensor } = random(6);
    for (const [path, { shape }] of parameters) {
      const direction = tensor(shape);
      const expected = slope(model, parameters, new Map([[path, direction]]));
      const actual = gradients.get(path)!.data.reduce((total, g, i) => total + g * direction.data[i]!, 0);
      if (!(Math.abs(actual - expected) <= 1e-8 + 1e-6 * Math.abs(expected))) {
        throw new Error(`along ${path} the slope is ${expected}, the gradient says ${actual}`);
      }
    }
  });

  test('shared layers add up their gradients', () => {
    const last = model.instances.at(-2)!;
    const graph = model.graphs[last.graph]!;
    const aliases = Object.fromEntries(graph.parameters.map(({ path }) => [path, `layers.0.${path}`]));
    const shared: ModelGraph = {
      ...model,
      instances: model.instances.map((instance) => (instance === last ? { ...instance, aliases } : instance)),
    };
    const own = new Map([...parameters].filter(([path]) => !path.startsWith(`${last.path}.`)));
    const { gradients: summed } = lossAndGradients(shared, own, batch);
    const direction = random(7).tensor(own.get('layers.0.A_log')!.shape);
    const expected = slope(shared, own, new Map([['layers.0.A_log', direction]]));
    const actual = summed.get('layers.0.A_log')!.data.reduce((total, g, i) => total + g * direction.data[i]!, 0);
    expect(actual).toBeCloseTo(expected, 9);
    expect(summed.has(`${last.path}.A_log`)).toBe(false);
  });

  test('a batch has the mean of its predictions, wherever its sequences stand', () => {
    const reordered = lossAndGradients(model, parameters, [...batch].reverse(), graphs);
    for (const [path, gradient] of gradients) expectClose(reordered.gradients.get(path)!, gradient, 1e-12);
  });
});
