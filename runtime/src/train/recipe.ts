/**
 * What a run takes of a recipe. The compiler's recipes have these fields and more (what concerns the device and the model
 * is compiled into the training program), so that a checked recipe can be handed over as it is, or as JSON.
 */

import type { ProbeValue } from './engine.js';

export interface Quantity<U extends string> {
  readonly value: number;
  readonly unit: U;
}

export type Interval = Quantity<'steps' | 'tokens' | 'seconds'>;

interface Named<N extends string, A = unknown> {
  readonly name: N;
  readonly arguments: A;
}

interface WithFloor {
  /** Rate at the end, as a share of the peak. */
  readonly floor: number;
}

export type Schedule =
  | Named<'constant'>
  | Named<'cosine', WithFloor>
  | Named<'linear', WithFloor>
  | Named<
      'wsd',
      WithFloor & {
        /** A share of the run, or a length. */
        readonly decay: number | Quantity<'steps' | 'tokens'>;
        readonly shape: Named<'linear' | 'cosine' | 'sqrt'>;
      }
    >;

/** Weights of named sources, on any scale. */
export type Mixture = Readonly<Record<string, number>>;

export interface Phase {
  /** End of the phase: a share of the run, or a step or token; absent for the last one. */
  readonly until?: number | Quantity<'steps' | 'tokens'>;
  readonly of: Mixture;
}

export type Mix = Mixture | Named<'phases', { readonly mixes: readonly Phase[] }>;

export type FaultPolicy = 'stop' | 'skip' | 'back';

export interface TrainingRecipe {
  readonly name?: string;
  readonly doc?: string;
  readonly data?: readonly string[] | Readonly<Record<string, readonly string[]>>;
  readonly mix?: Mix;
  /** A path, or bytes; default: bytes. */
  readonly tokenizer?: string | Named<'bytes'>;
  readonly sequence?: Quantity<'tokens'>;
  readonly batch: Quantity<'sequences' | 'tokens'>;
  readonly accumulation?: number;
  readonly steps?: Quantity<'steps'>;
  readonly tokens?: Quantity<'tokens'>;
  readonly rate: number;
  /** What gives the optimizer's state its meaning is read of its arguments: a run is resumed with the same. */
  readonly optimizer: Named<string, object>;
  readonly schedule: Schedule;
  readonly warmup: Quantity<'steps' | 'tokens'>;
  readonly loss_scale: number | Named<'dynamic'>;
  readonly seed: number;
  readonly checkpoints: { readonly every: Interval; readonly keep: number; readonly folder?: string };
  readonly evaluation?: {
    readonly every: Interval;
    readonly data?: readonly string[];
    readonly tokens?: Quantity<'tokens'>;
  };
  readonly probes?: {
    readonly every: Interval;
    readonly of?: readonly { readonly name: ProbeValue['probe'] }[];
  };
  /**
   * What else a run that is resumed has in common with the one it goes on with, by name and in words: a digest of what the model
   * computes, its precision.
   */
  readonly identity: Readonly<Record<string, string>>;
  readonly faults: {
    readonly not_finite: Named<FaultPolicy>;
    readonly spike: Named<FaultPolicy> | null;
    readonly spike_factor: number;
  };
}

export function isPhases(mix: Mix): mix is Extract<Mix, { readonly arguments: object }> {
  return typeof mix.name === 'string';
}
