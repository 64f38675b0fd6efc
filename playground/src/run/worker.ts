/** Runs a model on WebGPU, away from the page, so that neither holds up the other. */
import {
  createModel,
  dataText,
  DeviceError,
  folderIn,
  lastCheckpoint,
  lastWeights,
  loadTokenizer,
  memoryFiles,
  openDevice,
  trainModel,
} from '@hyb/runtime';
import type { DataTokenizer, Device, Files as RunFiles, Model } from '@hyb/runtime';
import { messageOf } from '@hyb/runtime/messages';
import { CHECKPOINTS } from '@hyb/runtime/train/checkpoints/places';
import type { Runnable, Trainable } from '../compiler/protocol.js';
import { byteCodec } from '../train/byte-codec.js';
import { initialCheckpoint } from './initial-weights.js';
import { parseTokens } from './prompt.js';
import type { Files, RunCommand, RunEvent } from './protocol.js';

let device: Device | undefined;
let model: Model | undefined;
let stop = new AbortController();
/** What was trained last: kept so that it can go on. */
let run: Run | undefined;

interface Run extends Trainable {
  readonly text: string;
  readonly tokenizer: DataTokenizer;
  readonly files: RunFiles;
}

const send = (event: RunEvent): void => postMessage(event);

addEventListener('message', ({ data }: MessageEvent<RunCommand>) => {
  if (data.kind === 'stop') return stop.abort();
  stop = new AbortController();
  begin(data).catch((error: unknown) => {
    if (error instanceof DeviceError && error.code === 'device-lost') device = model = undefined;
    send({ kind: 'failed', message: messageOf(error) });
  });
});

function begin(command: Exclude<RunCommand, { readonly kind: 'stop' }>): Promise<void> {
  switch (command.kind) {
    case 'load':
      return load(command.runnable, command.files, command.seed);
    case 'generate':
      return generate(command);
    case 'train':
      run = undefined;
      return train(command);
    case 'resume':
      if (run === undefined) return Promise.reject(new Error('There is no run to go on with.'));
      return goOn(run, command.steps);
  }
}

async function train({ trainable, text }: RunCommand & { readonly kind: 'train' }): Promise<void> {
  const { text: own } = text === null ? await import('playground:text') : { text };
  const tokenizer = byteCodec(trainable.program.model.vocab);
  run = { ...trainable, text: own, tokenizer, files: memoryFiles() };
  await goOn(run, trainable.recipe.steps!.value);
}

/** Trains a run to so many steps in all, and loads the model with what it has learnt. */
async function goOn({ program, sources, recipe, text, tokenizer, files }: Run, steps: number): Promise<void> {
  model?.dispose();
  model = undefined;
  send({ kind: 'progress', text: 'Compiling kernels', share: 0 });
  device ??= await openDevice();
  const { signal } = stop;
  const changed = { ...recipe, steps: { value: steps, unit: 'steps' } } as const;
  const options = { device, data: [dataText(text)], tokenizer, files, resume: true, signal };
  try {
    for await (const { step, loss, evaluation, tokensPerSecond } of trainModel(program, sources, changed, options))
      send({ kind: 'step', step, steps, loss, heldOut: evaluation?.loss ?? null, tokensPerSecond });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const found = await lastCheckpoint(folderIn(files, CHECKPOINTS));
  if (found === undefined) throw new Error('It was stopped before the first step.');
  const { codec } = tokenizer;
  model = await createModel(program, sources, { device, weights: await lastWeights(files), tokenizer: codec });
  send({ kind: 'trained', step: found.state.step, stopped: signal.aborted, adapter: device.name });
}

async function load(runnable: Runnable, files: Files | null, seed: number): Promise<void> {
  model?.dispose();
  model = undefined;
  send({ kind: 'progress', text: 'Opening a device', share: 0 });
  device ??= await openDevice();
  const { program, sources, initial } = runnable;
  const random = files === null;
  if (random) send({ kind: 'progress', text: 'Drawing weights', share: 0 });
  // Random weights are named as the model names its parameters, whatever checkpoints call them.
  const { checkpoint: _, ...plain } = program;
  model = await createModel(random ? plain : program, sources, {
    device,
    weights: random ? initialCheckpoint(initial, program.model.layers.length, seed) : weightFiles(files),
    ...(random ? {} : await tokenizerOf(files)),
    onProgress: ({ loadedBytes, totalBytes }) =>
      send({ kind: 'progress', text: 'Loading weights and compiling kernels', share: loadedBytes / totalBytes }),
    onWarning: (text) => send({ kind: 'progress', text, share: 1 }),
    signal: stop.signal,
  });
  send({ kind: 'loaded', adapter: device.name, bytes: model.memory.total, text: model.tokenizer !== undefined });
}

function weightFiles(files: Files): Record<string, File> {
  return Object.fromEntries(Object.entries(files).filter(([name]) => /\.safetensors(\.index\.json)?$/.test(name)));
}

async function tokenizerOf(files: Files): Promise<{ tokenizer?: Awaited<ReturnType<typeof loadTokenizer>> }> {
  const tokenizer = files['tokenizer.json'];
  if (tokenizer === undefined) return {};
  const config = files['tokenizer_config.json'];
  return { tokenizer: await loadTokenizer({ tokenizer, ...(config === undefined ? {} : { config }) }) };
}

async function generate(command: RunCommand & { readonly kind: 'generate' }): Promise<void> {
  if (model === undefined) throw new Error('Load the model first.');
  const { maxTokens, temperature, seed } = command;
  const prompt = model.tokenizer === undefined ? parseTokens(command.prompt, model.info.vocab) : command.prompt;
  const started = performance.now();
  const { signal } = stop;
  let tokens = 0;
  let stopped = false;
  try {
    for await (const { token, text } of model.generate(prompt, { maxTokens, temperature, seed, signal })) {
      tokens++;
      send({ kind: 'token', token, text });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    stopped = true;
  }
  send({ kind: 'done', tokens, seconds: (performance.now() - started) / 1000, stopped });
}
