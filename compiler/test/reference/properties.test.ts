/** Properties of whole models (oracle 3): chunks, batches and forks do not change what a sequence computes. */
import fc from 'fast-check';
import { verifyModelGraph } from '../../src/graph/verify.js';
import type { Reference } from '../../src/ops/op.js';
import { evaluateModel } from '../../src/reference/model.js';
import type { SequenceResult, SequenceState } from '../../src/reference/model.js';
import { expectClose } from '../support/close.js';
import { attention, gatedMlp, mamba2, modelOf, residualLayer } from '../support/layers.js';
import { drawParameters, hybrid } from '../support/hybrid.js';
import { random } from '../support/random.js';

const EPS = 1e-5;
/** Sums are taken in the same order whatever the chunks, but a little slack costs nothing. */
const SAME = 1e-12;

const model = hybrid();
const parameters = drawParameters(model, 1);
const tokensOf = (seed: number, length: number): number[] => {
  const { integer } = random(seed);
  return Array.from({ length }, () => integer(0, model.vocab));
};
const whole = (tokens: readonly number[]): SequenceResult =>
  evaluateModel(model, parameters, [{ tokens }]).sequences[0]!;

function join(parts: readonly Reference[]): Reference {
  const data = parts.flatMap((part) => [...part.data]);
  return { shape: [data.length / model.vocab, model.vocab], data: Float64Array.from(data) };
}

function expectSameState(actual: SequenceState, expected: SequenceState): void {
  expect(actual.position).toBe(expected.position);
  expect([...actual.instances.keys()]).toEqual([...expected.instances.keys()]);
  for (const [path, nodes] of expected.instances) {
    for (const [node, pieces] of nodes) {
      for (const [name, piece] of pieces) expectClose(actual.instances.get(path)!.get(node)!.get(name)!, piece, SAME);
    }
  }
}

test('the model is well formed and every layer but the MLP and the position has a state', () => {
  expect(verifyModelGraph(model)).toEqual([]);
  expect([...whole([1]).state.instances.keys()]).toEqual([0, 1, 2, 4, 5, 7].map((i) => `layers.${i}`));
});

test('any chunking of a sequence equals the whole', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 6 }),
      (seed, chunks) => {
        const tokens = tokensOf(
          seed,
          chunks.reduce((a, b) => a + b, 0),
        );
        const expected = whole(tokens);
        const logits: Reference[] = [];
        let state: SequenceState | undefined;
        let at = 0;
        for (const chunk of chunks) {
          const call = { tokens: tokens.slice(at, at + chunk), ...(state !== undefined && { state }) };
          const result = evaluateModel(model, parameters, [call]).sequences[0]!;
          logits.push(result.logits);
          state = result.state;
          at += chunk;
        }
        expectClose(join(logits), expected.logits, SAME);
        expectSameState(state!, expected.state);
      },
    ),
    { numRuns: 25, seed: 7 },
  );
});

test('a ragged batch of fresh and continued sequences equals each alone', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.array(fc.record({ before: fc.integer({ min: 0, max: 6 }), now: fc.integer({ min: 1, max: 6 }) }), {
        minLength: 1,
        maxLength: 4,
      }),
      (seed, shapes) => {
        const calls = shapes.map(({ before, now }, i) => {
          const tokens = tokensOf(seed + i, before + now);
          return { tokens: tokens.slice(before), ...(before > 0 && { state: whole(tokens.slice(0, before)).state }) };
        });
        const batch = evaluateModel(model, parameters, calls);
        calls.forEach((call, i) => {
          const alone = evaluateModel(model, parameters, [call]).sequences[0]!;
          expectClose(batch.sequences[i]!.logits, alone.logits, SAME);
          expectSameState(batch.sequences[i]!.state, alone.state);
        });
      },
    ),
    { numRuns: 15, seed: 8 },
  );
});

test('a state can be forked: what continues from it leaves it as it was', () => {
  const { state } = whole(tokensOf(1, 9));
  const go = (tokens: number[]): Reference =>
    evaluateModel(model, parameters, [{ tokens, state }]).sequences[0]!.logits;
  const first = go([3, 4]);
  go([5, 6, 7]);
  expectClose(go([3, 4]), first, 0);
});

test('the head on the last tokens alone gives the last rows', () => {
  const calls = [{ tokens: tokensOf(2, 5) }, { tokens: tokensOf(3, 2) }];
  const last = evaluateModel(model, parameters, calls, { logits: 'last' });
  const all = evaluateModel(model, parameters, calls);
  calls.forEach((_, i) => {
    const { shape, data } = all.sequences[i]!.logits;
    expectClose(
      last.sequences[i]!.logits,
      { shape: [1, model.vocab], data: data.slice((shape[0]! - 1) * model.vocab) },
      SAME,
    );
  });
});

test('later tokens change nothing before them', () => {
  const tokens = tokensOf(4, 12);
  const changed = [...tokens.slice(0, 8), ...tokensOf(5, 4)];
  const rows = 8 * model.vocab;
  expect(whole(changed).logits.data.slice(0, rows)).toEqual(whole(tokens).logits.data.slice(0, rows));
});

test('missing parameters and misshapen ones are named', () => {
  const less = new Map(parameters);
  less.delete('layers.0.A_log');
  expect(() => evaluateModel(model, less, [{ tokens: [1] }])).toThrow('parameter layers.0.A_log is missing');
  less.set('layers.0.A_log', { shape: [3], data: new Float64Array(3) });
  expect(() => evaluateModel(model, less, [{ tokens: [1] }])).toThrow(/A_log has shape \[3\]/);
});

test('width 512, 300 tokens: seconds, and chunks agree at that size too', () => {
  const width = 512;
  const mamba = mamba2({ heads: 8, head_dim: 64, state: 64, groups: 2, conv: 4, eps: EPS }, width);
  const large = modelOf({ vocab: 1000, width, eps: EPS }, [
    { alias: 'M', graph: residualLayer('M', width, EPS, mamba) },
    {
      alias: 'A',
      graph: residualLayer('A', width, EPS, attention({ heads: 8, kv_heads: 2, head_dim: 64, rope: [1, 0.1] }, width)),
    },
    { alias: 'F', graph: residualLayer('F', width, EPS, gatedMlp(1024, width)) },
  ]);
  const weights = drawParameters(large, 2);
  const tokens = Array.from({ length: 300 }, (_, i) => (i * 37) % 1000);
  const run = (part: readonly number[], state?: SequenceState): SequenceResult =>
    evaluateModel(large, weights, [{ tokens: part, ...(state !== undefined && { state }) }], { logits: 'last' })
      .sequences[0]!;
  const expected = run(tokens);
  const chunked = run(tokens.slice(163), run(tokens.slice(0, 163)).state);
  expectClose(chunked.logits, expected.logits, SAME);
  expectSameState(chunked.state, expected.state);
});
