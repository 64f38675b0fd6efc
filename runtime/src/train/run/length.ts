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

/** Of a recipe, what says how long a run is. */
type LengthRecipe = Pick<
  TrainingRecipe,
  'sequence' | 'batch' | 'accumulation' | 'steps' | 'tokens' | 'warmup' | 'schedule'
>;

/** Sequences of a step: more are a slip of the pen. */
const MOST_SEQUENCES = 2 ** 20;

/** @throws TrainingError `bad-recipe` for sizes that do not go together */
export function runLength(recipe: LengthRecipe, { context, partTokens = Infinity }: LengthOptions): RunLength {
  const sequence = recipe.sequence?.value ?? context;
  if (sequence > context) {
    throw new TrainingError('bad-recipe', `Sequences of ${sequence} tokens are longer than the context of ${context}.`);
  }
  const { value, unit } = recipe.batch;
  const batch = unit === 'sequences' ? value : Math.floor(value / sequence);
  if (batch < 1 || batch > MOST_SEQUENCES) {
    const problem = batch < 1 ? `less than one of ${sequence} tokens` : `more than ${MOST_SEQUENCES}`;
    throw new TrainingError('bad-recipe', `A batch of ${value} ${unit} is ${problem}`);
  }
  const tokensPerStep = batch * sequence;
  const length = recipe.steps ?? recipe.tokens;
  if (length === undefined) throw new TrainingError('bad-recipe', 'The recipe does not say its steps or tokens.');
  const steps = Math.max(1, Math.ceil(inSteps(length, tokensPerStep)));
  checkSchedule(recipe, steps, tokensPerStep);
  const { accumulation } = recipe;
  if (accumulation !== undefined && accumulation > batch) {
    throw new TrainingError(
      'bad-recipe',
      `A batch of ${batch} sequences cannot be computed in ${accumulation} parts: parts are whole sequences.`,
    );
  }
  const fitting = Math.min(batch, Math.max(1, Math.floor(partTokens / sequence)));
  const parts = accumulation ?? Math.ceil(batch / fitting);
  return { sequence, batch, parts, steps, tokensPerStep };
}

/** The compiler compares lengths of the same unit; here all are known in steps. */
function checkSchedule({ warmup, schedule }: LengthRecipe, steps: number, tokensPerStep: number): void {
  const warm = inSteps(warmup, tokensPerStep);
  const run = `the run of ${steps} steps of ${tokensPerStep} tokens`;
  if (warm > 0 && warm >= steps) {
    const said = `The warm-up of ${warmup.value} ${warmup.unit} is not shorter than ${run}`;
    throw new TrainingError('bad-recipe', `${said}: the rate would never reach its peak.`);
  }
  if (schedule.name !== 'wsd' || typeof schedule.arguments.decay === 'number') return;
  const { decay } = schedule.arguments;
  if (warm + inSteps(decay, tokensPerStep) > steps) {
    const said = `The decay of ${decay.value} ${decay.unit} does not fit after the warm-up into ${run}`;
    throw new TrainingError('bad-recipe', `${said}: give a share of the run, such as \`decay = 0.2\`.`);
  }
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
