/** The training loop: everything about a run that knows no device. */
import { TrainingError } from '../../errors.js';
import {
  checkpointName,
  lastCheckpoint,
  readCheckpoint,
  tidyCheckpoints,
  writeCheckpoint,
} from '../checkpoints/checkpoint.js';
import type { CheckpointOptions, RunState } from '../checkpoints/checkpoint.js';
import { CHECKPOINTS } from '../checkpoints/places.js';
import { mixtureAt } from '../data/mixture.js';
import type { TrainingData } from '../data/prepare.js';
import { dataStream } from '../data/stream.js';
import type { DataStream } from '../data/stream.js';
import type { ProbeValue, StepResult, TrainingEngine, TrainingPart, TrainingSequence } from '../engine.js';
import { folderIn } from '../files/folder.js';
import type { Files } from '../files/types.js';
import type { FaultPolicy, Mixture, TrainingRecipe } from '../recipe.js';
import { controlOf, faultOf, firstControl, observe, resumedControl, scalingNotice } from './control.js';
import type { ControlState, Fault } from './control.js';
import { evaluate } from './evaluate.js';
import { identityOf, requireSame } from './identity.js';
import { clock } from './intervals.js';
import type { Clock } from './intervals.js';
import type { RunLength } from './length.js';
import { openLog } from './log.js';
import type { RunLog } from './log.js';
import type { EvaluationMetrics, StepMetrics } from './metrics.js';
import { learningRate } from './schedule.js';

export interface TrainOptions {
  readonly engine: TrainingEngine;
  readonly recipe: TrainingRecipe;
  /** Of `runLength`. */
  readonly length: RunLength;
  /** Of `prepareData`. */
  readonly data: TrainingData;
  /** The run's folder: `metrics.jsonl`, and the recipe's folder of checkpoints unless these have a place of their own. Default: nothing is kept. */
  readonly files?: Files | undefined;
  readonly checkpoints?: Files | undefined;
  readonly checkpoint?: CheckpointOptions | undefined;
  /** Goes on from the last checkpoint, if there is one. Without it, a folder that has checkpoints is refused. */
  readonly resume?: boolean | undefined;
  /** Ends the run after the step it is in, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** Operations for a token and the device's peak in operations a second, for the share of it. */
  readonly work?: { readonly operationsPerToken: number; readonly peak: number } | undefined;
}

/** Returns to the same checkpoint, and faults in a row that are skipped, before it is no use. */
const MOST_RETURNS = 3;
const MOST_SKIPPED = 10;

/**
 * Trains, and yields the metrics of each step. Results are awaited one step late, so that the device has always
 * something to do; what the caller does with them takes the time of a step at most.
 *
 * The run ends with the recipe's last step, by the signal, or when the caller stops asking; by the first two, with a
 * checkpoint.
 *
 * @throws TrainingError `not-finite`, `loss-spike` as the recipe's policies say; `bad-run` if it cannot be resumed;
 *   `storage-full`, `storage-failed`: the last whole checkpoint stays
 */
export async function* train(options: TrainOptions): AsyncGenerator<StepMetrics, void, undefined> {
  const run = new Run(options);
  await run.open();
  try {
    yield* run.steps();
  } finally {
    await run.close();
  }
}

/** A step that was handed to the engine. */
interface Submitted {
  readonly step: number;
  readonly rate: number;
  readonly lossScale: number;
  readonly limit: number;
  readonly result: Promise<StepResult>;
}

class Run {
  readonly #options: TrainOptions;
  readonly #stream: DataStream;
  readonly #checkpoints: Files | undefined;
  readonly #evaluations: Clock;
  readonly #saves: Clock;
  readonly #probes: Clock;
  readonly #amounts: Mixture;
  readonly #identity: RunState['identity'];
  #control: ControlState;
  #log: RunLog | undefined;
  /** Of the last step whose result is there. */
  #step = 0;
  #tokens = 0;
  #seconds = 0;
  #since = 0;
  /** Step of the last checkpoint. */
  #saved: number | undefined;
  #returns = 0;
  #skipped = 0;
  /** Loss scale of the last step whose result is there. */
  #scale: number | undefined;

