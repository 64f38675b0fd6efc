import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { planModel } from '@hyb/compiler';
import type { CheckedModel } from '@hyb/compiler';
import { printWgsl } from '@hyb/compiler/wgsl/index';
import type { DEVICES } from '../commands/verify.js';
import { hasCheckpoint } from '../project/import-folder.js';
import { checkSource, firstModel, openSource } from '../project/source.js';
import { CliError, EXIT, Exit } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import type { Progress } from '../terminal/progress.js';
import { withProgress } from '../terminal/progress.js';
import { within } from '../verify/measure.js';
import type { Check, LayerNumbers, Measurement } from '../verify/measure.js';
import type { PageArguments } from '../verify/page.js';

export interface VerifyOptions {
  readonly device: (typeof DEVICES)[number];
  readonly source?: string;
  readonly model?: string;
  readonly fuse: boolean;
  readonly train?: boolean;
  readonly layers?: boolean;
  readonly json?: boolean;
}

const RECORDED = 'golden.safetensors';
const PATIENCE = 600_000;

export async function verify(io: Io, folder: string, options: VerifyOptions): Promise<number> {
  const { device, fuse, json } = options;
  if (options.train === true && (device === 'reference' || device === 'deno')) {
    throw new CliError(`--train runs in Node and in Chromium, not with --device ${device}.`);
  }
  const absolute = resolve(io.cwd, folder);
  requireFiles(absolute, folder);
  const checked = await compileExactly(io, folder, options);
  const numbers = layerNumbers(checked);
  const measurement = await withProgress(io, (progress) => run(progress, checked, absolute, numbers, options));
  const good = measurement.checks.every(within);
  if (json) {
    io.out(`${JSON.stringify({ ok: good, folder, where: device, fused: fuse, ...measurement }, null, 2)}\n`);
    return good ? EXIT.ok : EXIT.findings;
  }
  printMeasurement(io, measurement, { good, layers: options.layers === true });
  return good ? EXIT.ok : EXIT.findings;
}

function requireFiles(absolute: string, folder: string): void {
  if (!existsSync(absolute) || !statSync(absolute).isDirectory()) throw new CliError(`There is no folder ${folder}.`);
  if (!hasCheckpoint(absolute)) {
    throw new CliError(`${folder} has no model.safetensors, nor an index of several files.`);
  }
  if (!existsSync(join(absolute, RECORDED))) {
    throw new CliError(
      `${folder} has no ${RECORDED}.`,
      'It holds what the original implementation computes: prompt.tokens, prompt.logits, decode.tokens, decode.logits.',
    );
  }
}

/** The model without any rounding. Findings here mean that it cannot be verified, not that it differs. */
async function compileExactly(io: Io, folder: string, options: VerifyOptions): Promise<CheckedModel> {
  const { source, model, json } = options;
  try {
    const opened = await openSource(io, source ?? folder, { json });
    const all = await checkSource(io, opened, { json, exact: true, ...(model === undefined ? {} : { model }) });
    return firstModel(all, opened);
  } catch (error) {
    throw error instanceof Exit ? new Exit(EXIT.failed) : error;
  }
}

