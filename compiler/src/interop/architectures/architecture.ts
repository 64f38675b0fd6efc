import type { HuggingFaceConfig } from '../config.js';
import type { JsonOutput } from '../json-output.js';
import type { ConfigReader } from '../reader.js';
import type { TensorRule } from '../tensors.js';

/** What Hyb knows of one `model_type` of transformers. */
export interface Architecture {
  /** Reads the fields; what is wrong is reported to the reader. */
  read(reader: ConfigReader): HuggingFaceConfig;
  /** The fields that say what `read` reads, without those that every architecture has. */
  write(config: HuggingFaceConfig): Readonly<Record<string, JsonOutput>>;
  /** How the checkpoint's tensors are made of parameters. */
  tensors(config: HuggingFaceConfig, names: TensorNames): readonly TensorRule[];
  /** Ways in which checkpoints name the same tensors, the usual one first. */
  readonly names: readonly TensorNames[];
}

/** What differs between checkpoints of one architecture. */
export interface TensorNames {
  /** Before the names of all tensors but the output matrix: `backbone.`, `model.` or nothing. */
  readonly prefix: string;
  /** Name of the embedding module. */
  readonly embedding: string;
}

/** Rules for biases of several projections, if there are any. */
export function when(condition: boolean, ...rules: readonly TensorRule[]): readonly TensorRule[] {
  return condition ? rules : [];
}
