/** What a whole model is measured on. */
export interface ModelCase {
  readonly kind: 'decode' | 'prefill';
  readonly id: string;
  readonly title: string;
  /** The model's file, from the root of the repository. */
  readonly source: string;
  /** Tokens of the prompt: for decoding, of the one that is continued. */
  readonly prompt: number;
}

export const MODEL = 'bench/models/nemotron-h-106m.hyb';

export const PREFILL: ModelCase = {
  kind: 'prefill',
  id: 'prefill',
  title: 'prompt of 128 tokens',
  source: MODEL,
  prompt: 128,
};
export const DECODE: ModelCase = { kind: 'decode', id: 'decode', title: 'decoding', source: MODEL, prompt: 16 };
