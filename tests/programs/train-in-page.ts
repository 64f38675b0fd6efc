/** Trains in whatever environment this runs in, with files in the origin's private file system where there is one. */
import type { CompiledRecipe, Program as CompiledProgram, StepMetrics } from '@hyb/runtime';
import { dataText, memoryFiles, originFiles, trainModel } from '@hyb/runtime';

interface Arguments {
  readonly program: CompiledProgram;
  readonly kernels: Readonly<Record<string, string>>;
  readonly recipe: CompiledRecipe;
  readonly text: string;
  /** Where the run is left, as if the page had been closed. */
  readonly leave: number;
}

export interface Trained {
  /** Losses and held-out losses of a run that was left and resumed, and of one that was not. */
  readonly resumed: readonly Outcome[];
  readonly whole: readonly Outcome[];
  /** In the run's folder. */
  readonly entries: readonly string[];
  readonly lines: number;
}

type Outcome = readonly [step: number, loss: number, heldOut: number | null];

export default async function trainInPage({ program, kernels, recipe, text, leave }: Arguments): Promise<Trained> {
  const data = [dataText(text)];
  const files = 'storage' in navigator ? await originFiles('runs/a') : memoryFiles();
  const resumed: Outcome[] = [];
  for await (const metrics of trainModel(program, kernels, recipe, { data, files })) {
    if (metrics.step > leave) break;
    resumed.push(outcomeOf(metrics));
  }
  for await (const metrics of trainModel(program, kernels, recipe, { data, files, resume: true }))
    resumed.push(outcomeOf(metrics));
  const whole: Outcome[] = [];
  for await (const metrics of trainModel(program, kernels, recipe, { data })) whole.push(outcomeOf(metrics));
  const log = await files.open('metrics.jsonl');
  const lines = new TextDecoder()
    .decode(await log.read(0, log.size))
    .trimEnd()
    .split('\n').length;
  const entries = (await files.list('checkpoints')).map(({ name }) => name);
  return { resumed, whole, entries, lines };
}

function outcomeOf({ step, loss, evaluation }: StepMetrics): Outcome {
  return [step, loss, evaluation?.loss ?? null];
}
