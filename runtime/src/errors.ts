/** What can go wrong at run time, by stable code. The message is for people: what was needed, what there is, what to do. */
export type ErrorCode =
  // device/
  | 'no-webgpu'
  | 'no-adapter'
  | 'device-lost'
  | 'out-of-memory'
  | 'over-limit'
  | 'missing-feature'
  | 'gpu-failure'
  // program/
  | 'bad-program'
  // weights/
  | 'bad-checkpoint'
  | 'weights-mismatch'
  | 'weights-not-finite'
  | 'source-failed'
  // state/ and generate/
  | 'bad-state'
  | 'state-busy'
  | 'bad-argument'
  | 'logits-not-finite'
  | 'disposed'
  // text/
  | 'bad-tokenizer'
  | 'bad-template'
  | 'no-tokenizer'
  // train/
  | 'bad-recipe'
  | 'bad-data'
  | 'bad-run'
  | 'not-finite'
  | 'loss-spike'
  | 'storage-full'
  | 'storage-failed';

export interface ErrorDetails {
  /** What was needed, as bytes, a feature's name, a shape. */
  readonly needed?: string | number;
  /** What there is instead. */
  readonly available?: string | number;
  /** Everything concerned, such as the names of all missing tensors; the message may show the first few. */
  readonly items?: readonly string[];
  readonly cause?: unknown;
}

/** Every error that the runtime throws on purpose, except for the reason of an `AbortSignal`, which is thrown as it is. */
export class HybError extends Error {
  readonly code: ErrorCode;
  readonly needed: string | number | undefined;
  readonly available: string | number | undefined;
  readonly items: readonly string[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.needed = details.needed;
    this.available = details.available;
    this.items = details.items ?? [];
  }
}

/** No WebGPU, no adapter, a limit or feature that is not there, memory, a lost device. */
export class DeviceError extends HybError {}

/** The program (what a package was compiled to) is damaged, or asks for what no device can do. */
export class ProgramError extends HybError {}

/** A checkpoint cannot be read, or does not hold what the model needs. */
export class WeightsError extends HybError {}

/** Wrong use of a model, its states or of generation: tokens out of range, a busy or foreign state. */
export class UsageError extends HybError {}

/** A tokenizer or a chat template is damaged, or text was asked for without one. */
export class TextError extends HybError {}

/** A run cannot start or go on: its recipe, its data, its checkpoints, the numbers, or the room for its files. */
export class TrainingError extends HybError {}

/** `1,234,567 bytes (1.2 MiB)`. */
export function formatBytes(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = '';
  for (const next of units) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return unit ? `${value.toFixed(value < 10 ? 2 : 1)} ${unit}` : `${bytes} bytes`;
}

/** The first few of many, for messages. */
export function listItems(items: readonly string[], most = 8): string {
  const shown = items.slice(0, most).join('\n  ');
  return items.length > most ? `\n  ${shown}\n  … and ${items.length - most} more` : `\n  ${shown}`;
}
