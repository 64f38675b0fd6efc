/**
 * What the run learns from its steps for later ones: the loss scale and the running mean of the loss.
 *
 * A step is submitted before the last one's result is there, so it can depend on results up to the one before that, and
 * it always depends on exactly these, whether the run happened to wait or not: a resumed run then repeats an uninterrupted
 * one. Hence the newest result waits, in checkpoints too, until the step after the next is submitted.
 */
import type { TrainingRecipe } from '../recipe.js';
import type { StepResult } from '../engine.js';

/** What matters of a step's result. */
export type Outcome = Pick<StepResult, 'loss' | 'applied'> & { readonly step: number };

/** Plain data, part of every checkpoint. */
export interface ControlState {
  readonly lossScale: number;
  /** Steps in a row whose gradients were finite at this scale. */
  readonly finite: number;
  /** Running mean of the loss; over how many steps. */
  readonly mean: number;
  readonly seen: number;
  /** The last outcome, which does not count for the next step yet. JSON has no NaN: then the loss is null. */
  readonly waiting: { readonly step: number; readonly loss: number | null; readonly applied: boolean } | null;
}

/** As in the automatic mixed precision of PyTorch: halved at once, doubled after many good steps. */
const FIRST_SCALE = 2 ** 16;
const LARGEST_SCALE = 2 ** 24;
const PATIENCE = 2000;
/** The mean reaches back over about this many steps; before as many it says too little to call anything a spike. */
const MEMORY = 20;

type ControlRecipe = Pick<TrainingRecipe, 'loss_scale' | 'faults'>;

export function firstControl({ loss_scale }: ControlRecipe): ControlState {
  const lossScale = typeof loss_scale === 'number' ? loss_scale : FIRST_SCALE;
  return { lossScale, finite: 0, mean: 0, seen: 0, waiting: null };
}

/** Of a run that is resumed: a scale that the recipe fixes counts at once, and one that is found begins where it was. */
export function resumedControl(state: ControlState, { loss_scale }: ControlRecipe): ControlState {
  return typeof loss_scale === 'number' ? { ...state, lossScale: loss_scale, finite: 0 } : state;
}

/** Takes note of a step's outcome. */
export function observe(state: ControlState, outcome: Outcome, recipe: ControlRecipe): ControlState {
  const { step, loss, applied } = outcome;
  return { ...settle(state, recipe), waiting: { step, loss: Number.isFinite(loss) ? loss : null, applied } };
}

/** The settings of a step: a function of the outcomes up to the one before the last. */
export function controlOf(
  state: ControlState,
  step: number,
  recipe: ControlRecipe,
): { readonly lossScale: number; readonly limit: number } {
  const known = state.waiting !== null && state.waiting.step <= step - 2 ? settle(state, recipe) : state;
  return { lossScale: known.lossScale, limit: lossLimit(known, recipe) };
}

function settle(state: ControlState, recipe: ControlRecipe): ControlState {
  const { waiting } = state;
  if (waiting === null) return state;
  const { loss, applied } = waiting;
  const limit = lossLimit(state, recipe);
  const scaled = typeof recipe.loss_scale === 'number' ? state : rescale(state, applied || (loss ?? NaN) > limit);
  // What was left out, and spikes, are no measure of what is usual.
  if (!applied || loss === null || loss > limit) return { ...scaled, waiting: null };
  const weight = 1 / Math.min(state.seen + 1, MEMORY);
  return { ...scaled, mean: state.mean + weight * (loss - state.mean), seen: state.seen + 1, waiting: null };
}

function rescale(state: ControlState, finite: boolean): ControlState {
  if (!finite) return { ...state, lossScale: Math.max(1, state.lossScale / 2), finite: 0 };
  if (state.finite + 1 < PATIENCE) return { ...state, finite: state.finite + 1 };
  return { ...state, lossScale: Math.min(LARGEST_SCALE, state.lossScale * 2), finite: 0 };
}

/** A loss above this is a spike; infinity while nobody asked, or too little is known. */
function lossLimit(state: ControlState, { faults }: ControlRecipe): number {
  return faults.spike === null || state.seen < MEMORY ? Infinity : faults.spike_factor * state.mean;
}

export type Fault = 'not_finite' | 'spike';

type Judged = Pick<StepResult, 'loss' | 'applied' | 'gradientNorm'>;

/** What went wrong in a step, if anything did. Gradients that only the dynamic loss scale was too large for are no fault. */
export function faultOf(
  result: Judged,
  { lossScale, limit }: { readonly lossScale: number; readonly limit: number },
  recipe: ControlRecipe,
): Fault | undefined {
  const { loss, applied } = result;
  if (Number.isFinite(loss) && loss > limit) return 'spike';
  if (applied && Number.isFinite(loss)) return undefined;
  return overflows(result, lossScale, recipe) ? undefined : 'not_finite';
}

function overflows({ loss, gradientNorm }: Judged, lossScale: number, recipe: ControlRecipe): boolean {
  const scaling = typeof recipe.loss_scale !== 'number' && lossScale > 1;
  return scaling && Number.isFinite(loss) && !Number.isFinite(gradientNorm);
}

/**
 * What to say of a step's loss scale, for people.
 *
 * @param before the scale of the step before it; absent: not known
 */
export function scalingNotice(
  { step, ...result }: Judged & { readonly step: number },
  { lossScale, before }: { readonly lossScale: number; readonly before: number | undefined },
  recipe: ControlRecipe,
): string | undefined {
  if (overflows(result, lossScale, recipe)) {
    return `Step ${step}: gradients overflow at a loss scale of ${lossScale}. The step was left out, and the scale is halved.`;
  }
  if (before === undefined || lossScale <= before) return undefined;
  return `Step ${step}: the loss scale is ${lossScale} from here on.`;
}
