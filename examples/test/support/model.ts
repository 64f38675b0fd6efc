/** The examples' models, compiled from their files, with random weights. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { check, evaluateModel, memoryHost, parameterPath, verifyModelGraph } from '@hyb/compiler';
import type { ModelGraph, Reference, SequenceState } from '@hyb/compiler';

export function compile(file: string): ModelGraph {
  return [...compileAll(`blocks/${file}`).values()][0]!;
}

/** All models of a file of the examples, by name. */
export function compileAll(file: string): ReadonlyMap<string, ModelGraph> {
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  const { models, diagnostics } = check(memoryHost({ [file]: readFileSync(path, 'utf8') }), file);
  expect(diagnostics).toEqual([]);
  for (const { graph } of models) expect(verifyModelGraph(graph)).toEqual([]);
  return new Map(models.map(({ model, graph }) => [model.name, graph]));
}

/** Seeded numbers in [-1, 1). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    // Lehmer's generator.
    state = (state * 48_271) % 2_147_483_647;
    return (2 * state) / 2_147_483_647 - 1;
  };
}

/** Weights of the size that keeps values of order one; of everything else, small numbers. */
export function draw(model: ModelGraph, seed: number): Map<string, Reference> {
  const next = generator(seed);
  const drawn = new Map<string, Reference>();
  for (const instance of model.instances) {
    for (const { path, type, role } of model.graphs[instance.graph]!.parameters) {
      const full = parameterPath(instance, path);
      if (drawn.has(full)) continue;
      const shape = type.dims.map((d) => d.extent as number);
      const size = shape.reduce((n, e) => n * e, 1);
      const scale = role === 'matrix' ? (3 / shape.at(-1)!) ** 0.5 : 1;
      drawn.set(full, { shape, data: Float64Array.from({ length: size }, () => scale * next()) });
    }
  }
  return drawn;
}

/** The residual stream after each layer, `[token][channel]`, of the whole sequence at once and token by token. */
export function run(model: ModelGraph, parameters: ReadonlyMap<string, Reference>, tokens: readonly number[]) {
  const whole = evaluateModel(model, parameters, [{ tokens }]);
  const steps: ReadonlyMap<string, Reference>[] = [];
  let state: SequenceState | undefined;
  for (const token of tokens) {
    const result = evaluateModel(model, parameters, [{ tokens: [token], ...(state && { state }) }]);
    ({ state } = result.sequences[0]!);
    steps.push(result.hidden);
  }
  return {
    whole: (path: string): number[][] => rows(whole.hidden.get(path)!),
    stepwise: (path: string): number[][] => steps.map((hidden) => rows(hidden.get(path)!)[0]!),
    state: state!,
  };
}

function rows({ shape, data }: Reference): number[][] {
  const width = shape[1]!;
  return Array.from({ length: shape[0]! }, (_, t) => [...data.subarray(t * width, (t + 1) * width)]);
}

/** Sums in another order differ by some units in the last place of f64, 2^-53 = 1.1e-16, over a few hundred operations. */
const REORDERED = 1e-12;

export function expectRows(actual: readonly (readonly number[])[], expected: readonly (readonly number[])[]): void {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(...expected.flat().map(Math.abs));
  actual.forEach((row, t) => {
    expect(row.length).toBe(expected[t]!.length);
    row.forEach((value, i) => expect(Math.abs(value - expected[t]![i]!)).toBeLessThanOrEqual(REORDERED * scale));
  });
}
