/** The sequences of a run, in an order that follows from the seed. */
import { TrainingError } from '../../errors.js';
import type { TrainingSequence } from '../engine.js';
import { hash32, permute } from '../random.js';
import type { Mixture } from '../recipe.js';
import { pick } from './mixture.js';
import type { Credits } from './mixture.js';
import { readWindow } from './windows.js';
import type { Windows } from './windows.js';

/** The place in the data: plain, part of every checkpoint. */
export interface DataPosition {
  /** Windows that were taken from each source, over all rounds through it. */
  readonly taken: Readonly<Record<string, number>>;
  readonly credits: Credits;
}

export const START: DataPosition = { taken: {}, credits: {} };

export interface DataStream {
  readonly position: DataPosition;
  /** Goes to a place. */
  seek(position: DataPosition): void;
  /** The next windows: of each the pieces of documents in it. */
  next(count: number, weights: Mixture): Promise<readonly (readonly TrainingSequence[])[]>;
}

/** @param sources with at least one window each */
export function dataStream(sources: Readonly<Record<string, Windows>>, seed: number): DataStream {
  const numbers = new Map(Object.keys(sources).map((name, i) => [name, i]));
  let position = START;
  return {
    get position() {
      return position;
    },
    seek: (to) => {
      position = to;
    },
    async next(count, weights) {
      const windows: (readonly TrainingSequence[])[] = [];
      for (let i = 0; i < count; i++) {
        const { source, credits } = pick(weights, position.credits);
        const taken = position.taken[source] ?? 0;
        position = { taken: { ...position.taken, [source]: taken + 1 }, credits };
        const from = sources[source];
        if (from === undefined) {
          throw new TrainingError('bad-data', `The mixture names the source '${source}', which has no data.`);
        }
        // Every round through a source has an order of its own.
        const key = hash32(seed, numbers.get(source)!, Math.floor(taken / from.count));
        windows.push(await readWindow(from, permute(taken % from.count, from.count, key)));
      }
      return windows;
    },
  };
}