  constructor(options: TrainOptions) {
    this.#options = options;
    const { recipe, data, length, files, checkpoints } = options;
    this.#stream = dataStream(data.sources, recipe.seed);
    this.#checkpoints = checkpoints ?? (files && folderIn(files, recipe.checkpoints.folder ?? CHECKPOINTS));
    const now = (): number => performance.now();
    this.#evaluations = clock(data.evaluation && recipe.evaluation?.every, length, now);
    this.#saves = clock(this.#checkpoints && recipe.checkpoints.every, length, now);
    this.#probes = clock(recipe.probes?.every, length, now);
    this.#amounts = Object.fromEntries(Object.entries(data.sources).map(([name, { count }]) => [name, count]));
    this.#identity = identityOf(options);
    this.#control = firstControl(recipe);
  }

  /** Finds the place to go on from. */
  async open(): Promise<void> {
    const { files, resume = false, engine, checkpoint } = this.#options;
    const checkpoints = this.#checkpoints;
    if (checkpoints !== undefined) {
      const found = await lastCheckpoint(checkpoints);
      if (found !== undefined && !resume) {
        throw new TrainingError(
          'bad-run',
          `${checkpoints.name} holds a checkpoint of step ${found.state.step} already. Resume that run, or choose another folder.`,
        );
      }
      if (found !== undefined) {
        requireSame(found.state.identity, this.#identity, `${checkpoints.name}/${found.name}`);
        await readCheckpoint(checkpoints, found.name, engine, checkpoint?.map);
        this.#goTo(found.state);
        this.#stream.seek(found.state.position);
        this.#saved = found.state.step;
      }
    }
    if (files !== undefined) this.#log = await openLog(files, this.#step, () => performance.now());
    this.#since = performance.now();
  }

  #goTo({ step, tokens, seconds, control }: RunState): void {
    this.#step = step;
    this.#tokens = tokens;
    this.#seconds = seconds;
    this.#control = resumedControl(control, this.#options.recipe);
  }

  async *steps(): AsyncGenerator<StepMetrics, void, undefined> {
    const { length } = this.#options;
    let pending: Submitted | undefined;
    let step = this.#step + 1;
    while (step <= length.steps && !this.#aborted) {
      const submitted = await this.#submit(step);
      if (pending !== undefined) {
        const before = pending;
        pending = submitted;
        const metrics = await this.#finish(before, submitted);
        yield await this.#told(metrics);
        if (metrics.fault?.policy === 'back') {
          pending = undefined;
          step = this.#step + 1;
          continue;
        }
      } else pending = submitted;
      // What looks at the weights has to wait for this step, and the next one for it.
      const ends = step === length.steps || this.#aborted;
      const evaluates = this.#evaluations.due(step) || (ends && this.#options.data.evaluation !== undefined);
      const saves = this.#saves.due(step) || ends;
      if (evaluates || saves) {
        const last: Submitted = pending;
        pending = undefined;
        const metrics = await this.#finish(last, undefined);
        if (metrics.fault?.policy === 'back') {
          yield await this.#told(metrics);
          step = this.#step + 1;
          continue;
        }
        yield await this.#look(metrics, evaluates && !this.#aborted, saves);
      }
      step += 1;
    }
    if (pending !== undefined) {
      const metrics = await this.#finish(pending, undefined);
      yield await this.#look(metrics, false, true);
    } else if (this.#aborted && this.#step > 0) await this.#save();
  }

  get #aborted(): boolean {
    return this.#options.signal?.aborted === true;
  }

  async close(): Promise<void> {
    await this.#log?.flush();
  }

