/** A recipe as a tab can train it: shorter where it is made for clusters, with what was changed in words. */
import type { CompiledRecipe } from '@hyb/runtime';
import type { Quantity, Schedule } from '@hyb/runtime/train/recipe';
import { inSteps } from '@hyb/runtime/train/run/length';

/** Chosen so that a step is over within seconds without a GPU. */
const MOST_SEQUENCE = 256;
const MOST_TOKENS_A_STEP = 2048;
const MOST_STEPS = 500;
const HELD_OUT_TOKENS = 2048;
/** Weights, gradients and two moments in f32, of what is put into one tab. */
const BYTES_A_PARAMETER = 16;
const MOST_BYTES = 2 ** 30;

export interface TabRecipe {
  readonly recipe: CompiledRecipe;
  /** What differs from the source, a sentence each. */
  readonly changes: readonly string[];
}

/**
 * @param context the model's
 * @param steps asked for; default: what the recipe says, as far as a tab goes
 */
export function tabRecipe(source: CompiledRecipe, context: number, steps?: number): TabRecipe {
  const { data, mix: _, probes, tokens, tokenizer, ...recipe } = source;
  const changes: string[] = [];
  const count = (value: number): string => value.toLocaleString('en-US');
  const change = <T>(what: string, from: T, to: T, show: (value: T) => string): T => {
    if (from !== to) changes.push(`${what}: ${show(to)} instead of ${show(from)}.`);
    return to;
  };

  const length = source.sequence?.value ?? context;
  const sequence = change('Tokens in a sequence', length, Math.min(length, MOST_SEQUENCE), count);
  const { value, unit } = source.batch;
  const sequences = unit === 'sequences' ? value : Math.max(1, Math.floor(value / length));
  const fitting = Math.max(1, Math.floor(MOST_TOKENS_A_STEP / sequence));
  const batch = change('Sequences in a step', sequences, Math.min(sequences, fitting), count);
  const tokensPerStep = sequences * length;
  const said = source.steps?.value ?? Math.ceil((tokens?.value ?? 0) / tokensPerStep);
  const run = steps ?? change('Steps', said, Math.min(said, MOST_STEPS), count);
  const warmup = inSteps(source.warmup, tokensPerStep);
  const warm = warmup > run / 2 ? Math.ceil(run / 10) : Math.ceil(warmup);
  if (warm < Math.ceil(warmup)) change('Steps of warm-up', Math.ceil(warmup), warm, count);

  if (data !== undefined) changes.push('The text below takes the place of its data.');
  if (typeof tokenizer === 'string') changes.push(`Bytes are tokens, not those of ${tokenizer}.`);
  if (probes !== undefined) changes.push('Nothing is probed.');
  const held = source.evaluation?.tokens?.value ?? Infinity;
  return {
    recipe: {
      ...recipe,
      sequence: { value: sequence, unit: 'tokens' },
      batch: { value: batch, unit: 'sequences' },
      steps: { value: run, unit: 'steps' },
      warmup: { value: warm, unit: 'steps' },
      schedule: scheduled(source.schedule, (decay) => Math.min(1, inSteps(decay, tokensPerStep) / said)),
      // They are kept in memory: one, for going on and for what generates.
      checkpoints: { every: { value: Math.max(1, Math.ceil(run / 4)), unit: 'steps' }, keep: 1 },
      ...(source.evaluation === undefined
        ? {}
        : {
            evaluation: {
              every: { value: Math.max(1, Math.ceil(run / 4)), unit: 'steps' as const },
              tokens: { value: Math.min(held, HELD_OUT_TOKENS), unit: 'tokens' as const },
            },
          }),
    },
    changes,
  };
}

/** A decay of so many steps or tokens is the same share of a run of another length. */
function scheduled(schedule: Schedule, shareOf: (decay: Quantity<'steps' | 'tokens'>) => number): Schedule {
  if (schedule.name !== 'wsd') return schedule;
  const { decay } = schedule.arguments;
  return typeof decay === 'number'
    ? schedule
    : { ...schedule, arguments: { ...schedule.arguments, decay: shareOf(decay) } };
}

/** @throws RangeError for a model that is too large to be trained in a tab */
export function checkParameters(name: string, parameters: number): void {
  const bytes = parameters * BYTES_A_PARAMETER;
  if (bytes <= MOST_BYTES) return;
  const millions = Math.floor(MOST_BYTES / BYTES_A_PARAMETER / 1e6);
  throw new RangeError(
    `${name} has ${Math.round(parameters / 1e6).toLocaleString('en-US')} million parameters. A tab trains up to ${millions} million: make it narrower, or train it with \`hyb train\`.`,
  );
}
