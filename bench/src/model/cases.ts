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

/** Decoding and a prompt of one model. */
export interface ModelCases {
  readonly source: string;
  readonly decode: ModelCase;
  readonly prefill: ModelCase;
}

function casesOf(source: string, prompt: number, suffix: string): ModelCases {
  return {
    source,
    decode: { kind: 'decode', id: `decode${suffix}`, title: 'decoding', source, prompt: 16 },
    prefill: { kind: 'prefill', id: `prefill${suffix}`, title: `prompt of ${prompt} tokens`, source, prompt },
  };
}

export const SMALL = casesOf('bench/models/nemotron-h-106m.hyb', 128, '');
export const LARGE = casesOf('models/nemotron-h-8b.hyb', 512, '-8b');
