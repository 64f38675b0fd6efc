/** Between the page and the worker in which models run. */
import type { Runnable } from '../compiler/protocol.js';

/** A checkpoint's files by name, as they were dropped; absent: random weights. */
export type Files = Readonly<Record<string, File>>;

export type RunCommand =
  | { readonly kind: 'load'; readonly runnable: Runnable; readonly files: Files | null; readonly seed: number }
  | {
      readonly kind: 'generate';
      readonly prompt: string;
      readonly maxTokens: number;
      readonly temperature: number;
      readonly seed: number;
    }
  | { readonly kind: 'stop' };

export type RunEvent =
  | { readonly kind: 'progress'; readonly text: string; readonly share: number }
  /** `text`: whether prompts are text (there is a tokenizer) or token ids. */
  | { readonly kind: 'loaded'; readonly adapter: string; readonly bytes: number; readonly text: boolean }
  | { readonly kind: 'token'; readonly token: number; readonly text: string }
  | { readonly kind: 'done'; readonly tokens: number; readonly seconds: number; readonly stopped: boolean }
  | { readonly kind: 'failed'; readonly message: string };
