/** Random models, from their source to the kernels in the checking interpreter, against f64: outputs and gradients. */
import fc from 'fast-check';
import { check } from '../../src/compile.js';
import { differentiateModel, lossAndGradients } from '../../src/grad/model.js';
import type { ModelGraph } from '../../src/graph/graph.js';
import type { Reference } from '../../src/ops/op.js';
import { plan } from '../../src/plan/plan.js';
import { evaluateModel } from '../../src/reference/model.js';
import { memoryHost } from '../../src/sources/host.js';
import { drawParameters } from '../support/hybrid.js';
import { InterpretedProgram } from '../support/program.js';
import { random } from '../support/random.js';
import { randomModel } from '../support/random-model.js';
import { InterpretedTraining } from '../support/training-program.js';
import { gradientsOff } from '../support/close.js';

/** f32 through a few layers of sums of at most some hundred products: 2^-24 a rounding, some thousand in sequence. */
const TOLERANCE = 1e-4;

interface Case {
  readonly source: string;
  readonly seed: number;
  /** Tokens of each sequence of the batch. */
  readonly lengths: readonly number[];
  readonly fused: boolean;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    gen: fc.gen(),
    seed: fc.nat(),
    lengths: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 3 }),
    fused: fc.boolean(),
  })
  .map(({ gen, ...rest }) => ({ source: randomModel((n) => gen(fc.nat, { max: n - 1 })), ...rest }))
  .map((each) =>
    Object.assign(each, {
      [fc.toStringMethod]: () =>
        `${JSON.stringify(each.lengths)} fused: ${each.fused}, seed ${each.seed}\n${each.source}`,
    }),
  );

function compiled(source: string): ModelGraph {
  const { models, diagnostics } = check(memoryHost({ 'main.hyb': source }), 'main.hyb', { exact: true });
  const errors = diagnostics
    .filter((d) => d.severity === 'error')
    .map((d) => `${d.code} ${d.message} at ${source.slice(d.span.start, d.span.end)}`);
  expect(errors).toEqual([]);
  return models[0]!.graph;
}

/** Largest difference, in units of the largest expected value and at least of one. */
function off(actual: Float32Array, expected: readonly Reference[]): number {
  const data = expected.flatMap((each) => [...each.data]);
  expect(actual.length).toBe(data.length);
  const largest = data.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
  return data.reduce((worst, v, i) => Math.max(worst, Math.abs(v - actual[i]!)), 0) / largest;
}

test('a ragged prompt, another piece of it, and decoding', () => {
  fc.assert(
    fc.property(cases, ({ source, seed, lengths, fused }) => {
      const model = compiled(source);
      const parameters = drawParameters(model, seed);
      const { integer } = random(seed);
      const draw = (counts: readonly number[]) =>
        counts.map((length) => Array.from({ length }, () => integer(0, model.vocab)));
      const program = new InterpretedProgram(plan(model, { fused }), (path) => parameters.get(path)!.data, {
        slots: lengths.length,
        capacity: 64,
        variants: seed % 2 === 0 ? 'core' : 'best',
      });
      let states: (ReturnType<typeof evaluateModel>['sequences'][number]['state'] | undefined)[] = lengths.map(
        () => undefined,
      );
      const one = lengths.map(() => 1);
      for (const [mode, tokens] of [
        ['prefill', draw(lengths)],
        ['prefill', draw([...lengths].reverse())],
        ['decode', draw(one)],
        ['decode', draw(one)],
      ] as const) {
        const { sequences } = evaluateModel(
          model,
          parameters,
          tokens.map((each, i) => ({ tokens: each, ...(states[i] && { state: states[i] }) })),
        );
        states = sequences.map(({ state }) => state);
        const actual = program.feed(tokens, mode);
        expect(program.faults).toEqual([]);
        expect(
          off(
            actual,
            sequences.map(({ logits }) => logits),
          ),
        ).toBeLessThan(TOLERANCE);
      }
    }),
    { numRuns: 12 },
  );
});

test('norms before, after and around a narrow layer: no invocation overwrites what another one still reads', () => {
  const model = compiled(`use std.{MLP, RMSNorm}
model Narrow {
  vocab   = 5
  width   = 2
  context = 16
  F = MLP(inner = 3)
  norm   = { pre = RMSNorm, out = RMSNorm, post = RMSNorm }
  layers = [F]
  head   = { norm = RMSNorm, tie = true }
}
`);
  const parameters = drawParameters(model, 1);
  const program = new InterpretedProgram(plan(model), (path) => parameters.get(path)!.data, { slots: 1, capacity: 16 });
  program.feed([[1, 2, 3]], 'prefill');
  program.feed([[4]], 'decode');
  expect(program.faults).toEqual([]);
});

test('loss and gradients, with values kept or computed again', () => {
  fc.assert(
    fc.property(cases, ({ source, seed, lengths, fused }) => {
      const model = compiled(source);
      const parameters = drawParameters(model, seed);
      const { integer } = random(seed);
      // A sequence of one token has no next token to be right about: its own label stands in.
      const part = lengths.map((length) => {
        const tokens = Array.from({ length }, () => integer(0, model.vocab));
        return length > 1 ? { tokens } : { tokens, labels: tokens };
      });
      const expected = lossAndGradients(model, parameters, part, differentiateModel(model));
      const planned = plan(model, { fused, training: true });
      const run = new InterpretedTraining(planned, (path) => parameters.get(path)!.data, part, seed % 2);
      expect(run.faults).toEqual([]);
      expect(run.loss).toBeCloseTo(expected.loss, 4);
      expect(gradientsOff(expected.gradients, run.gradients, 1e-6)).toEqual([]);
    }),
    { numRuns: 6 },
  );
});
