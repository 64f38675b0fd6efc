import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ARCHITECTURES } from '../../src/interop/architectures/table.js';
import { tensorNamesOf } from '../../src/interop/import-config.js';
import { parseConfig } from '../../src/interop/parse-config.js';
import { expandRules } from '../../src/interop/tensors.js';
import type { HuggingFaceTensor } from '../../src/interop/tensors.js';
import { GOLDENS, golden } from '../support/golden.js';
import { CONFIGS } from './configs.js';

function tensorsOf(text: string, present: readonly string[] = []): readonly HuggingFaceTensor[] {
  const config = parseConfig(text).config!;
  return expandRules(ARCHITECTURES[config.modelType].tensors(config, tensorNamesOf(config, present)), config);
}

test.each(GOLDENS)('%s: the rules name exactly the tensors of the checkpoint', (name) => {
  const path = fileURLToPath(new URL(`../../../tests/golden/${name}/config.json`, import.meta.url));
  const { checkpoint, places } = golden(name);
  const tensors = tensorsOf(readFileSync(path, 'utf8'), [...checkpoint.keys()]);
  expect(tensors.map((tensor) => tensor.name).sort()).toEqual([...checkpoint.keys()].sort());
  for (const { name: tensor, parts } of tensors) {
    const placed = [...places].filter(([, place]) => place.name === tensor).sort(([, a], [, b]) => a.start - b.start);
    expect(parts).toEqual(
      placed.map(([parameter]) => parameter.replace('.norm.pre.', '.pre.').replace('.norm.gated.', '.gated.')),
    );
  }
});

// FACTS §8: nine tensors for a Mamba-2 layer, five for attention, three for an MLP, and three outside of the layers.
test.each([
  ['Nemotron-H-8B-Base-8K', 24 * 9 + 4 * 5 + 24 * 3 + 3],
  ['Nemotron-H-47B-Base-8K', 577],
  ['Nemotron-H-4B-Base-8K', 311],
  ['Llama-3.1-8B', 32 * 9 + 3],
  ['Qwen2.5-7B', 28 * 12 + 3],
  ['mamba2-2.7b-hf', 64 * 9 + 2],
] as const)('%s has %i tensors', (name, count) => {
  const tensors = tensorsOf(JSON.stringify(CONFIGS[name]));
  expect(tensors.length).toBe(count);
  expect(new Set(tensors.map((tensor) => tensor.name)).size).toBe(count);
});
