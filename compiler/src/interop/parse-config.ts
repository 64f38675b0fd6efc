/** `config.json` of a Hugging Face folder, checked. */
import type { Diagnostic } from '@hyb/grammar';
import { ARCHITECTURES } from './architectures/table.js';
import { CLASSES, MODEL_TYPES } from './config.js';
import type { HuggingFaceConfig, ModelType } from './config.js';
import { parseJson } from './json.js';
import { report } from './messages.js';
import { ConfigReader, describe } from './reader.js';

export interface ParsedConfig {
  /** Absent if there are errors. */
  readonly config?: HuggingFaceConfig;
  readonly diagnostics: readonly Diagnostic[];
}

/** @param file the name that findings give the file */
export function parseConfig(text: string, file = 'config.json'): ParsedConfig {
  const json = parseJson(text, file);
  if ('reason' in json) return { diagnostics: [report('HYB7001', json.span, { reason: json.reason })] };
  const { root } = json;
  if (root.kind !== 'object') {
    return { diagnostics: [report('HYB7002', root.span, { found: describe(root) })] };
  }
  const reader = new ConfigReader(root);
  const modelType = readModelType(reader);
  const config = modelType && ARCHITECTURES[modelType].read(reader);
  return { ...(config === undefined || reader.failed ? {} : { config }), diagnostics: reader.diagnostics };
}

function readModelType(reader: ConfigReader): ModelType | undefined {
  const written = reader.string('model_type');
  const known = MODEL_TYPES.find((type) => type === written);
  if (known !== undefined) return known;
  if (written !== undefined) {
    const expected = MODEL_TYPES.join(', ');
    reader.diagnostics.push(
      report('HYB7007', reader.place('model_type'), { type: written }, { expected, found: written }),
    );
    return undefined;
  }
  if (reader.failed) return undefined;
  const classes = reader.field('architectures')?.node;
  const first = classes?.kind === 'array' ? classes.elements[0] : undefined;
  const byClass = MODEL_TYPES.find((type) => first?.kind === 'string' && CLASSES[type] === first.value);
  if (byClass !== undefined) return byClass;
  if (reader.field('ssm_cfg') !== undefined) {
    reader.unsupported(
      "The format of the library mamba_ssm (transformers' conversion script makes one with)",
      'ssm_cfg',
    );
  } else {
    reader.missing('model_type');
  }
  return undefined;
}
