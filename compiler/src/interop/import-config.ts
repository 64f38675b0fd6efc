/** From a checked `config.json` to the `.hyb` source that a person would have written for the same model. */
import { ARCHITECTURES } from './architectures/table.js';
import type { TensorNames } from './architectures/architecture.js';
import { CLASSES } from './config.js';
import type { AttentionConfig, HuggingFaceConfig, LayerKind, MambaConfig, MlpConfig, RopeConfig } from './config.js';
import { findPattern, printPart, printParts } from '../model/pattern.js';
import { LINE_WIDTH, aligned, call, commentText, declarationName, fill, number, quoted } from './source.js';
import type { TensorRule } from './tensors.js';

export interface ImportOptions {
  /** What the model is called, such as the folder's name: in the comment, and made into the declaration's name. */
  readonly name?: string;
  /** Names of the checkpoint's tensors, from which is told what it calls them; otherwise the usual names. */
  readonly tensors?: Iterable<string>;
}

export interface ImportedModel {
  /** Of the `model` declaration. */
  readonly name: string;
  readonly source: string;
}

/** The names of the parts in the source. */
const BLOCKS: Readonly<Record<LayerKind, string>> = { M: 'Mamba2', A: 'Attention', F: 'MLP' };
const WEIGHTS = 'HuggingFace';
/** The recurrence sets no limit; this is more than anybody has trained with. */
const UNLIMITED_CONTEXT = 1_048_576;

export function importConfig(config: HuggingFaceConfig, options: ImportOptions = {}): ImportedModel {
  const title = commentText(options.name ?? '') || CLASSES[config.modelType];
  const name = freeName(declarationName(title), config);
  const names = tensorNamesOf(config, options.tensors);
  // A tied model's checkpoint may hold the output matrix all the same; its entry allows for that.
  const rules = ARCHITECTURES[config.modelType].tensors({ ...config, tie: false }, names);
  const source = [
    `use std.{${usedNames(config).join(', ')}}`,
    '',
    `/// ${title}, as ${CLASSES[config.modelType]} of transformers computes it.`,
    `model ${name} {`,
    ...modelLines(config),
    '}',
    '',
    `/// How the checkpoint's tensors are made of parameters.`,
    `weights ${WEIGHTS} {`,
    ...rules.map(ruleLine),
    '}',
    '',
  ].join('\n');
  return { name, source };
}

/** The way of naming that fits most of the tensors. */
export function tensorNamesOf(config: HuggingFaceConfig, tensors: Iterable<string> = []): TensorNames {
  const present = new Set(tensors);
  const { names } = ARCHITECTURES[config.modelType];
  const scores = names.map(
    ({ prefix, embedding }) =>
      Number(present.has(`${prefix}${embedding}.weight`)) +
      Number([...present].some((t) => t.startsWith(`${prefix}layers.`))),
  );
  return names[scores.indexOf(Math.max(...scores))]!;
}

function usedNames({ layers, mlp, mamba }: HuggingFaceConfig): readonly string[] {
  const blocks = (['A', 'M', 'F'] as const).filter((kind) => layers.includes(kind)).map((kind) => BLOCKS[kind]);
  const names = blocks.map((block) => (block === 'MLP' && mlp?.gated ? 'GatedMLP' : block));
  const relu2 = mlp?.activation === 'relu2' || mamba?.activation === 'relu2' ? ['relu2'] : [];
  const order = (a: string, b: string): number => (a.toLowerCase() < b.toLowerCase() ? -1 : 1);
  return [...[...names, 'RMSNorm'].sort(order), ...relu2];
}

/** A name that the file does not use for something else. */
function freeName(name: string, config: HuggingFaceConfig): string {
  const taken = [...usedNames(config), WEIGHTS, 'M', 'A', 'F'];
  return taken.includes(name) ? `${name}Model` : name;
}

function modelLines(config: HuggingFaceConfig): readonly string[] {
  const norm = call('RMSNorm', { eps: number(config.eps) });
  const blocks = [
    ...(config.mamba === undefined ? [] : mambaLines(config.mamba, config.eps)),
    ...(config.attention === undefined ? [] : attentionLines(config.attention, config.layers)),
    ...(config.mlp === undefined ? [] : mlpLines(config.mlp)),
  ];
  return [
    ...aligned(
      [
        ['vocab', number(config.vocab)],
        ['width', number(config.width)],
        ['context', number(config.context ?? UNLIMITED_CONTEXT)],
      ],
      '  ',
    ),
    '',
    ...blocks,
    '',
    ...aligned(
      [
        ['norm', `{ pre = ${norm} }`],
        ['layers', patternText(config.layers)],
        ['head', `{ norm = ${norm}, tie = ${config.tie} }`],
      ],
      '  ',
    ),
    ...windowLines(config.attention, config.layers),
    ...precisionLines(config),
    '',
    `  weights = ${WEIGHTS}`,
  ];
}

