/** Whole programs, run kernel by kernel in the checking interpreter, against recorded outputs of the original implementations. */
import { plan } from '../../src/plan/plan.js';
import { GOLDENS, golden } from '../support/golden.js';
import { InterpretedProgram } from '../support/program.js';

/** What the issue asks of f32 weights. */
const TOLERANCE = 1e-4;

function difference(actual: Float32Array, expected: Float64Array): number {
  expect(actual.length).toBe(expected.length);
  return expected.reduce((worst, v, i) => Math.max(worst, Math.abs(v - actual[i]!)), 0);
}

describe.each(GOLDENS)('%s', (name) => {
  const { model, parameters, recorded } = golden(name);
  const list = (tensor: string): number[] => [...recorded.get(tensor)!.data];

  test.each([true, false])('prompt and cached decoding, fused: %s', (fused) => {
    const interpreted = new InterpretedProgram(plan(model, { fused }), (path) => parameters.get(path)!.data, {
      slots: 1,
      capacity: 64,
    });
    const prompt = interpreted.feed([list('prompt.tokens')], 'prefill');
    expect(interpreted.faults).toEqual([]);
    expect(difference(prompt, recorded.get('prompt.logits')!.data)).toBeLessThan(TOLERANCE);
    const expected = recorded.get('decode.logits')!.data;
    list('decode.tokens').forEach((token, i) => {
      const logits = interpreted.feed([[token]], 'decode');
      // Every decoding step runs the same kernels; the second one has seen each of them once with state.
      interpreted.fast = i > 0;
      expect(difference(logits, expected.slice(i * model.vocab, (i + 1) * model.vocab))).toBeLessThan(TOLERANCE);
    });
    expect(interpreted.faults).toEqual([]);
  });
});
