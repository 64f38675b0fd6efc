/** Between the page and the worker in which models run. */
import type { Runnable, Trainable } from '../compiler/protocol.js';

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
  /** Trains from the first step; `text` absent: the text that comes with the page. */
  | { readonly kind: 'train'; readonly trainable: Trainable; readonly text: string | null }
  /** Goes on with the run that was stopped or has ended, to so many steps in all. */
  | { readonly kind: 'resume'; readonly steps: number }
  | { readonly kind: 'stop' };

export interface StepEvent {
  readonly step: number;
  readonly loss: number;
  readonly heldOut: number | null;
  readonly tokensPerSecond: number;
}

export type RunEvent =
  | { readonly kind: 'progress'; readonly text: string; readonly share: number }
  /** `text`: whether prompts are text (there is a tokenizer) or token ids. */
  | { readonly kind: 'loaded'; readonly adapter: string; readonly bytes: number; readonly text: boolean }
  | { readonly kind: 'token'; readonly token: number; readonly text: string }
  | { readonly kind: 'done'; readonly tokens: number; readonly seconds: number; readonly stopped: boolean }
  | ({ readonly kind: 'step'; readonly steps: number } & StepEvent)
  /** The model is loaded with what it has learnt. */
  | { readonly kind: 'trained'; readonly step: number; readonly stopped: boolean; readonly adapter: string }
  | { readonly kind: 'failed'; readonly message: string };
