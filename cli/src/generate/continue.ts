/** Generation with a loaded model, shown as it comes. */
import { resolve } from 'node:path';
import type { FinishReason, GenerateOptions, Model, Prompt, State } from '@hyb/runtime';
import { writeBytes } from '../files/write.js';
import { CliError, EXIT } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import { Interrupted, INTERRUPTED } from './interrupt.js';

export interface ContinueOptions {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly ignoreEnd?: boolean;
  readonly saveState?: string;
  readonly json?: boolean;
}

export interface ContinueRequest {
  /** What `--from-state` names. */
  readonly state: Uint8Array | undefined;
  readonly options: ContinueOptions;
  readonly signal: AbortSignal;
}

interface Generated {
  readonly tokens: readonly number[];
  readonly text: string;
  readonly finish: FinishReason | 'interrupted';
  readonly seconds: number;
}

/** Prints what comes, and keeps what the model remembers if asked to. Returns the exit code. */
export async function continuePrompt(
  io: Io,
  model: Model,
  prompt: Prompt,
  { state: before, options, signal }: ContinueRequest,
): Promise<number> {
  const { saveState, json } = options;
  const state =
    before !== undefined ? await model.deserialize(before) : saveState !== undefined ? await model.state() : undefined;
  if (state !== undefined && state.sequences !== 1) throw new CliError('The state holds several texts; one is wanted.');
  const generated = await stream(io, model, prompt, { state, options, signal });
  if (state !== undefined && saveState !== undefined) {
    await writeBytes(resolve(io.cwd, saveState), await state.serialize());
  }
  const rate = generated.tokens.length / Math.max(1e-3, generated.seconds);
  if (json) {
    const { tokens, text, finish, seconds } = generated;
    const made = { ok: true, model: model.info.name, device: model.device.name, tokens, finish, seconds };
    const words = model.tokenizer === undefined ? {} : { text };
    io.out(`${JSON.stringify({ ...made, ...words, tokensPerSecond: rate }, null, 2)}\n`);
  } else {
    const count = `${generated.tokens.length} tokens, ${rate.toFixed(1)} a second, on ${model.device.name}`;
    io.err(io.paintErr.dim(`${count}${generated.finish === 'interrupted' ? '; interrupted' : ''}\n`));
  }
  return generated.finish === 'interrupted' ? INTERRUPTED : EXIT.ok;
}

/** Prints what comes, as it comes. */
async function stream(
  io: Io,
  model: Model,
  prompt: Prompt,
  {
    state,
    options,
    signal,
  }: { readonly state: State | undefined; readonly options: ContinueOptions; readonly signal: AbortSignal },
): Promise<Generated> {
  const tokens: number[] = [];
  let text = '';
  let finish: Generated['finish'] = 'length';
  const show = (piece: string): void => {
    if (!options.json) io.out(piece);
  };
  const since = performance.now();
  try {
    for await (const next of model.generate(prompt, { ...samplingOf(options), signal, ...(state && { state }) })) {
      tokens.push(next.token);
      text += next.text;
      show(model.tokenizer === undefined ? `${tokens.length > 1 ? ' ' : ''}${next.token}` : next.text);
      finish = next.finish ?? finish;
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    finish = 'interrupted';
  }
  if (tokens.length > 0) show('\n');
  return { tokens, text, finish, seconds: (performance.now() - since) / 1000 };
}

function samplingOf(options: ContinueOptions): GenerateOptions {
  const { maxTokens, temperature, topK, topP, minP, repetitionPenalty, seed, stop, ignoreEnd } = options;
  return {
    ...{ maxTokens, temperature, topK, topP, minP, repetitionPenalty },
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined ? {} : { stop }),
    ...(ignoreEnd ? { stopTokens: [] } : {}),
  };
}