  async #told(metrics: StepMetrics): Promise<StepMetrics> {
    await this.#log?.add(metrics);
    if (metrics.fault !== undefined) await this.#log?.flush();
    return metrics;
  }

  async #submit(step: number): Promise<Submitted> {
    const { engine, recipe, length } = this.#options;
    const weights = mixtureAt(recipe.mix, this.#amounts, length, step);
    const windows = await this.#stream.next(length.batch, weights);
    const rate = learningRate(recipe, length, step);
    const { lossScale, limit } = controlOf(this.#control, step, recipe);
    const parts = partsOf(windows, length.parts);
    if (parts.length === 0) throw new TrainingError('bad-data', 'The data of a step holds nothing but single tokens.');
    const result = engine.step(parts, {
      step,
      rate,
      lossScale,
      probes: this.#probes.due(step),
      ...(recipe.faults.spike?.name === 'skip' && limit < Infinity ? { lossLimit: limit } : {}),
    });
    // It is awaited later than it may fail.
    result.catch(() => undefined);
    return { step, rate, lossScale, limit, result };
  }

  /** Awaits a step, and does about a fault what the recipe says; `next` is the step that was submitted after it. */
  async #finish(submitted: Submitted, next: Submitted | undefined): Promise<StepMetrics> {
    const { recipe, length, engine, work } = this.#options;
    const { step, rate, lossScale, limit } = submitted;
    const result = await submitted.result;
    const now = performance.now();
    const took = Math.max(1e-9, (now - this.#since) / 1000);
    this.#since = now;
    this.#step = step;
    this.#tokens += length.tokensPerStep;
    this.#seconds += took;
    this.#control = observe(this.#control, { step, ...result }, recipe);
    const tokensPerSecond = length.tokensPerStep / took;
    const metrics: StepMetrics = {
      step,
      loss: result.loss,
      gradientNorm: result.gradientNorm,
      parameterNorm: result.parameterNorm,
      rate,
      tokens: this.#tokens,
      seconds: this.#seconds,
      tokensPerSecond,
      ...(work === undefined ? {} : { share: (tokensPerSecond * work.operationsPerToken) / work.peak }),
      memory: engine.memory.total,
      ...(recipe.loss_scale === 1 ? {} : { lossScale }),
      applied: result.applied,
      ...(result.probes === undefined ? {} : { probes: wanted(result.probes, recipe) }),
    };
    const notice = scalingNotice({ step, ...result }, { lossScale, before: this.#scale }, recipe);
    this.#scale = lossScale;
    const fault = faultOf(result, { lossScale, limit }, recipe);
    if (fault !== undefined) return this.#handle(fault, metrics, limit, next);
    this.#skipped = 0;
    return notice === undefined ? metrics : { ...metrics, notice };
  }

  async #handle(kind: Fault, metrics: StepMetrics, limit: number, next: Submitted | undefined): Promise<StepMetrics> {
    const { faults } = this.#options.recipe;
    const policy = (kind === 'spike' ? faults.spike! : faults.not_finite).name;
    const { step, loss, gradientNorm } = metrics;
    const what =
      kind === 'spike'
        ? `Step ${step}: the loss of ${loss.toFixed(4)} is a spike, over ${limit.toFixed(4)}.`
        : `Step ${step}: the loss is ${loss} and the norm of the gradients ${gradientNorm}.`;
    const told = (done: string): StepMetrics => ({ ...metrics, fault: { kind, policy, message: `${what} ${done}` } });
    const stop = async (why: string): Promise<never> => {
      await this.#log?.add(told('The run stops.'));
      await next?.result.catch(() => undefined);
      throw this.#stopped(kind, policy, [what, why].join(' ').trim());
    };
    switch (policy) {
      case 'stop':
        return stop('');
      case 'skip':
        this.#skipped += 1;
        if (this.#skipped > MOST_SKIPPED) return stop(`It was so ${this.#skipped} times in a row.`);
        return told(metrics.applied ? 'It could not be left out: the update was done.' : 'The step was left out.');
      case 'back': {
        this.#returns += 1;
        if (this.#returns > MOST_RETURNS) return stop(`Going back ${MOST_RETURNS} times did not help.`);
        await next?.result.catch(() => undefined);
        const to = await this.#goBack();
        if (to === undefined) return stop('There is no checkpoint to go back to.');
        return told(`Back to step ${to}, and on with other data.`);
      }
    }
  }

  #stopped(kind: Fault, policy: FaultPolicy, what: string): TrainingError {
    const saved = this.#saved === undefined ? '' : ` The last checkpoint, of step ${this.#saved}, is whole.`;
    // What has been tried is no help.
    const other = (advice: string): string => (policy === 'stop' ? `, or \`faults = { ${advice} }\`` : '');
    const help =
      kind === 'spike'
        ? `A lower rate, a longer warm-up${other('spike = back')} may help.`
        : `A lower rate, \`clip\`${other('not_finite = skip')} may help; probes show where values grow.`;
    return new TrainingError(kind === 'spike' ? 'loss-spike' : 'not-finite', `${what}${saved} ${help}`);
  }

  /** The data goes on where it is: what was at fault is passed. */
  async #goBack(): Promise<number | undefined> {
    const { engine, checkpoint } = this.#options;
    const found = this.#checkpoints && (await lastCheckpoint(this.#checkpoints));
    if (found === undefined) return undefined;
    await readCheckpoint(this.#checkpoints!, found.name, engine, checkpoint?.map);
    const { position: _, ...state } = found.state;
    this.#goTo({ ...state, position: this.#stream.position, seconds: this.#seconds });
    this.#since = performance.now();
    return found.state.step;
  }

  /** What needs the weights as they are after a step. */
  async #look(metrics: StepMetrics, evaluates: boolean, saves: boolean): Promise<StepMetrics> {
    let looked = metrics;
    if (evaluates) {
      const evaluation = await this.#evaluate();
      if (evaluation !== undefined) looked = { ...looked, evaluation };
    }
    if (saves && this.#checkpoints !== undefined) looked = { ...looked, checkpoint: checkpointName(this.#step) };
    await this.#told(looked);
    if (saves) await this.#save();
    // Time that was spent so is none of the next step's.
    this.#since = performance.now();
    return looked;
  }

  /** Nothing if the run was told to end meanwhile. */
  async #evaluate(): Promise<EvaluationMetrics | undefined> {
    const { engine, data, length, signal } = this.#options;
    if (data.evaluation === undefined) return undefined;
    const batch = Math.max(1, Math.floor(length.batch / length.parts));
    try {
      return await evaluate(engine, data.evaluation, { batch, signal });
    } catch (error) {
      if (this.#aborted) return undefined;
      throw error;
    }
  }

  async #save(): Promise<void> {
    const { engine, recipe, checkpoint } = this.#options;
    const files = this.#checkpoints;
    if (files === undefined || this.#saved === this.#step) return;
    // Whoever resumes from it finds the lines of all steps before it.
    await this.#log?.flush();
    const state: RunState = {
      step: this.#step,
      tokens: this.#tokens,
      seconds: this.#seconds,
      position: this.#stream.position,
      control: this.#control,
      identity: this.#identity,
    };
    try {
      await writeCheckpoint(files, engine, state, checkpoint);
      this.#saved = this.#step;
      this.#returns = 0;
      await tidyCheckpoints(files, recipe.checkpoints.keep);
    } catch (cause) {
      if (!(cause instanceof TrainingError)) throw cause;
      const last = this.#saved;
      const rest = last === undefined ? 'There is none before it.' : `That of step ${last} is whole.`;
      throw new TrainingError(
        cause.code,
        `The checkpoint of step ${this.#step} could not be written. ${cause.message} ${rest} Make room and resume the run.`,
        { cause },
      );
    }
  }
}

/** Of what the engine measures, what the recipe asks for. */
function wanted(probes: readonly ProbeValue[], recipe: TrainingRecipe): readonly ProbeValue[] {
  const names = recipe.probes?.of?.map(({ name }) => name);
  return names === undefined ? probes : probes.filter(({ probe }) => names.includes(probe));
}

/** The windows of a step in as many parts, the first ones larger where they cannot all be equal; empty ones are left out. */
function partsOf(windows: readonly (readonly TrainingSequence[])[], parts: number): readonly TrainingPart[] {
  const [size, larger] = [Math.floor(windows.length / parts), windows.length % parts];
  return Array.from({ length: parts }, (_, i) => {
    const start = i * size + Math.min(i, larger);
    return windows.slice(start, start + size + (i < larger ? 1 : 0)).flat();
  }).filter((part) => part.length > 0);
}
