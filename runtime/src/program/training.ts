/** The part of a program that trains: steps of the forward and backward pass of each stage, of the loss and of the update. */
import type { ActivationSpec, Step } from './program.js';

export interface TrainingProgram {
  /** One for each stage of the schedule but the last, by its id. */
  readonly stages: readonly TrainingStage[];
  /** The last stage, over chunks of rows: its `tokens` are those of a chunk. */
  readonly head: TrainingHead;
  readonly update: TrainingUpdate;
  /**
   * Matrices whose working copies hold values of an 8-bit format, by id: multiplied so that the largest magnitude becomes the
   * format's largest, rounded, and divided again. The copies are f32.
   */
  readonly scaled: Readonly<Record<string, 'e4m3' | 'e5m2'>>;
  /** Matrices whose optimizer state is not in f32, by id. */
  readonly moments: Readonly<Record<string, 'bf16'>>;
  /** Shared by all stages but the head. */
  readonly activations: readonly ActivationSpec[];
}

export interface TrainingStage {
  readonly id: string;
  /** From the least kept to the most: what is not kept is computed again. The runtime chooses one for each instance. */
  readonly levels: readonly TrainingLevel[];
  /** What can be measured in it. Empty if the program was made without. */
  readonly probes: readonly ProbeSpec[];
}

export interface ProbeSpec {
  readonly id: string;
  readonly probe: 'outputs' | 'gradients' | 'logits' | 'entropy';
  /** What is measured: a linear map or attention by its name in the block. */
  readonly of: string;
  /**
   * The number that steps leave: `norm`, a sum of squares over all parts; `largest`, a maximum; `mean`, a sum over all tokens.
   */
  readonly kind: 'norm' | 'largest' | 'mean';
}

export interface TrainingLevel {
  /** Values that `forward` stores for `backward`, an instance's own. */
  readonly kept: readonly ActivationSpec[];
  readonly forward: readonly Step[];
  readonly backward: readonly Step[];
  /** The same, and what `probes` says is measured on the way. */
  readonly probed?: { readonly forward: readonly Step[]; readonly backward: readonly Step[] };
}

export interface TrainingHead {
  /** Logits, their losses, and gradients of the weights and of the input. */
  readonly steps: readonly Step[];
  /** Logits and their losses. */
  readonly loss: readonly Step[];
  /** What can be measured in it. Empty if the program was made without. */
  readonly probes: readonly ProbeSpec[];
  /** As `steps`, and what `probes` says is measured on the way. */
  readonly probed?: readonly Step[];
  readonly activations: readonly ActivationSpec[];
}

/**
 * Kernels of the update by name. The engine binds their buffers by `TrainingTable` and sets uniforms by name and the grid for
 * each part of a matrix or pack: `addLosses`, `squares`, `norms`; the rules `AdamW.f32` … (optimizer and storage); `largest`,
 * `largestOfAll`, `round.e4m3` … for working copies in 8 bits; `orthogonal.momentum` … for Muon's matrices.
 */
export type TrainingUpdate = Readonly<Record<string, Step>>;

/**
 * Buffers of training that are not a stage's own:
 * - `labels`: u32 a token, 0xffffffff where none counts
 * - `losses`: f32 a token
 * - `settings`: f32, see `SETTINGS`
 * - `embed_rows`: vec4u for each distinct token of a part: id, first entry in `embed_order`, number of entries, 0; then
 *   entries without tokens, so that there are as many as tokens
 * - `embed_order`: u32 a token: flat index, tokens of one id one after another in the order of the part
 * - `packed_tokens`, `packed_sequences`: the batch tables `tokens` and `sequences` with the sequence's first flat token as its
 *   slot: with a capacity of 1, caches of keys and values are then as long as the part, without gaps
 * - `totals`: f32, see `TOTALS`
 * - `partials`: vec2f a block: sum of squares, and 1 if something is not finite
 * - `buffer`, `master`, `gradient`, `first`, `second`: rows of a matrix or pack
 * - `rows`: vec2f for each of its rows: multiples of rate and decay
 * - `working`: copy of a matrix in its storage type, as words
 * - `scales`: f32, largest magnitude of each matrix that is scaled
 * - `left`, `right`, `addend`, `product`: f32, batches of matrices in Newton-Schulz iterations
 */
export type TrainingTable =
  | 'labels'
  | 'losses'
  | 'settings'
  | 'embed_rows'
  | 'embed_order'
  | 'packed_tokens'
  | 'packed_sequences'
  | 'totals'
  | 'partials'
  | 'buffer'
  | 'master'
  | 'gradient'
  | 'first'
  | 'second'
  | 'rows'
  | 'working'
  | 'scales'
  | 'left'
  | 'right'
  | 'addend'
  | 'product';

export const TRAINING_TABLES = [
  'labels',
  'losses',
  'settings',
  'embed_rows',
  'embed_order',
  'packed_tokens',
  'packed_sequences',
  'totals',
  'partials',
  'buffer',
  'master',
  'gradient',
  'first',
  'second',
  'rows',
  'working',
  'scales',
  'left',
  'right',
  'addend',
  'product',
] as const satisfies readonly TrainingTable[];

/** Elements of `settings`, which the host writes for each step. */
export const SETTINGS = {
  /** Factor on the gradient of each label's loss: loss scale over the number of labels in the step. */
  weight: 0,
  /** 1 / loss scale. */
  unscale: 1,
  rate: 2,
  /** 1 / (1 - beta^step) of either moment. */
  firstCorrection: 3,
  secondCorrection: 4,
  /** Largest norm, 0: no clipping. */
  clip: 5,
  smoothing: 6,
  z: 7,
  decay: 8,
  beta1: 9,
  beta2: 10,
  eps: 11,
  /** 1: optimizer state in bf16 is rounded up or down at random. */
  stochastic: 12,
  /** A whole number, exact as f32. */
  step: 13,
  /** 1: Nesterov's momentum. */
  nesterov: 14,
  /** Largest sum of losses with which the step is applied. */
  lossLimit: 15,
  /** Of Muon's matrices. */
  momentum: 16,
} as const;
export const SETTINGS_LENGTH = 17;

/** Elements of `totals`. */
export const TOTALS = {
  /** Sum of losses over labels. */
  loss: 0,
  /** Norm of the gradients, unscaled and before clipping. */
  gradientNorm: 1,
  parameterNorm: 2,
  /** Factor on gradients in the update: unscaled and clipped; 0 where something is not finite. */
  factor: 3,
  /** Over 0 if the loss or a gradient is not finite, or the loss over its limit. */
  notFinite: 4,
} as const;
export const TOTALS_LENGTH = 8;

/** Fours of elements that a workgroup of the update sums up: few, since on a GPU a block's fours are read one after another. */
export const BLOCK_QUADS = 1024;
