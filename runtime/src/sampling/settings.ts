import { UsageError } from '../errors.js';
import type { SamplingOptions } from '../generate/types.js';
import { SETTINGS_WORDS } from '../program/call-buffers.js';

export type Sampling = Required<SamplingOptions>;

/** A rule that a value of an option has to keep, in words and as a test. */
type Rule = readonly [text: string, holds: (value: number) => boolean];

const RULES: Readonly<Record<keyof Sampling, Rule>> = {
  temperature: ['a number from 0', (value) => value >= 0 && Number.isFinite(value)],
  topK: ['an integer from 0', (value) => Number.isSafeInteger(value) && value >= 0],
  topP: ['a number above 0, at most 1', (value) => value > 0 && value <= 1],
  minP: ['a number from 0, below 1', (value) => value >= 0 && value < 1],
  repetitionPenalty: ['a number above 0', (value) => value > 0 && Number.isFinite(value)],
  seed: ['an integer from 0, below 2^32', (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32],
};

const DEFAULTS: Omit<Sampling, 'seed'> = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };

/** @throws UsageError `bad-argument` */
export function resolveSampling(options: SamplingOptions): Sampling {
  const given = Object.fromEntries(
    Object.entries(options).filter(([name, value]) => name in RULES && value !== undefined),
  );
  const sampling: Sampling = { ...DEFAULTS, seed: randomSeed(), ...given };
  for (const [name, [text, holds]] of Object.entries(RULES)) {
    const value = sampling[name as keyof Sampling];
    if (typeof value !== 'number' || !holds(value)) {
      throw new UsageError('bad-argument', `${name} has to be ${text}, not ${String(value)}.`);
    }
  }
  return sampling;
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

/** The `settings` table: 8 words for each sequence. `step`: tokens sampled so far. */
export function settingsTable(samplings: readonly Sampling[], step: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(samplings.length * SETTINGS_WORDS);
  const floats = new Float32Array(words.buffer);
  samplings.forEach(({ temperature, topK, topP, minP, repetitionPenalty, seed }, i) => {
    const at = i * SETTINGS_WORDS;
    floats[at] = temperature;
    words[at + 1] = Math.min(topK, 0xffffffff);
    floats[at + 2] = topP;
    floats[at + 3] = minP;
    floats[at + 4] = repetitionPenalty;
    words[at + 5] = seed;
    words[at + 6] = step;
  });
  return words;
}
