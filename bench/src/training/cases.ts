/** Training steps: always the same batch, AdamW, all in f32. */
export interface TrainingCase {
  readonly kind: 'training';
  readonly id: string;
  readonly title: string;
  /** Recipe of `TRAINING_MODELS`. */
  readonly recipe: string;
  /** Sizes of a Transformer that other libraries can be given; absent: they have no such model. */
  readonly transformer?: TransformerSizes;
}

export interface TransformerSizes {
  readonly vocab: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly inner: number;
  readonly sequences: number;
  /** Tokens of each sequence. */
  readonly length: number;
}

export const TRAINING_MODELS = 'bench/models/training.hyb';

export const TRAINING_CASES: readonly TrainingCase[] = [
  {
    kind: 'training',
    id: 'train-transformer-10m',
    title: 'Transformer10M, 2 × 64 tokens',
    recipe: 'StepsTransformer10M',
    transformer: { vocab: 4096, width: 320, layers: 6, heads: 5, inner: 1280, sequences: 2, length: 64 },
  },
  {
    kind: 'training',
    id: 'train-hybrid-10m',
    title: 'Hybrid10M, 2 × 64 tokens',
    recipe: 'StepsHybrid10M',
  },
  {
    kind: 'training',
    id: 'train-hybrid-100m',
    title: 'Hybrid100M, 64 tokens',
    recipe: 'StepsHybrid100M',
  },
];

export const ADAMW = { rate: 1e-3, betas: [0.9, 0.95], eps: 1e-8, decay: 0.1 } as const;

/** Tokens of a sequence, with patterns that a model can learn. */
export function tokensOf(sequence: number, length: number, vocab: number): number[] {
  return Array.from({ length }, (_, t) => (31 * t * t + 17 * sequence + 7) % vocab);
}

/** Inputs and the tokens that follow them, sequence after sequence. */
export function batchOf({ sequences, length, vocab }: TransformerSizes): {
  readonly x: number[];
  readonly y: number[];
} {
  const all = Array.from({ length: sequences }, (_, s) => tokensOf(s, length + 1, vocab));
  return { x: all.flatMap((tokens) => tokens.slice(0, -1)), y: all.flatMap((tokens) => tokens.slice(1)) };
}

/** Uniform around zero with a standard deviation of 0.02, the same for every library. */
export function initial(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 0.02 * Math.sqrt(12);
  });
}

/** Losses of steps on one batch. */
export class Losses {
  #first: number | undefined;

  /** @throws Error where training does not train */
  add(loss: number): void {
    if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
    if (this.#first !== undefined && loss >= this.#first)
      throw new Error(`the loss went from ${this.#first} to ${loss}`);
    this.#first ??= loss;
  }
}
