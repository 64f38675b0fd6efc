/** Sizes of a run in steps and tokens. */
import { TrainingError } from '../../errors.js';
import type { Quantity, TrainingRecipe } from '../recipe.js';

export interface RunLength {
  /** Tokens in a training sequence. */
  readonly sequence: number;
  /** Sequences in a step. */
  readonly batch: number;
  /** Parts that a step is computed in. */
  readonly parts: number;
  readonly steps: number;
  readonly tokensPerStep: number;
}

export interface LengthOptions {
  /** The model's; training sequences are no longer. */
  readonly context: number;
  /** Most tokens that the engine computes at once; default: any number. */
  readonly partTokens?: number | undefined;
}

/** @throws TrainingError `bad-recipe` */
export function runLength(recipe: TrainingRecipe, { context, partTokens = Infinity }: LengthOptions): RunLength {
  const sequence = recipe.sequence?.value ?? context;
  if (sequence > context) {
    throw new TrainingError('bad-recipe', `Sequences of ${sequence} tokens are longer than the context of ${context}.`);
  }
  const { value, unit } = recipe.batch;
  const batch = unit === 'sequences' ? value : Math.max(1, Math.floor(value / sequence));
  const tokensPerStep = batch * sequence;
  const length = recipe.steps ?? recipe.tokens;
  if (length === undefined) throw new TrainingError('bad-recipe', 'The recipe does not say its steps or tokens.');
  const steps = Math.max(1, Math.ceil(inSteps(length, tokensPerStep)));
  const fitting = Math.min(batch, Math.max(1, Math.floor(partTokens / sequence)));
  const parts = Math.min(batch, recipe.accumulation ?? Math.ceil(batch / fitting));
  return { sequence, batch, parts, steps, tokensPerStep };
}

/** Steps, not always whole ones. */
export function inSteps({ value, unit }: Quantity<'steps' | 'tokens'>, tokensPerStep: number): number {
  return unit === 'steps' ? value : value / tokensPerStep;
}

/** A place in the run, where a bare number is a share of it. */
export function stepOf(
  place: number | Quantity<'steps' | 'tokens'>,
  { steps, tokensPerStep }: Pick<RunLength, 'steps' | 'tokensPerStep'>,
): number {
  return typeof place === 'number' ? place * steps : inSteps(place, tokensPerStep);
}
