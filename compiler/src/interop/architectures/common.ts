/** What all architectures have, and checks that they share. */
import type { HuggingFaceConfig } from '../config.js';
import type { ConfigReader, FieldName } from '../reader.js';
import { namesOf } from '../reader.js';

/** More layers than any model has. */
export const MAX_LAYERS = 100_000;
const LONGEST_CONTEXT = 2 ** 31 - 1;

export interface CommonDefaults {
  readonly eps: FieldName;
  readonly defaultEps: number;
  /** Absent: the architecture knows no longest sequence. */
  readonly defaultContext?: number;
}

export function readCommon(
  reader: ConfigReader,
  { eps, defaultEps, defaultContext }: CommonDefaults,
): Pick<HuggingFaceConfig, 'vocab' | 'width' | 'context' | 'eps' | 'tie' | 'dtype'> {
  const quantized = reader.field('quantization_config');
  if (quantized !== undefined) reader.unsupported('A checkpoint of quantized weights', 'quantization_config');
  const context = reader.optionalSize('max_position_embeddings', { max: LONGEST_CONTEXT }) ?? defaultContext;
  return {
    vocab: reader.size('vocab_size'),
    width: reader.size('hidden_size'),
    ...(context === undefined ? {} : { context }),
    eps: reader.number(eps, defaultEps),
    tie: reader.boolean('tie_word_embeddings', false),
    dtype: reader.dtype(),
  };
}

/** Reports two sizes of which the first should be a multiple of the second. */
export function evenly(
  reader: ConfigReader,
  name: FieldName,
  value: number,
  divisorName: FieldName,
  divisor: number,
): void {
  if (value % divisor === 0 || Number.isNaN(value) || Number.isNaN(divisor)) return;
  const [first, second] = [nameOf(reader, name), nameOf(reader, divisorName)];
  reader.contradiction(`'${first}' is ${value}, which is not a multiple of '${second}', ${divisor}`, first, second);
}

/** The name under which the file has a field. */
export function nameOf(reader: ConfigReader, name: FieldName): string {
  return reader.field(name)?.name ?? namesOf(name)[0]!;
}
