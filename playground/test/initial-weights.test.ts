import type { Initializer } from '@hyb/compiler';
import { openFile, readSafetensors, readTensor } from '@hyb/runtime';
import { generator, initialCheckpoint, sampler } from '../src/run/initial-weights.js';

const COUNT = 20_000;
const draw = (init: Initializer, layers = 1): number[] => {
  const next = sampler(init, generator(7, JSON.stringify(init)), layers);
  return Array.from({ length: COUNT }, next);
};
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const deviation = (values: readonly number[]): number => {
  const m = mean(values);
  return Math.sqrt(mean(values.map((v) => (v - m) ** 2)));
};

/** Means of COUNT draws are within five standard errors of their expectation but once in two million. */
const near = (values: readonly number[], expected: number, std: number): void =>
  expect(Math.abs(mean(values) - expected)).toBeLessThan((5 * std) / Math.sqrt(COUNT));

test('each distribution has the moments and limits that it says', () => {
  const normal = draw({ kind: 'normal', std: 0.02 });
  near(normal, 0, 0.02);
  // The standard error of a normal sample's deviation is std / sqrt(2n).
  expect(Math.abs(deviation(normal) - 0.02)).toBeLessThan((5 * 0.02) / Math.sqrt(2 * COUNT));
  const output = draw({ kind: 'output', std: 0.02 }, 16);
  expect(Math.abs(deviation(output) - 0.005)).toBeLessThan((5 * 0.005) / Math.sqrt(2 * COUNT));
  const uniform = draw({ kind: 'uniform', low: 1, high: 16 });
  near(uniform, 8.5, 15 / Math.sqrt(12));
  expect(Math.min(...uniform)).toBeGreaterThanOrEqual(1);
  expect(Math.max(...uniform)).toBeLessThanOrEqual(16);
  const logs = draw({ kind: 'log_uniform', low: 0.001, high: 0.1 }).map(Math.log);
  near(logs, Math.log(0.01), Math.log(100) / Math.sqrt(12));
  const kaiming = draw({ kind: 'kaiming_uniform', fan_in: 4 });
  near(kaiming, 0, 0.5 / Math.sqrt(3));
  expect(Math.max(...kaiming.map(Math.abs))).toBeLessThanOrEqual(0.5);
  expect(new Set(draw({ kind: 'constant', value: 3 }))).toEqual(new Set([3]));
});

test('functions of a distribution undo what they are named after', () => {
  const of: Initializer = { kind: 'log_uniform', low: 0.001, high: 0.1, floor: 0.002 };
  const softplus = draw({ kind: 'apply', fn: 'inverse_softplus', of }).map((x) => Math.log1p(Math.exp(x)));
  // The two functions lose a few units in the last place of numbers about 1.
  expect(Math.min(...softplus)).toBeGreaterThan(0.002 - 1e-14);
  expect(Math.max(...softplus)).toBeLessThan(0.1 + 1e-14);
  const logs = draw({ kind: 'apply', fn: 'log', of: { kind: 'uniform', low: 1, high: 16 } });
  near(logs.map(Math.exp), 8.5, 15 / Math.sqrt(12));
  near(draw({ kind: 'apply', fn: 'neg', of: { kind: 'uniform', low: 0, high: 1 } }), -0.5, 1 / Math.sqrt(12));
});

test('a checkpoint holds each parameter in its shape; equal seeds give equal files, parameters differ', async () => {
  const init: Initializer = { kind: 'normal', std: 1 };
  const parameters = ['a', 'b'].map((path) => ({ path, shape: [2, 3], init }));
  const bytes = initialCheckpoint(parameters, 4, 1);
  expect(initialCheckpoint(parameters, 4, 1)).toEqual(bytes);
  expect(initialCheckpoint(parameters, 4, 2)).not.toEqual(bytes);
  const { tensors } = await readSafetensors(await openFile(bytes, undefined));
  expect([...tensors.values()].map(({ shape }) => shape)).toEqual([
    [2, 3],
    [2, 3],
  ]);
  const [a, b] = await Promise.all(['a', 'b'].map(async (name) => [...(await readTensor(tensors.get(name)!))]));
  expect(a).not.toEqual(b);
});

test('what no tab can hold is refused before it is allocated', () => {
  const parameters = [{ path: 'a', shape: [2 ** 20, 2 ** 20], init: { kind: 'constant', value: 0 } as const }];
  expect(() => initialCheckpoint(parameters, 1, 1)).toThrow(RangeError);
});
