/** From a resolved model to the `config.json` with which transformers loads it, and the tensors that it then expects. */
import type { Diagnostic } from '@hyb/grammar';
import type { Model, PrecisionRule, PrecisionSelector } from '../model/model.js';
import { ARCHITECTURES } from './architectures/table.js';
import { CLASSES, DTYPES } from './config.js';
import type { HuggingFaceConfig, ModelType } from './config.js';
import { configOf, layerKind } from './from-model.js';
import { precisionRules } from './import-config.js';
import { printJson } from './json-output.js';
import type { JsonOutput } from './json-output.js';
import { report } from './messages.js';
import { expandRules } from './tensors.js';
import type { HuggingFaceTensor } from './tensors.js';

export interface ExportOptions {
  /** By default the architecture that fits the model's blocks. */
  readonly modelType?: ModelType;
  /** What the weights are stored as, and transformers then computes in; by default as the model's precision says. */
  readonly dtype?: HuggingFaceConfig['dtype'];
  /** Fields to add, such as the ids of special tokens; they do not replace those that describe the model. */
  readonly extra?: Readonly<Record<string, JsonOutput>>;
}

export interface ExportedModel {
  /** Absent if the model cannot be expressed. */
  readonly exported?: {
    readonly modelType: ModelType;
    /** The text of `config.json`. */
    readonly text: string;
    readonly config: HuggingFaceConfig;
    readonly tensors: readonly HuggingFaceTensor[];
  };
  readonly diagnostics: readonly Diagnostic[];
}

export function exportConfig(model: Model, options: ExportOptions = {}): ExportedModel {
  const { config: own, diagnostics } = configOf(model, options.modelType);
  if (own === undefined) return { diagnostics };
  const config = options.dtype === undefined ? own : { ...own, dtype: options.dtype };
  const architecture = ARCHITECTURES[config.modelType];
  const rules = architecture.tensors(config, architecture.names[0]!);
  return {
    exported: {
      modelType: config.modelType,
      text: writeConfig(config, options.extra),
      config,
      tensors: expandRules(rules, config),
    },
    diagnostics: [...diagnostics, ...lostPrecision(model, own)],
  };
}

/** The text of a `config.json`. */
export function writeConfig(config: HuggingFaceConfig, extra: Readonly<Record<string, JsonOutput>> = {}): string {
  const fields: Readonly<Record<string, JsonOutput>> = {
    architectures: [CLASSES[config.modelType]],
    model_type: config.modelType,
    vocab_size: config.vocab,
    hidden_size: config.width,
    ...(config.context === undefined ? {} : { max_position_embeddings: config.context }),
    ...ARCHITECTURES[config.modelType].write(config),
    tie_word_embeddings: config.tie,
    torch_dtype: DTYPES[config.dtype][0]!,
    use_cache: true,
  };
  return printJson({ ...extra, ...fields });
}

/** Precision rules other than those that importing the config would bring back. */
function lostPrecision(model: Model, config: HuggingFaceConfig): readonly Diagnostic[] {
  const expected = new Set(precisionRules(config).map(([rule, type]) => `${rule} = ${type}`));
  const plain = (rule: PrecisionRule): boolean => rule.type === 'f32' && rule.selector === undefined;
  return model.precision.flatMap((rule) => {
    if (config.dtype === 'f32' && plain(rule)) return [];
    const imported = ruleText(rule, (alias) => layerKind(model.aliases[alias]) ?? alias);
    if (expected.has(imported)) return [];
    return [report('HYB7022', rule.span, { what: `The precision rule '${ruleText(rule, (alias) => alias)}'` })];
  });
}

/** As `precisionRules` writes rules, for those that it writes; blocks go by the names that `name` gives. */
function ruleText({ role, selector, type }: PrecisionRule, name: (alias: string) => string): string {
  const place = selector === undefined ? '' : ` in ${placeText(selector, name)}`;
  return `${role}${place} = ${type}`;
}

function placeText(selector: PrecisionSelector, name: (alias: string) => string): string {
  switch (selector.kind) {
    case 'norms':
      return 'norm';
    case 'parameter':
      return selector.name;
    case 'alias':
      return `${name(selector.alias)}${selector.member === undefined ? '' : `.${selector.member}`}`;
    case 'layer':
      return `layers[${selector.start}..${selector.end}]${selector.member === undefined ? '' : `.${selector.member}`}`;
    case 'linear_range':
      return `linears[${selector.start}..${selector.end}]`;
    case 'head':
    case 'embedding':
    case 'linears':
      return selector.kind;
  }
}
