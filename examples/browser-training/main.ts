/** A page in which a compiled package trains: bundled and served by `serve.mjs`. */
import {
  byteTokenizer,
  dataFile,
  HybError,
  lastCheckpoint,
  lastWeights,
  folderIn,
  memoryFiles,
  openDevice,
  originFiles,
} from '@hyb/runtime';
import type { Device, Files, StepMetrics } from '@hyb/runtime';
import { context, load, recipe, train } from 'novelist';
import { lossChart } from './chart.js';

/** Where `serve.mjs` puts the text. */
const TEXT = new URL('text/', location.href);
/** Of the held-out text: what is looked at in a moment on any device. */
const HELD_OUT_TOKENS = 2048;

const find = <E extends Element>(selector: string): E => document.querySelector<E>(selector)!;
const form = find<HTMLFormElement>('form');
const start = find<HTMLButtonElement>('form button');
const stop = find<HTMLButtonElement>('#stop');
const forget = find<HTMLButtonElement>('#forget');
const status = find<HTMLElement>('[role=status]');
const output = find<HTMLOutputElement>('output');
const chart = lossChart(find<HTMLElement>('#chart'));
const field = (name: string): HTMLInputElement => form.elements.namedItem(name) as HTMLInputElement;

function tell(message: string, isError = false): void {
  status.textContent = message;
  status.classList.toggle('error', isError);
}

/** Messages of the runtime say what to do; anything else is a fault of this page. */
function tellError(error: unknown): void {
  const help =
    error instanceof HybError && (error.code === 'no-webgpu' || error.code === 'no-adapter')
      ? ' Chrome and Edge from version 113 and Safari from 26 have WebGPU; on Linux, Chrome may need chrome://flags/#enable-unsafe-webgpu.'
      : '';
  tell(error instanceof HybError ? error.message + help : `Something went wrong: ${String(error)}`, true);
}

/** The run's folder: in the private file system of the page's origin, else in memory. */
async function openFiles(): Promise<Files> {
  try {
    return await originFiles('novel');
  } catch {
    return memoryFiles();
  }
}

const CHECKPOINTS = recipe.checkpoints.folder ?? 'checkpoints';

/** Step of the last checkpoint. */
async function keptStep(files: Files): Promise<number | undefined> {
  return (await lastCheckpoint(folderIn(files, CHECKPOINTS)))?.state.step;
}

/** Losses of steps that were logged before. */
async function drawLog(files: Files): Promise<void> {
  if (!(await files.exists('metrics.jsonl'))) return;
  const log = await files.open('metrics.jsonl');
  const lines = new TextDecoder()
    .decode(await log.read(0, log.size))
    .trimEnd()
    .split('\n');
  chart.show(lines.map((line) => JSON.parse(line) as StepMetrics));
}

/** What a run has to go on with: kept beside it. */
const SIZES = ['batch', 'sequence'] as const;

function keepSizes(): void {
  localStorage.setItem('sizes', JSON.stringify(SIZES.map((name) => field(name).valueAsNumber)));
}

function keptSizes(): readonly number[] {
  const kept: unknown = JSON.parse(localStorage.getItem('sizes') ?? '[]');
  return Array.isArray(kept) ? kept.map(Number) : [];
}

async function run(device: Device, files: Files): Promise<void> {
  const abort = new AbortController();
  stop.onclick = () => abort.abort();
  working(true);
  keepSizes();
  tell('Compiling kernels …');
  let last: StepMetrics | undefined;
  const steps = field('steps').valueAsNumber;
  try {
    const metrics = train({
      device,
      files,
      data: [dataFile('train.txt', new URL('train.txt', TEXT))],
      heldOut: [dataFile('held-out.txt', new URL('held-out.txt', TEXT))],
      resume: true,
      signal: abort.signal,
      recipe: {
        steps: { value: steps, unit: 'steps' },
        batch: { value: field('batch').valueAsNumber, unit: 'sequences' },
        sequence: { value: field('sequence').valueAsNumber, unit: 'tokens' },
        evaluation: { ...recipe.evaluation!, tokens: { value: HELD_OUT_TOKENS, unit: 'tokens' } },
      },
      onData: ({ doneBytes, totalBytes }) => tell(`Reading the text: ${Math.round((100 * doneBytes) / totalBytes)} %`),
    });
    for await (last of metrics) {
      chart.add(last);
      tell(`Step ${last.step} of ${steps}: loss ${last.loss.toFixed(3)}, ${Math.round(last.tokensPerSecond)} tokens/s`);
    }
    await write(device, files);
    tell(summary(last, abort.signal.aborted, device));
  } catch (error) {
    tellError(error);
  } finally {
    working(false);
    await offer(files);
  }
}

function summary(last: StepMetrics | undefined, stopped: boolean, { name }: Device): string {
  if (last === undefined) return 'All steps were done already: give it more.';
  const { step, loss, evaluation } = last;
  const heldOut =
    evaluation === undefined ? '' : `, ${evaluation.bitsPerByte.toFixed(2)} bits for a byte of held-out text`;
  return `${stopped ? 'Stopped after' : 'Done:'} step ${step}, loss ${loss.toFixed(3)}${heldOut}, on ${name}.`;
}

/** Continues a prompt with the weights of the last checkpoint. */
async function write(device: Device, files: Files): Promise<void> {
  const weights = await lastWeights(files, CHECKPOINTS);
  const model = await load(device, { weights, tokenizer: byteTokenizer });
  try {
    output.textContent = 'The whale ';
    const options = { maxTokens: Math.min(200, context - 16), temperature: 0.8, seed: 1 };
    for await (const { text } of model.generate('The whale ', options)) output.append(text);
  } finally {
    model.dispose();
  }
}

function working(busy: boolean): void {
  start.disabled = busy;
  stop.disabled = !busy;
  forget.disabled = busy;
}

/** A run can only go on as it was begun. */
async function offer(files: Files): Promise<void> {
  const step = await keptStep(files);
  start.textContent = step === undefined ? 'Train' : `Go on from step ${step}`;
  forget.disabled = step === undefined;
  for (const name of SIZES) field(name).readOnly = step !== undefined;
}

try {
  field('steps').valueAsNumber = recipe.steps?.value ?? 160;
  const [batch = recipe.batch.value, sequence = recipe.sequence?.value ?? context] = keptSizes();
  field('batch').valueAsNumber = batch;
  field('sequence').valueAsNumber = sequence;
  const [device, files] = await Promise.all([openDevice(), openFiles()]);
  await drawLog(files);
  start.disabled = false;
  await offer(files);
  tell(`Ready on ${device.name}.`);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void run(device, files);
  });
  forget.addEventListener('click', () => {
    void (async () => {
      for (const path of [CHECKPOINTS, 'metrics.jsonl']) await files.remove(path);
      chart.show([]);
      await offer(files);
      tell('The run is forgotten.');
    })().catch(tellError);
  });
} catch (error) {
  tellError(error);
}
