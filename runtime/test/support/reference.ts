import type { Program } from '@hyb/runtime';
import { FREQUENCY } from './tiny-program.js';

export type TinyWeights = ReadonlyMap<string, Float32Array>;

/** Weights drawn from a fixed sequence; decays between 0.5 and 0.95. */
export function tinyWeights({ parameters }: Program, seed = 1): TinyWeights {
  let state = seed >>> 0;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return new Map(
    parameters.map(({ path, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const draw = path.endsWith('.decay') ? () => 0.5 + 0.45 * random() : () => random() - 0.5;
      return [path, Float32Array.from({ length: size }, draw)];
    }),
  );
}

/** The tiny model in f64, token by token. */
export class TinyReference {
  readonly #program: Program;
  readonly #weights: TinyWeights;
  readonly #states = new Map<string, number[]>();
  readonly #caches = new Map<string, number[][]>();
  position = 0;

  constructor(program: Program, weights: TinyWeights) {
    this.#program = program;
    this.#weights = weights;
  }

  /** Logits after the token, and the residual stream after the embedding and each layer. */
  feed(token: number): { logits: number[]; trace: number[][] } {
    const { width, vocab } = this.#program.model;
    const at = (path: string, i: number): number => this.#weights.get(path)![i]!;
    let x = Array.from({ length: width }, (_, i) => at('embedding.weight', token * width + i));
    const trace = [x];
    for (const { stage } of this.#program.schedule.slice(1, -1)) {
      if (stage.startsWith('leaky')) {
        const before = this.#states.get(stage) ?? new Array<number>(width).fill(0);
        const h = x.map((value, i) => {
          const a = at(`${stage}.decay`, i);
          return a * before[i]! + (1 - a) * value;
        });
        this.#states.set(stage, h);
        x = x.map((value, i) => value + h[i]! + at(`${stage}.bias`, i));
      } else {
        const cache = this.#caches.get(stage) ?? [];
        cache.push(x);
        this.#caches.set(stage, cache);
        const cosine = Math.cos(this.position * FREQUENCY);
        x = x.map((value, i) => value + (cosine * cache.reduce((sum, row) => sum + row[i]!, 0)) / cache.length);
      }
      trace.push(x);
    }
    this.position++;
    const logits = Array.from({ length: vocab }, (_, v) =>
      x.reduce((sum, value, i) => sum + value * at('head.weight', v * width + i), 0),
    );
    return { logits, trace };
  }

  /** Feeds all and returns the last token's logits. */
  feedAll(tokens: ArrayLike<number>): number[] {
    let logits: number[] = [];
    for (const token of Array.from(tokens)) ({ logits } = this.feed(token));
    return logits;
  }
}

/** Continues greedily. */
export function greedy(reference: TinyReference, logits: number[], steps: number): number[] {
  const tokens: number[] = [];
  for (let i = 0; i < steps; i++) {
    const token = logits.indexOf(Math.max(...logits));
    tokens.push(token);
    ({ logits } = reference.feed(token));
  }
  return tokens;
}
