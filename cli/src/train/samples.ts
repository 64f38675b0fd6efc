/** What a trained model writes. */
import { evaluateModel } from '@hyb/compiler';
import type { ModelGraph, Reference, SequenceState } from '@hyb/compiler';
import type { TextCodec, TrainingEngine } from '@hyb/runtime';

export interface Sample {
  readonly title: string;
  readonly text: string;
}

export interface SampleOptions {
  readonly tokens: number;
  readonly seed: number;
}

/** A little under the model's own distribution. */
export const TEMPERATURE = 0.8;

/** Continues a prompt with an engine's weights, in f64. */
export async function sampleInReference(
  model: ModelGraph,
  engine: Pick<TrainingEngine, 'parameters'>,
  prompt: readonly number[],
  { tokens, seed }: SampleOptions,
): Promise<readonly number[]> {
  const parameters = new Map<string, Reference>();
  for (const { name, shape, read } of engine.parameters()) {
    parameters.set(name, { shape, data: Float64Array.from(await read()) });
  }
  const random = uniform(seed);
  const made: number[] = [];
  let state: SequenceState | undefined;
  let next = prompt;
  while (made.length < tokens && prompt.length + made.length < model.context) {
    const call = state === undefined ? { tokens: next } : { tokens: next, state };
    const [result] = evaluateModel(model, parameters, [call], { logits: 'last' }).sequences;
    state = result!.state;
    const token = draw(result!.logits.data, random());
    made.push(token);
    next = [token];
  }
  return made;
}

/** Inverts the distribution's sums. */
function draw(logits: Float64Array, at: number): number {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = logits.map((x) => Math.exp((x - largest) / TEMPERATURE));
  let rest = at * weights.reduce((a, b) => a + b, 0);
  const found = weights.findIndex((weight) => (rest -= weight) < 0);
  return found < 0 ? logits.length - 1 : found;
}

/** From 0 to below 1 (Tommy Ettinger's mulberry32). */
function uniform(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function describeSample(codec: TextCodec, prompt: readonly number[], made: readonly number[]): Sample {
  return { title: 'What it writes', text: `${codec.decode(prompt)}│${codec.decode(made)}` };
}
