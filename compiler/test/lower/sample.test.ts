import { raceOf, sampleReference, scoresOf, thresholdOf } from '../../src/lower/sample/reference.js';
import { randomBits } from '../../src/numeric/random-bits.js';
import type { SamplerSettings } from '../../src/lower/sample/reference.js';
import { random } from '../support/random.js';
import { interpret, interpretFast } from './machine.js';
import { PLAIN, Sampler } from './sampler.js';

const one = (slot: number, position: number) => ({ slot, count: 1, position });
const normal = (vocab: number, seed: number, scale = 3): Float32Array => {
  const r = random(seed);
  return Float32Array.from({ length: vocab }, () => scale * r.normal());
};

const SETTINGS: readonly Partial<SamplerSettings>[] = [
  { temperature: 0 },
  { temperature: 0, repetitionPenalty: 1.5 },
  {},
  { temperature: 0.7 },
  { topK: 1 },
  { topK: 5 },
  { topK: 100_000 },
  { topP: 0.5 },
  { topP: 0.95, temperature: 1.5 },
  { topP: 1e-6 },
  { minP: 0.1 },
  { topK: 20, topP: 0.8, minP: 0.05, repetitionPenalty: 1.3, temperature: 0.9 },
];

describe('sampling', () => {
  test.each([
    [7, 'core'],
    [64, 'core'],
    [64, 'best'],
    [1024, 'core'],
    [2500, 'core'],
    [2500, 'best'],
  ] as const)('%d tokens: the token that the f64 reference draws, %s variants', async (vocab, variants) => {
    const r = random(vocab);
    const settings = SETTINGS.map((s, i): SamplerSettings => ({
      ...PLAIN,
      ...s,
      seed: r.integer(0, 2 ** 32),
      step: 100 * i,
    }));
    const sequences = settings.map((_, i) => one(settings.length - 1 - i, 3 * i));
    const execute = vocab === 64 ? interpret : interpretFast;
    const sampler = new Sampler(vocab, sequences, settings, execute, settings.length, variants);
    for (let slot = 0; slot < settings.length; slot++) {
      for (let n = 0; n < 5; n++) sampler.see(slot, r.integer(0, vocab));
    }
    for (let step = 0; step < 3; step++) {
      const logits = settings.map((_, i) => normal(vocab, 1000 * step + i));
      logits.forEach((l, i) => sampler.setLogits(i, l));
      const races = settings.map((s, i) => {
        const slot = sequences[i]!.slot;
        return raceOf(logits[i]!, (token) => sampler.isSeen(slot, token), { ...s, step: s.step + step });
      });
      const tokens = await sampler.step();
      tokens.forEach((token, i) => {
        const best = Math.max(...races[i]!);
        // The device computes scores and noise in f32: of two that are closer than that either may win.
        expect(races[i]![token]).toBeGreaterThan(best - 1e-4);
        const { slot, position } = sequences[i]!;
        expect([...sampler.batch.tables.tokens.subarray(4 * i, 4 * i + 4)]).toEqual([
          token,
          i,
          position + step + 1,
          slot,
        ]);
        expect([...sampler.batch.tables.sequences.subarray(4 * i, 4 * i + 4)]).toEqual([
          slot,
          i,
          1,
          position + step + 1,
        ]);
        expect(sampler.tables.settings[8 * i + 6]).toBe(settings[i]!.step + step + 1);
        const row = (settings[i]!.step + step) % sampler.batch.sizes.window;
        expect(sampler.tables.sampled[row * settings.length + i]).toBe(token);
        expect(sampler.isSeen(slot, token)).toBe(true);
      });
    }
  });

  test('filters keep exactly what the reference keeps', async () => {
    const vocab = 40;
    const logits = normal(vocab, 5, 2);
    for (const filter of [
      { topK: 4 },
      { topP: 0.6 },
      { minP: 0.2 },
      { topK: 6, topP: 0.7 },
      { topK: 8, minP: 0.3, topP: 0.9 },
    ]) {
      const settings = Array.from({ length: 30 }, (_, seed): SamplerSettings => ({
        ...PLAIN,
        ...filter,
        temperature: 4,
        seed,
      }));
      const sampler = new Sampler(
        vocab,
        settings.map((_, i) => one(i, 0)),
        settings,
        interpretFast,
        30,
      );
      const drawn = new Set<number>();
      for (let step = 0; step < 4; step++) {
        settings.forEach((_, i) => sampler.setLogits(i, logits));
        for (const token of await sampler.step()) drawn.add(token);
      }
      const scores = scoresOf(logits, () => false, settings[0]!);
      const threshold = thresholdOf(scores, settings[0]!);
      const kept = [...scores.keys()].filter((token) => scores[token]! >= threshold);
      expect([...drawn].sort((a, b) => a - b)).toEqual(kept);
    }
  });

  test('the reference itself: top-k, top-p and min-p by their definitions', () => {
    // Probabilities 0.4, 0.3, 0.2, 0.1.
    const scores = Float64Array.from([0.2, 0.4, 0.1, 0.3], Math.log);
    const kept = (filter: Partial<SamplerSettings>): number[] => {
      const threshold = thresholdOf(scores, { ...PLAIN, ...filter });
      return [...scores.keys()].filter((token) => scores[token]! >= threshold);
    };
    expect(kept({})).toEqual([0, 1, 2, 3]);
    expect(kept({ topK: 2 })).toEqual([1, 3]);
    expect(kept({ topP: 0.39 })).toEqual([1]);
    expect(kept({ topP: 0.41 })).toEqual([1, 3]);
    expect(kept({ topP: 0.69 })).toEqual([1, 3]);
    expect(kept({ topP: 0.71 })).toEqual([0, 1, 3]);
    // Of the two that top-k leaves, the first has 4/7.
    expect(kept({ topK: 2, topP: 0.56 })).toEqual([1]);
    expect(kept({ topK: 2, topP: 0.58 })).toEqual([1, 3]);
    expect(kept({ minP: 0.49 })).toEqual([0, 1, 3]);
    expect(kept({ minP: 0.51 })).toEqual([1, 3]);
  });

  test('draws follow the softmax (chi-square)', async () => {
    const logits = Float32Array.from([1, 0, -1, 0.5, 2, -3, 1.5, 0.25]);
    const temperature = 1.25;
    const settings = Array.from({ length: 100 }, (_, i): SamplerSettings => ({
      ...PLAIN,
      temperature,
      seed: 7919 * i,
    }));
    const sampler = new Sampler(
      logits.length,
      settings.map((_, i) => one(i, 0)),
      settings,
      interpretFast,
      100,
    );
    const counts = new Array<number>(logits.length).fill(0);
    const STEPS = 40;
    for (let step = 0; step < STEPS; step++) {
      settings.forEach((_, i) => sampler.setLogits(i, logits));
      for (const token of await sampler.step()) counts[token]!++;
    }
    const weights = [...logits].map((l) => Math.exp(l / temperature));
    const total = weights.reduce((a, b) => a + b, 0);
    const draws = settings.length * STEPS;
    const chiSquare = counts.reduce((sum, count, token) => {
      const expected = (draws * weights[token]!) / total;
      return sum + (count - expected) ** 2 / expected;
    }, 0);
    // 7 degrees of freedom: exceeded with probability 0.001 (and the seeds are fixed).
    expect(chiSquare).toBeLessThan(24.32);
  });

  test('random bits are uniform in each of their arguments', () => {
    for (const [name, bits] of [
      ['token', (i: number) => randomBits(i, 5, 9)],
      ['step', (i: number) => randomBits(5, i, 9)],
      ['seed', (i: number) => randomBits(5, 9, i)],
    ] as const) {
      const bins = new Array<number>(64).fill(0);
      const ones = new Array<number>(32).fill(0);
      const N = 64_000;
      for (let i = 0; i < N; i++) {
        const value = bits(i);
        bins[value >>> 26]!++;
        for (let bit = 0; bit < 32; bit++) ones[bit]! += (value >>> bit) & 1;
      }
      const chiSquare = bins.reduce((sum, count) => sum + (count - N / 64) ** 2 / (N / 64), 0);
      // 63 degrees of freedom, probability 0.001; ones within four standard deviations.
      expect(`${name} ${chiSquare < 103.4}`).toBe(`${name} true`);
      for (const count of ones) expect(Math.abs(count - N / 2)).toBeLessThan(4 * Math.sqrt(N / 4));
    }
  });

  test('equal logits: greedy takes the first, top-k keeps all at its edge', async () => {
    const logits = Float32Array.from({ length: 1500 }, (_, i) => (i === 300 || i === 1200 || i === 299 + 1024 ? 5 : 0));
    const greedy = new Sampler(1500, [one(0, 0)], [{ ...PLAIN, temperature: 0 }], interpretFast);
    greedy.setLogits(0, logits);
    expect(await greedy.step()).toEqual([300]);
    const settings = Array.from({ length: 30 }, (_, seed): SamplerSettings => ({ ...PLAIN, topK: 2, seed }));
    const top = new Sampler(
      1500,
      settings.map((_, i) => one(i, 0)),
      settings,
      interpretFast,
      30,
    );
    settings.forEach((_, i) => top.setLogits(i, logits));
    expect([...new Set(await top.step())].sort((a, b) => a - b)).toEqual([300, 1200, 1323]);
  });

  test('a logit that is not finite is reported as a token past the vocabulary', async () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const sampler = new Sampler(50, [one(0, 0), one(1, 0)], [PLAIN, PLAIN], interpretFast);
      sampler.setLogits(0, normal(50, 1).fill(bad, 33, 34));
      sampler.setLogits(1, normal(50, 1));
      const [broken, sound] = await sampler.step();
      expect(broken).toBe(50);
      expect(sound).toBeLessThan(50);
    }
  });

  test('what a sequence draws does not depend on its batch', async () => {
    const settings: SamplerSettings = { ...PLAIN, topP: 0.9, seed: 77, step: 4 };
    const logits = normal(300, 8);
    const alone = new Sampler(300, [one(5, 9)], [settings], interpretFast);
    alone.setLogits(0, logits);
    const together = new Sampler(300, [one(1, 2), one(3, 9)], [{ ...PLAIN, seed: 3 }, settings], interpretFast);
    together.setLogits(0, normal(300, 9));
    together.setLogits(1, logits);
    const expected = sampleReference(logits, () => false, settings);
    expect([(await alone.step())[0], (await together.step())[1]]).toEqual([expected, expected]);
  });
});