function patternText(layers: readonly LayerKind[]): string {
  const parts = findPattern(layers);
  const count = `// ${number(layers.length)} layers`;
  const line = `[${printParts(parts)}]`;
  if (line.length + count.length + 20 <= LINE_WIDTH) return `${line}  ${count}`;
  const lines = fill(parts.map(printPart), LINE_WIDTH - 8);
  return `[  ${count}\n${lines.map((each) => `    ${each},\n`).join('')}  ]`;
}

function mambaLines(mamba: MambaConfig, eps: number): readonly string[] {
  const { heads, headDim, state, groups, conv, convBias, bias, activation, dtLimits, gatedNorm } = mamba;
  const [low, high] = dtLimits;
  const block = call(
    'Mamba2',
    {
      heads: number(heads),
      head_dim: number(headDim),
      state: number(state),
      groups: number(groups),
      conv: number(conv),
      conv_bias: convBias ? undefined : 'false',
      bias: bias ? 'true' : undefined,
      activation: activation === 'silu' ? undefined : activation,
      dt_limits: low === 0 && high === Infinity ? undefined : `(${number(low)}, ${number(high)})`,
      eps: eps === 1e-5 ? undefined : number(eps),
    },
    { before: 6, indent: '  ' },
  );
  const whole = gatedNorm === 'all' && groups > 1 ? [`  M.norm.gated = ${call('RMSNorm', { eps: number(eps) })}`] : [];
  return [`  M = ${block}`, ...whole];
}

function attentionLines(attention: AttentionConfig, layers: readonly LayerKind[]): readonly string[] {
  const { heads, kvHeads, headDim, bias, outBias, rope } = attention;
  const block = call(
    'Attention',
    {
      heads: number(heads),
      kv_heads: kvHeads === heads ? undefined : number(kvHeads),
      head_dim: number(headDim),
      bias: bias ? 'true' : undefined,
      out_bias: outBias === bias ? undefined : String(outBias),
      rope: rope && ropeText(rope),
      window: everyLayerHasWindow(attention, layers) ? number(attention.window!.tokens) : undefined,
    },
    { before: 6, indent: '  ' },
  );
  return [`  A = ${block}`];
}

function everyLayerHasWindow({ window }: AttentionConfig, layers: readonly LayerKind[]): boolean {
  return window !== undefined && window.layers.length === layers.filter((kind) => kind === 'A').length;
}

function windowLines(attention: AttentionConfig | undefined, layers: readonly LayerKind[]): readonly string[] {
  if (attention?.window === undefined || everyLayerHasWindow(attention, layers)) return [];
  const { tokens, layers: windowed } = attention.window;
  return [
    '',
    ...aligned(
      windowed.map((layer) => [`layers[${layer}].window`, number(tokens)]),
      '  ',
    ),
  ];
}

function ropeText({ base, scaling }: RopeConfig): string {
  return call('rope', { base: number(base), scaling: scaling && scalingText(scaling) });
}

function scalingText(scaling: NonNullable<RopeConfig['scaling']>): string {
  switch (scaling.kind) {
    case 'linear':
      return call('linear', { factor: number(scaling.factor) });
    case 'llama3': {
      const { factor, low, high, original } = scaling;
      return call('llama3', {
        factor: number(factor),
        low: number(low),
        high: number(high),
        original: number(original),
      });
    }
    case 'yarn': {
      const { factor, original, betaFast, betaSlow, attention } = scaling;
      return call('yarn', {
        factor: number(factor),
        original: number(original),
        beta_fast: betaFast === 32 ? undefined : number(betaFast),
        beta_slow: betaSlow === 1 ? undefined : number(betaSlow),
        attention: attention === undefined ? undefined : number(attention),
      });
    }
  }
}

function mlpLines({ gated, inner, activation, bias }: MlpConfig): readonly string[] {
  const block = call(
    gated ? 'GatedMLP' : 'MLP',
    { inner: number(inner), activation, bias: bias ? 'true' : undefined },
    { before: 6, indent: '  ' },
  );
  return [`  F = ${block}`];
}

/** Rules for what transformers rounds to when it loads a checkpoint in its own format; f32 needs none. */
export function precisionRules({
  dtype,
  mamba,
}: Pick<HuggingFaceConfig, 'dtype' | 'mamba'>): readonly [string, string][] {
  if (dtype === 'f32') return [];
  return [
    ['weights', dtype],
    ['activations', dtype],
    ['accumulate', 'f32'],
    ...(mamba === undefined ? [] : ([['weights in A_log', 'f32']] as const)),
    ['activations in norm', 'f32'],
    ...(mamba === undefined ? [] : ([['state in M', 'f32']] as const)),
  ] as [string, string][];
}

function precisionLines(config: HuggingFaceConfig): readonly string[] {
  const rules = precisionRules(config);
  return rules.length === 0 ? [] : ['', '  precision {', ...aligned(rules, '    '), '  }'];
}

function ruleLine({ tensor, shape, parts }: TensorRule): string {
  const value = parts.length === 1 ? parts[0]! : `concat(${parts.join(', ')})`;
  return `  ${quoted(tensor)}${shape === undefined ? '' : `: ${shape}`} = ${value}`;
}
