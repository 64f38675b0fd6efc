/** The published models, through the whole compiler: sizes as FACTS says, kernels within the budgets of dispatches. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile } from '@hyb/compiler';
import type { Compilation } from '@hyb/compiler';

const root = fileURLToPath(new URL('../', import.meta.url));
const host = {
  read(path: string): string | undefined {
    try {
      return readFileSync(`${root}${path}`, 'utf8');
    } catch {
      return undefined;
    }
  },
};
const compiled = (file: string, fused = true): NonNullable<Compilation['compiled']> => {
  const result = compile(host, `models/${file}.hyb`, { fused });
  expect(result.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  return result.compiled!;
};

/** Parameters, and tensors of the checkpoint. Nemotrons: the configurations of arXiv:2504.03624; others: their public ones. */
test.each([
  ['nemotron-h-8b', 8_100_852_736, 311],
  ['nemotron-h-56b', 56_324_350_464, 701],
  ['nemotron-h-47b', 46_791_554_816, 577],
  ['nemotron-h-4b', 4_489_223_040, 311],
  ['nemotron-nano-9b-v2', 8_888_227_328, 27 * 9 + 4 * 5 + 25 * 3 + 3],
  ['nemotron-nano-12b-v2', 12_310_001_152, 28 * 9 + 6 * 5 + 28 * 3 + 3],
  // 2·vocab·width + layers·(q + k + v + o + 3·MLP + 2 norms) + norm
  [
    'llama-3.1-8b',
    2 * 128_256 * 4096 + 32 * (2 * 4096 * 4096 + 2 * 1024 * 4096 + 3 * 14_336 * 4096 + 2 * 4096) + 4096,
    32 * 9 + 3,
  ],
  // as Llama, with biases on q, k and v
  [
    'qwen-2.5-7b',
    2 * 152_064 * 3584 + 28 * (2 * 3584 * 3584 + 2 * 512 * 3584 + 3584 + 2 * 512 + 3 * 18_944 * 3584 + 2 * 3584) + 3584,
    28 * 12 + 3,
  ],
  // tied; width 2560, inner 5120, 80 heads, state 128, one group
  [
    'mamba2-2.7b',
    50_288 * 2560 +
      64 * ((2 * 5120 + 2 * 128 + 80) * 2560 + (5120 + 256) * 5 + 3 * 80 + 5120 + 5120 * 2560 + 2560) +
      2560,
    64 * 9 + 2,
  ],
])('%s has %d parameters in %d tensors', (file, parameters, tensors) => {
  const { program } = compiled(file).plan;
  const count = program.parameters.reduce((n, p) => n + p.shape.reduce((a, b) => a * b, 1), 0);
  expect(count).toBe(parameters);
  expect(program.checkpoint).toHaveLength(tensors);
});

const BUDGET: Readonly<Record<string, number>> = { Mamba2: 3, Attention: 4, MLP: 2, GatedMLP: 2 };

// Where no matrix is split.
test.each(['nemotron-h-8b', 'nemotron-h-56b', 'llama-3.1-8b', 'mamba2-2.7b', 'qwen-2.5-7b'])(
  '%s decodes within the budget of dispatches of each layer',
  (file) => {
    const { program } = compiled(file).plan;
    const layers = program.schedule.filter((s) => /^\d/.test(s.label));
    expect(layers).toHaveLength(program.model.layers.length);
    layers.forEach((instance, i) => {
      const stage = program.stages.find((s) => s.id === instance.stage)!;
      expect(stage.decode.length).toBeLessThanOrEqual(BUDGET[program.model.layers[i]!.block]!);
    });
  },
);

test('identical layers share kernels: the 56B has as many as the 8B', () => {
  const sizes = ['nemotron-h-8b', 'nemotron-h-56b'].map((file) => compiled(file).plan.kernels.size);
  expect(sizes[0]).toBe(sizes[1]);
  expect(sizes[1]).toBeLessThan(100);
});