async function run(
  progress: Progress,
  checked: CheckedModel,
  folder: string,
  numbers: LayerNumbers,
  { device, fuse, train: training = false }: VerifyOptions,
): Promise<Measurement> {
  if (device === 'reference') {
    progress.show('Evaluating in f64');
    const [{ referenceRunner }, { measure }, { openRecorded }] = await Promise.all([
      import('../verify/reference-runner.js'),
      import('../verify/measure.js'),
      import('../verify/recorded.js'),
    ]);
    const recorded = await openRecorded(join(folder, RECORDED));
    try {
      return await measure(await referenceRunner(checked, folder), recorded, numbers);
    } finally {
      await recorded.close();
    }
  }
  progress.show('Making kernels');
  const plan = planModel(checked, { fused: fuse, training });
  const kernels = Object.fromEntries([...plan.kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  progress.show(`Computing in ${device === 'node' ? 'Node' : device === 'deno' ? 'Deno' : 'Chromium'}`);
  const work = { program: plan.program, kernels, numbers, training };
  return device === 'node' ? inNode(work, folder) : elsewhere(device, work, folder);
}

async function inNode({ program, kernels, numbers, training }: PageArguments, folder: string): Promise<Measurement> {
  const [{ gpu }, { createModel, openDevice }, { deviceRunner }, { measure }, { openRecorded }] = await Promise.all([
    import('@hyb/adapter'),
    import('@hyb/runtime'),
    import('../verify/device-runner.js'),
    import('../verify/measure.js'),
    import('../verify/recorded.js'),
  ]);
  const device = await openDevice({ gpu: await gpu() });
  try {
    if (training) {
      const { measureTraining } = await import('../verify/measure-training.js');
      const recorded = await openRecorded(join(folder, RECORDED));
      try {
        const work = { program, kernels, device, weights: folder, name: `node: ${device.name}` };
        return await measureTraining(work, recorded);
      } finally {
        await recorded.close();
      }
    }
    const model = await createModel(program, kernels, { device, weights: folder, storage: 'f32' });
    const recorded = await openRecorded(join(folder, RECORDED));
    try {
      return await measure(deviceRunner(model, `node: ${device.name}`), recorded, numbers);
    } finally {
      await recorded.close();
      model.dispose();
    }
  } finally {
    device.dispose();
  }
}

async function elsewhere(name: 'chromium' | 'deno', work: PageArguments, folder: string): Promise<Measurement> {
  const { startEnvironment } = await import('../environments/environment.js');
  const environment = await startEnvironment(name, { serve: { '/checkpoint': folder } });
  try {
    return await environment.runBundle<Measurement>(pageBundle(), { args: work, timeout: PATIENCE });
  } finally {
    await environment.close();
  }
}

/** Beside the bundle of this file, or in it when run from the sources. */
function pageBundle(): string {
  const path = fileURLToPath(new URL('./verify-page.js', import.meta.url));
  const built = existsSync(path) ? path : fileURLToPath(new URL('../../dist/bundle/verify-page.js', import.meta.url));
  if (!existsSync(built)) throw new CliError('The page that runs in browsers is not built.', 'npm run build');
  return built;
}

/** Which of our layers make up each layer of the original, by the numbers in its tensors' names. */
function layerNumbers({ model, weightMap }: CheckedModel): LayerNumbers {
  const numbers: number[][] = [];
  for (const { tensor, parts } of weightMap?.entries ?? []) {
    const theirs = /\.(\d+)\./.exec(tensor)?.[1];
    const ours = /^layers\.(\d+)\./.exec(parts[0] ?? '')?.[1];
    if (theirs === undefined || ours === undefined) continue;
    const group = (numbers[Number(theirs)] ??= []);
    if (!group.includes(Number(ours))) group.push(Number(ours));
  }
  if (numbers.length === 0) return model.layers.map(({ index }) => [index]);
  return Array.from(numbers, (group) => (group ?? []).sort((a, b) => a - b));
}

function printMeasurement(
  { out, err, paint, paintErr }: Io,
  { device, checks, layers }: Measurement,
  { good, layers: all }: { readonly good: boolean; readonly layers: boolean },
): void {
  const width = Math.max(...[...checks, ...layers].map(({ name }) => name.length));
  const line = ({ name, largest, allowed }: Pick<Check, 'name' | 'largest' | 'allowed'>): string => {
    const mark = largest <= allowed ? paint.green('✓') : paint.red('✗');
    return `${mark} ${name.padEnd(width)}  ${largest.toExponential(2).padStart(8)} ${paint.dim(`of ${allowed.toExponential(2)}`)}\n`;
  };
  out(`${paint.dim(`Largest differences on ${device}`)}\n`);
  for (const check of checks) out(line(check));
  if (all) for (const layer of layers) out(line(layer));
  if (good) return;
  if (checks.some(({ name }) => name.startsWith('gradient'))) {
    err(`${paintErr.red('✗')} Training differs from that of the original.\n`);
    return;
  }
  const first = layers.find((layer) => !within(layer));
  const message =
    first !== undefined
      ? `The first to differ is ${first.name === 'embedding' ? 'the embedding' : first.name}: by ${first.largest.toExponential(2)} after it.`
      : layers.length > 0
        ? 'All layers agree: what differs is the head, or the cache.'
        : 'No hidden.* tensors were recorded, by which the layer could be found.';
  err(`${paintErr.red('✗')} ${message}\n`);
}
