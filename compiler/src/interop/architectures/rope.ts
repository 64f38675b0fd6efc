/**
 * Rotary positions of Llama-like models. Older files have `rope_theta` and `rope_scaling`, newer ones `rope_parameters`
 * with both; the kind of scaling is `rope_type`, once `type`.
 */
import type { RopeConfig, RopeScaling } from '../config.js';
import { float } from '../json-output.js';
import type { JsonOutput } from '../json-output.js';
import type { ConfigReader } from '../reader.js';

const DEFAULT_BASE = 10_000;

/** @param context stands in for the context of the first training where that is not given, as in transformers */
export function readRope(reader: ConfigReader, context: number): RopeConfig {
  const parameters = reader.object(['rope_parameters', 'rope_scaling']);
  const outer = reader.number('rope_theta', DEFAULT_BASE, { min: 2 });
  const base = parameters?.number('rope_theta', outer, { min: 2 }) ?? outer;
  for (const each of [reader, parameters]) {
    const partial = each?.number('partial_rotary_factor', 1, { max: 1 }) ?? 1;
    if (partial !== 1) reader.unsupported('Rotation of a part of each head', 'partial_rotary_factor');
  }
  const scaling = parameters && readScaling(parameters, context);
  return { base, ...(scaling === undefined ? {} : { scaling }) };
}

function readScaling(reader: ConfigReader, context: number): RopeScaling | undefined {
  const name = ['rope_type', 'type'] as const;
  const kind = reader.string(name) ?? 'default';
  const factor = (): number => {
    if (reader.field('factor') === undefined) reader.missing('factor');
    return reader.number('factor', 1, { min: 1 });
  };
  const original = (): number =>
    reader.size('original_max_position_embeddings', { max: 2 ** 31 - 1, fallback: context });
  switch (kind) {
    case 'default':
      if (reader.field('mrope_section') !== undefined)
        reader.unsupported('Multimodal rotary positions', 'mrope_section');
      return undefined;
    case 'linear':
      return { kind, factor: factor() };
    case 'dynamic':
      reader.ignored(
        "The rotary scaling 'dynamic'",
        `it begins past the context of ${context.toLocaleString('en-US')} tokens`,
        name,
      );
      return undefined;
    case 'llama3':
      return {
        kind,
        factor: factor(),
        low: reader.number('low_freq_factor', 1, { min: 0 }),
        high: reader.number('high_freq_factor', 4, { min: 0 }),
        original: original(),
      };
    case 'yarn':
      return readYarn(reader, factor(), original());
    default:
      reader.unsupported(`The rotary scaling '${kind}'`, name);
      return undefined;
  }
}

function readYarn(reader: ConfigReader, factor: number, original: number): RopeScaling {
  if (!reader.boolean('truncate', true)) reader.unsupported('YaRN without rounding of its bounds', 'truncate');
  const given = reader.field('attention_factor') && reader.number('attention_factor', 1);
  const mscale = reader.number('mscale', 0);
  const mscaleAll = reader.number('mscale_all_dim', 0);
  // DeepSeek's way to say the same.
  const ratio = mscale && mscaleAll ? magnitude(factor, mscale) / magnitude(factor, mscaleAll) : undefined;
  const attention = given ?? ratio;
  return {
    kind: 'yarn',
    factor,
    original,
    betaFast: reader.number('beta_fast', 32) || 32,
    betaSlow: reader.number('beta_slow', 1) || 1,
    ...(attention === undefined ? {} : { attention }),
  };
}

function magnitude(factor: number, scale: number): number {
  return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
}

export function writeRope({ base, scaling }: RopeConfig): Readonly<Record<string, JsonOutput>> {
  return { rope_theta: float(base), ...(scaling === undefined ? {} : { rope_scaling: writeScaling(scaling) }) };
}

function writeScaling(scaling: RopeScaling): JsonOutput {
  switch (scaling.kind) {
    case 'linear':
      return { rope_type: 'linear', factor: float(scaling.factor) };
    case 'llama3':
      return {
        rope_type: 'llama3',
        factor: float(scaling.factor),
        low_freq_factor: float(scaling.low),
        high_freq_factor: float(scaling.high),
        original_max_position_embeddings: scaling.original,
      };
    case 'yarn':
      return {
        rope_type: 'yarn',
        factor: float(scaling.factor),
        original_max_position_embeddings: scaling.original,
        beta_fast: float(scaling.betaFast),
        beta_slow: float(scaling.betaSlow),
        ...(scaling.attention === undefined ? {} : { attention_factor: float(scaling.attention) }),
      };
  }
}
