/** How far a model is from the recorded outputs of its original implementation. Runs wherever the model does. */
import type { Recorded } from './recorded.js';
import { expectedStates } from './states.js';
import type { StateValues } from './states.js';

/** A model that can be asked, on any device. */
export interface Runner {
  readonly device: string;
  /** After every token of a text of its own: [length, vocab]. */
  logits(tokens: readonly number[]): Promise<ArrayLike<number>>;
  /** Feeds tokens to the one sequence; logits after the last. */
  feed(tokens: readonly number[]): Promise<ArrayLike<number>>;
  /** What the sequence remembers. */
  states(): Promise<readonly StateValues[]>;
  /** The residual stream after the embedding and each layer, for a text of its own: [length, width] each. */
  hidden(tokens: readonly number[]): Promise<readonly ArrayLike<number>[]>;
}

/** Which of our layers are one layer of the original, by its number there. */
export type LayerNumbers = readonly (readonly number[])[];

export interface Check {
  readonly name: string;
  /** Absolute. */
  readonly largest: number;
  readonly allowed: number;
  /** Numbers compared. */
  readonly compared: number;
}

export interface LayerDifference {
  /** `embedding`, `layer 3`. */
  readonly name: string;
  readonly largest: number;
  readonly allowed: number;
}

export interface Measurement {
  readonly device: string;
  readonly checks: readonly Check[];
  /** In order, as far as they were recorded. */
  readonly layers: readonly LayerDifference[];
}

/** Of logits, absolute; of states and layers, of the largest recorded value where that is above 1. */
export const TOLERANCE = 1e-4;

export async function measure(runner: Runner, recorded: Recorded, numbers: LayerNumbers): Promise<Measurement> {
  const checks: Check[] = [];
  const compare = (name: string, found: ArrayLike<number>, expected: ArrayLike<number>, allowed = TOLERANCE): void => {
    checks.push({ name, largest: largestDifference(found, expected), allowed, compared: expected.length });
  };
  const compareStates = async (moment: 'prompt' | 'decode', name: string): Promise<void> => {
    const expected = await expectedStates(recorded, moment, numbers);
    if (expected.length === 0) return;
    const found = new Map((await runner.states()).map((state) => [`${state.layer} ${state.name}`, state.values]));
    const worst = expected.map(({ layer, name: state, values }) => {
      const allowed = TOLERANCE * Math.max(1, largestOf(values));
      const largest = largestDifference(found.get(`${layer} ${state}`) ?? [], values);
      return { largest, allowed, compared: values.length };
    });
    const { largest, allowed } = worst.reduce((a, b) => (b.largest / b.allowed > a.largest / a.allowed ? b : a));
    checks.push({ name, largest, allowed, compared: worst.reduce((sum, { compared }) => sum + compared, 0) });
  };

  const prompt = Array.from(await recorded.values('prompt.tokens'));
  const promptLogits = await recorded.values('prompt.logits');
  const vocab = promptLogits.length / prompt.length;
  compare('prompt, every token', await runner.logits(prompt), promptLogits);
  compare('prompt into the cache', await runner.feed(prompt), slice(promptLogits, (prompt.length - 1) * vocab));
  await compareStates('prompt', 'states after the prompt');

  if (recorded.has('decode.tokens') && recorded.has('decode.logits')) {
    const tokens = Array.from(await recorded.values('decode.tokens'));
    const expected = await recorded.values('decode.logits');
    const found = new Float64Array(expected.length);
    for (const [i, token] of tokens.entries()) found.set(Array.from(await runner.feed([token])), i * vocab);
    compare(`decoding ${tokens.length} tokens`, found, expected);
    await compareStates('decode', 'states after decoding');
  }
  return { device: runner.device, checks, layers: await compareLayers(runner, recorded, numbers, prompt) };
}

export function within({ largest, allowed }: Pick<Check, 'largest' | 'allowed'>): boolean {
  return largest <= allowed;
}

async function compareLayers(
  runner: Runner,
  recorded: Recorded,
  numbers: LayerNumbers,
  prompt: readonly number[],
): Promise<readonly LayerDifference[]> {
  const places = [
    { name: 'embedding', tensor: 'hidden.embeddings', stage: 0 },
    ...numbers.map((layers, number) => ({
      name: `layer ${number}`,
      tensor: `hidden.block.${String(number).padStart(2, '0')}.out`,
      stage: 1 + Math.max(...layers),
    })),
  ].filter(({ tensor }) => recorded.has(tensor));
  if (places.length === 0) return [];
  const hidden = await runner.hidden(prompt);
  const result: LayerDifference[] = [];
  for (const { name, tensor, stage } of places) {
    const expected = await recorded.values(tensor);
    const allowed = TOLERANCE * Math.max(1, largestOf(expected));
    result.push({ name, largest: largestDifference(hidden[stage] ?? [], expected), allowed });
  }
  return result;
}

/** Infinity where a number is missing or is none. */
export function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(found[i]! - expected[i]!);
    if (Number.isNaN(difference)) return Infinity;
    if (difference > largest) largest = difference;
  }
  return largest;
}

function largestOf(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]!));
  return largest;
}

function slice(values: ArrayLike<number>, start: number): ArrayLike<number> {
  return Array.prototype.slice.call(values, start) as number[];
}
