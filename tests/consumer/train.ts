/** What a user of a package that trains writes; installed and bundled outside the repository by training-package.test.ts. */
import type { Device, Files, StepMetrics } from '@hyb/runtime';
import { dataText, diskFiles, lastWeights, memoryFiles, openDevice, originFiles } from '@hyb/runtime';
import { load, recipe, train } from 'tiny';

interface Arguments {
  readonly text: string;
  /** For the run's files in Node; a page has a private file system. */
  readonly folder: string;
  /** Step after which the run is aborted, before it is resumed. */
  readonly leave: number;
}

type Outcome = readonly [step: number, loss: number, heldOut: number | null];

export interface Trained {
  readonly recipe: string | undefined;
  readonly whole: readonly Outcome[];
  readonly resumed: readonly Outcome[];
  /** Files of the last checkpoint. */
  readonly checkpoint: readonly string[];
  /** Of the first byte's successor, by the package's model with the weights of either run. */
  readonly logits: readonly [number[], number[]];
  /** Losses of three steps of a run with other fields, that began with the weights of the first. */
  readonly tuned: readonly number[];
}

export default async function main(
  { text, folder, leave }: Arguments,
  { environment }: { readonly environment: string },
): Promise<Trained> {
  const data = [dataText(text)];
  // One device for all, so that kernels are compiled once.
  const device = await openDevice();
  const kept = memoryFiles();
  const whole: Outcome[] = [];
  for await (const metrics of train({ data, files: kept, device })) whole.push(outcomeOf(metrics));

  const files = environment === 'node' ? diskFiles(folder) : await originFiles('run');
  const resumed: Outcome[] = [];
  const stop = new AbortController();
  for await (const metrics of train({ data, files, device, signal: stop.signal })) {
    resumed.push(outcomeOf(metrics));
    if (metrics.step === leave) stop.abort();
  }
  // A Blob is a text too.
  for await (const metrics of train({ data: [new Blob([text])], files, device, resume: true }))
    resumed.push(outcomeOf(metrics));

  const tuned: number[] = [];
  const changes = { steps: { value: 3, unit: 'steps' }, rate: 1e-4, batch: { value: 1, unit: 'sequences' } } as const;
  const weights = await lastWeights(kept);
  for await (const { loss } of train({ data, device, weights, recipe: changes })) tuned.push(loss);

  const last = `checkpoints/step-${String(resumed.length).padStart(6, '0')}`;
  const logits = [await firstLogits(device, kept), await firstLogits(device, files)] as const;
  device.dispose();
  return {
    recipe: recipe.name,
    whole,
    resumed,
    checkpoint: (await files.list(last)).map(({ name }) => name),
    logits,
    tuned,
  };
}

async function firstLogits(device: Device, files: Files): Promise<number[]> {
  const model = await load(device, { weights: await lastWeights(files) });
  try {
    const [logits] = await model.logits([[0x49]]);
    return [...logits!];
  } finally {
    model.dispose();
  }
}

function outcomeOf({ step, loss, evaluation }: StepMetrics): Outcome {
  return [step, loss, evaluation?.loss ?? null];
}
