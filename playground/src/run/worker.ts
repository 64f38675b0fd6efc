/** Runs a model on WebGPU, away from the page, so that neither holds up the other. */
import { createModel, DeviceError, loadTokenizer, openDevice } from '@hyb/runtime';
import type { Device, Model } from '@hyb/runtime';
import type { Runnable } from '../compiler/protocol.js';
import { initialCheckpoint } from './initial-weights.js';
import { parseTokens } from './prompt.js';
import type { Files, RunCommand, RunEvent } from './protocol.js';

let device: Device | undefined;
let model: Model | undefined;
let stop = new AbortController();

const send = (event: RunEvent): void => postMessage(event);

addEventListener('message', ({ data }: MessageEvent<RunCommand>) => {
  if (data.kind === 'stop') return stop.abort();
  stop = new AbortController();
  const work = data.kind === 'load' ? load(data.runnable, data.files, data.seed) : generate(data);
  work.catch((error: unknown) => {
    if (error instanceof DeviceError && error.code === 'device-lost') device = model = undefined;
    send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  });
});

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
