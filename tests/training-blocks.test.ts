/**
 * Gradients of blocks on the adapter against f64: the examples' own, and the methods of "Methods of Improving LLM Training
 * Stability" as models/baseline-830m.hyb declares them: three models that have all of them; with HYB_LONG_TESTS=1 each
 * derivation on its own.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../compiler/src/compile.js';
import type { ModelGraph } from '../compiler/src/graph/graph.js';
import { memoryHost } from '../compiler/src/sources/host.js';
import { modelSources } from '../compiler/test/support/models.js';
import { root } from './support/bundle.js';
import { expectGradients } from './support/training-gradients.js';

const COUNTS = [40, 5, 1];
const SMALL = 'vocab = 61, width = 24, context = 64, A.heads = 3, F.inner = 28, layers = [A F]';

/** A model derived from one of a file's, in f32. */
function derived(file: string, base: string, changes: string): ModelGraph {
  const text = `use std.{LayerScale}\nuse "./${file}".{${base} as Base}\nmodel Small = Base with { ${changes} }\n`;
  const blocks = Object.fromEntries(
    ['gated-delta.hyb', 'rg-lru.hyb'].map((name) => [name, readFileSync(join(root, 'examples/blocks', name), 'utf8')]),
  );
  const host = memoryHost({ ...modelSources, ...blocks, 'small.hyb': text });
  const { models, diagnostics } = check(host, 'small.hyb', { exact: true });
  expect(diagnostics.filter((d) => d.severity === 'error').map((d) => d.message)).toEqual([]);
  return models.find((m) => m.graph.name === 'Small')!.graph;
}

test.each([
  ['gated-delta.hyb', 'Delta', 'vocab = 61, layers = [D]'],
  ['rg-lru.hyb', 'Hawk', 'vocab = 61, layers = [R]'],
])('%s', async (file, base, changes) => {
  await expectGradients(derived(file, base, changes), COUNTS);
});

const each = ['Baseline830M', 'QKNorm', 'QKFCNorm', 'QKVNorm', 'SoftCap', 'QKNormCap', 'SoftTemp', 'SoftClip'];
const methods: readonly (readonly [name: string, base: string, changes: string])[] =
  process.env['HYB_LONG_TESTS'] === '1'
    ? [...each, 'SigmaReparam', 'ScaledLayers'].map((name) => [name, name, ''])
    : [
        ['norms of queries and keys and of outputs, capped logits', 'QKFCNorm', 'A.cap = 2,'],
        [
          'norms of queries, keys and values, half the logits, clipped',
          'QKVNorm',
          'A.temperature = 0.5, A.clip = (1.03, -0.03),',
        ],
        ['sigma and layer scale', 'SigmaReparam', 'norm.out = LayerScale,'],
      ];

test.each(methods)('%s', async (_, base, changes) => {
  await expectGradients(derived('baseline-830m.hyb', base, `${changes} ${SMALL}`), COUNTS);
});
