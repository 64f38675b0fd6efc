/** Products that rotate queries and keys and write the cache, against the f64 meaning and the unfused program. */
import { TOKENS } from '../../src/fuse/axis.js';
import type { ModelGraph } from '../../src/graph/graph.js';
import { lower } from '../../src/lower/lower.js';
import { plan } from '../../src/plan/plan.js';
import { evaluateModel } from '../../src/reference/model.js';
import { drawParameters } from '../support/hybrid.js';
import { attention, modelOf, residualLayer } from '../support/layers.js';
import type { AttentionSizes } from '../support/layers.js';
import { InterpretedProgram } from '../support/program.js';

const WIDTH = 12;
// Three products of up to 24 terms and a softmax: some hundred roundings of 2^-24.
const TOLERANCE = 2 ** -16;

const modelWith = (sizes: AttentionSizes): ModelGraph =>
  modelOf({ vocab: 13, width: WIDTH, eps: 1e-5 }, [
    { alias: 'A', graph: residualLayer('A', WIDTH, 1e-5, attention(sizes, WIDTH)) },
  ]);

const frequencies = (n: number): number[] => Array.from({ length: n }, (_, i) => 10 ** (-i / n));

const CASES: readonly (readonly [string, AttentionSizes, number])[] = [
  ['no rotation', { heads: 3, kv_heads: 1, head_dim: 5 }, 1],
  ['halves', { heads: 4, kv_heads: 2, head_dim: 6, rope: frequencies(3) }, 1],
  ['halves of a part', { heads: 3, kv_heads: 3, head_dim: 10, rope: frequencies(3) }, 1],
  ['neighbours', { heads: 2, kv_heads: 1, head_dim: 8, rope: frequencies(4), pairing: 'interleaved' }, 1],
  ['neighbours of a part', { heads: 2, kv_heads: 1, head_dim: 6, rope: frequencies(2), pairing: 'interleaved' }, 1],
  // Without pairs for all rows, a kernel of its own appends.
  ['an odd head', { heads: 2, kv_heads: 1, head_dim: 7, rope: frequencies(3) }, 2],
];

const appends = (model: ModelGraph, fused: boolean): number =>
  lower(model.graphs[1]!, { mode: 'decode', fused, axis: TOKENS, inPlace: true }).length - 3;

describe.each(CASES)('%s', (_, sizes, kernelsBesides) => {
  const model = modelWith(sizes);
  const parameters = drawParameters(model, 3);
  const prompts = [[1, 2, 3, 4, 5], [6]];
  const steps = [
    [7, 8],
    [9, 10],
  ];

  test('takes a product, attention and its merging, and a product', () => {
    expect(appends(model, true)).toBe(kernelsBesides);
    expect(appends(model, false)).toBeGreaterThan(kernelsBesides);
  });

  test.each(['core', 'best'] as const)('decodes after prefill: %s variants', (variants) => {
    const logits = [true, false].map((fused) => {
      const program = new InterpretedProgram(plan(model, { fused }), (path) => parameters.get(path)!.data, {
        slots: 2,
        capacity: 9,
        variants,
      });
      program.feed(prompts, 'prefill');
      const outputs = steps.map((tokens) =>
        program.feed(
          tokens.map((t) => [t]),
          'decode',
        ),
      );
      expect(program.faults).toEqual([]);
      return outputs;
    });
    prompts.forEach((prompt, s) => {
      const tokens = [...prompt, ...steps.map((t) => t[s]!)];
      const expected = evaluateModel(model, parameters, [{ tokens }]).sequences[0]!.logits.data;
      steps.forEach((_, i) => {
        const row = expected.slice((prompt.length + i) * model.vocab, (prompt.length + i + 1) * model.vocab);
        const scale = Math.max(...row.map(Math.abs));
        for (const outputs of logits) {
          const actual = outputs[i]!.slice(s * model.vocab, (s + 1) * model.vocab);
          row.forEach((v, c) => expect(Math.abs(actual[c]! - v)).toBeLessThan(TOLERANCE * scale));
        }
      });
    });
  });
});
