/** What a resolved model would say in a `config.json`: the inverse of importing. */
import type { Diagnostic, Span } from '@hyb/grammar';
import type { BlockInstance, Constant, FunctionValue, Model, NormInstance } from '../model/model.js';
import { ACTIVATIONS } from './config.js';
import type {
  Activation,
  AttentionConfig,
  HuggingFaceConfig,
  LayerKind,
  MambaConfig,
  MlpConfig,
  ModelType,
  RopeConfig,
  RopeScaling,
} from './config.js';
import { isLibraryPath } from '../sources/library.js';
import { report } from './messages.js';

export interface ModelConfig {
  /** Absent if there are errors. */
  readonly config?: HuggingFaceConfig;
  readonly diagnostics: readonly Diagnostic[];
}

const KINDS: Readonly<Record<string, LayerKind>> = { Mamba2: 'M', Attention: 'A', MLP: 'F', GatedMLP: 'F' };

/** @param modelType the architecture to export to; by default the one that fits the model's blocks */
export function configOf(model: Model, modelType?: ModelType): ModelConfig {
  const foreign = model.layers.find(({ block }) => layerKind(block) === undefined);
  if (foreign !== undefined) {
    const reason = `'${foreign.block.declaration.name.text}' is a block of your own`;
    return { diagnostics: [report('HYB7021', foreign.block.span, { reason })] };
  }
  const type = modelType ?? fittingType(model);
  if (typeof type !== 'string') return { diagnostics: [report('HYB7021', model.span, type)] };
  const reader = new ModelReader(model, type);
  const config = reader.read();
  const { diagnostics } = reader;
  return { ...(diagnostics.some((d) => d.severity === 'error') ? {} : { config }), diagnostics };
}

/** What a block is called after importing; undefined for blocks that are not of the standard library. */
export function layerKind(block: BlockInstance | undefined): LayerKind | undefined {
  if (block === undefined || !isStandard(block)) return undefined;
  const name = block.declaration.name.text;
  return Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
}

function isStandard({ scope }: { readonly scope: { readonly file: string } }): boolean {
  return isLibraryPath(scope.file);
}

function fittingType(model: Model): ModelType | { readonly reason: string } {
  const blocks = new Set(model.layers.map(({ block }) => block.declaration.name.text));
  if (blocks.has('GatedMLP')) {
    const others = [...blocks].find((name) => name !== 'GatedMLP' && name !== 'Attention');
    if (others !== undefined) return { reason: `GatedMLP and ${others} stand together` };
    const attention = model.layers.find(({ block }) => block.declaration.name.text === 'Attention')?.block.arguments;
    return isTrue(attention?.['bias']) && !isTrue(attention?.['out_bias']) ? 'qwen2' : 'llama';
  }
  const wholeNorm = model.layers.every(({ block }) => blocks.size === 1 && blocks.has('Mamba2') && hasWholeNorm(block));
  return wholeNorm ? 'mamba2' : 'nemotron_h';
}

function isTrue(value: Constant | undefined): boolean {
  return value?.kind === 'boolean' && value.value;
}

/** The gated norm is over all channels: as a norm of its own, or because there is one group. */
function hasWholeNorm(block: BlockInstance): boolean {
  const gated = block.slots['gated'];
  if (gated === undefined) return numberOf(block.arguments['groups']) === 1;
  return gated !== null && isNorm(gated, 'RMSNorm');
}

function isNorm(norm: NormInstance, name: string): boolean {
  return isStandard(norm) && norm.declaration.name.text === name;
}

function numberOf(value: Constant | undefined): number {
  return value?.kind === 'number' ? value.value : NaN;
}

class ModelReader {
  readonly diagnostics: Diagnostic[] = [];
  /** Of the first norm; all others must have it. */
  #eps: number | undefined;

  constructor(
    readonly model: Model,
    readonly type: ModelType,
  ) {}

  read(): HuggingFaceConfig {
    const { model, type } = this;
    const layers = model.layers.map(({ block }) => layerKind(block)!);
    const block = (kind: LayerKind): BlockInstance | undefined => this.#blockOf(kind, layers);
    this.#checkOrder(layers);
    const shared = model.layers.find((layer) => layer.sharedWith !== undefined);
    if (shared !== undefined) this.#cannot('Weights shared between layers', shared.block.span);
    const [M, A, F] = [block('M'), block('A'), block('F')];
    const mamba = M && this.#mamba(M);
    const attention = A && this.#attention(A, layers);
    const mlp = F && this.#mlp(F);
    this.#head();
    return {
      modelType: type,
      vocab: model.vocab,
      width: model.width,
      context: model.context,
      eps: this.#eps ?? 1e-5,
      tie: model.head.tie,
      dtype: this.#dtype(),
      layers,
      ...(mamba === undefined ? {} : { mamba }),
      ...(attention === undefined ? {} : { attention }),
      ...(mlp === undefined ? {} : { mlp }),
    };
  }

  #cannot(what: string, span: Span = this.model.span): void {
    this.diagnostics.push(report('HYB7020', span, { what, type: this.type }));
  }

  #checkOrder(layers: readonly LayerKind[]): void {
    switch (this.type) {
      case 'nemotron_h':
        return;
      case 'mamba2':
        if (layers.some((kind) => kind !== 'M')) this.#cannot('A layer that is not Mamba-2');
        return;
      case 'llama':
      case 'qwen2': {
        const alternate = layers.length % 2 === 0 && layers.every((kind, i) => kind === (i % 2 === 0 ? 'A' : 'F'));
        if (!alternate) this.#cannot('An order of layers other than attention and feed-forward in turn');
        return;
      }
    }
  }

  /** The one block of a kind: layers may differ in the window of attention alone. */
  #blockOf(kind: LayerKind, layers: readonly LayerKind[]): BlockInstance | undefined {
    const blocks = this.model.layers.flatMap(({ block }, i) => (layers[i] === kind ? [block] : []));
    const [first] = blocks;
    if (first === undefined) return undefined;
    const usual = fingerprint(first);
    const other = blocks.find((block) => block !== first && fingerprint(block) !== usual);
    if (other !== undefined) {
      this.#cannot(`A ${other.declaration.name.text} that differs from the others`, other.span);
    }
    this.#slots(first);
    return first;
  }

  #slots(block: BlockInstance): void {
    const { name } = block.declaration;
    for (const [slot, norm] of Object.entries(block.slots)) {
      if (slot === 'gated') continue;
      if (slot === 'pre' && norm !== null) this.#norm(norm, `'${norm.declaration.name.text}' before ${name.text}`);
      else if (norm !== null) this.#cannot(`A norm in the slot '${slot}' of ${name.text}`, norm.span);
    }
    if (block.slots['pre'] === undefined || block.slots['pre'] === null) {
      this.#cannot(`A ${name.text} without a norm before it`, block.span);
    }
  }

  #norm(norm: NormInstance, what: string): void {
    if (!isNorm(norm, 'RMSNorm')) this.#cannot(what, norm.span);
    this.#sameEps(numberOf(norm.arguments['eps']), norm.span);
  }

  #sameEps(eps: number, span: Span): void {
    this.#eps ??= eps;
    if (this.#eps !== eps) this.#cannot(`Norms with different 'eps' (${this.#eps} and ${eps})`, span);
  }

  /** Reports arguments that the architecture has no field for. */
  #only(block: BlockInstance, fixed: Readonly<Record<string, Constant['kind'] | number | boolean>>): void {
    for (const [name, expected] of Object.entries(fixed)) {
      const value = block.arguments[name];
      if (value === undefined || value.kind === expected) continue;
      if ((value.kind === 'number' || value.kind === 'boolean') && value.value === expected) continue;
      this.#cannot(`'${name}' of ${block.declaration.name.text}`, block.span);
    }
  }

  #mamba(block: BlockInstance): MambaConfig {
    const { arguments: given, slots } = block;
    const gated = slots['gated'];
    const wholeNorm = this.type === 'mamba2';
    const eps = numberOf(given['eps']);
    if (gated === undefined) this.#sameEps(eps, block.span);
    else if (gated === null) this.#cannot('Mamba-2 without its gated norm', block.span);
    else this.#gatedNorm(gated, block);
    if (wholeNorm && !hasWholeNorm(block)) this.#cannot('A gated norm over groups', block.span);
    if (
      !wholeNorm &&
      gated !== undefined &&
      gated !== null &&
      isNorm(gated, 'RMSNorm') &&
      numberOf(given['groups']) !== 1
    ) {
      this.#cannot('A gated norm over all channels', gated.span);
    }
    const limits = given['dt_limits'];
    const [low, high] = limits?.kind === 'tuple' ? limits.elements.map(numberOf) : [];
    return {
      heads: numberOf(given['heads']),
      headDim: numberOf(given['head_dim']),
      state: numberOf(given['state']),
      groups: numberOf(given['groups']),
      conv: numberOf(given['conv']),
      convBias: isTrue(given['conv_bias']),
      bias: isTrue(given['bias']),
      activation: this.#activation(block),
      dtLimits: [low ?? 0, high ?? Infinity],
      gatedNorm: wholeNorm ? 'all' : 'groups',
    };
  }

  #gatedNorm(norm: NormInstance, block: BlockInstance): void {
    const grouped = isNorm(norm, 'GroupRMSNorm');
    const sameGroups = numberOf(norm.arguments['groups']) === numberOf(block.arguments['groups']);
    if (grouped ? !sameGroups : !isNorm(norm, 'RMSNorm')) this.#cannot('This gated norm of Mamba-2', norm.span);
    this.#sameEps(numberOf(norm.arguments['eps']), norm.span);
  }

  #attention(block: BlockInstance, layers: readonly LayerKind[]): AttentionConfig {
    const { arguments: given } = block;
    this.#only(block, { sigma: false, cap: 'none', scale: 'none', temperature: 1, clip: 'none' });
    const rotary = this.type === 'llama' || this.type === 'qwen2';
    const rope = given['rope'];
    if (rotary !== (rope?.kind === 'function')) {
      this.#cannot(rotary ? 'Attention without rotary positions' : 'Attention with rotary positions', block.span);
    }
    const bias = isTrue(given['bias']);
    const outBias = isTrue(given['out_bias']);
    const wanted = this.type === 'qwen2' ? bias && !outBias : bias === outBias;
    if (!wanted) this.#cannot('This choice of biases in attention', block.span);
    const window = this.#window(layers);
    const read = rope?.kind === 'function' && rotary ? this.#rope(rope, block) : undefined;
    return {
      heads: numberOf(given['heads']),
      kvHeads: numberOf(given['kv_heads']),
      headDim: numberOf(given['head_dim']),
      bias,
      outBias,
      ...(read === undefined ? {} : { rope: read }),
      ...(window === undefined ? {} : { window }),
    };
  }

  #window(layers: readonly LayerKind[]): AttentionConfig['window'] {
    const windowed = this.model.layers.filter(
      ({ block }, i) => layers[i] === 'A' && block.arguments['window']?.kind === 'number',
    );
    const sizes = [...new Set(windowed.map(({ block }) => numberOf(block.arguments['window'])))];
    const [tokens] = sizes;
    if (tokens === undefined) return undefined;
    if (this.type !== 'qwen2') this.#cannot('A sliding window', windowed[0]!.block.span);
    if (sizes.length > 1) this.#cannot('Windows of different sizes', windowed[0]!.block.span);
    return { tokens, layers: windowed.map(({ index }) => index) };
  }

  #rope(value: FunctionValue, block: BlockInstance): RopeConfig {
    const given = value.arguments;
    const builtin = 'builtin' in value.callee && value.callee.builtin === 'rope';
    if (!builtin) this.#cannot('A rotary embedding of your own', block.span);
    if (given['dims']?.kind === 'number' && given['dims'].value !== numberOf(block.arguments['head_dim'])) {
      this.#cannot('Rotation of a part of each head', block.span);
    }
    if (given['pairing']?.kind === 'string' && given['pairing'].value !== 'half') {
      this.#cannot('Rotation of neighbouring channels', block.span);
    }
    const scaling = given['scaling'];
    const read = scaling?.kind === 'function' ? this.#scaling(scaling, block) : undefined;
    return { base: numberOf(given['base']), ...(read === undefined ? {} : { scaling: read }) };
  }

  #scaling({ callee, arguments: given }: FunctionValue, block: BlockInstance): RopeScaling | undefined {
    const kind = 'builtin' in callee ? callee.builtin : callee.declaration.name.text;
    const of = (name: string): number => numberOf(given[name]);
    switch (kind) {
      case 'linear':
        return { kind, factor: of('factor') };
      case 'llama3':
        return { kind, factor: of('factor'), low: of('low'), high: of('high'), original: of('original') };
      case 'yarn': {
        const attention = given['attention']?.kind === 'number' ? { attention: of('attention') } : {};
        const bounds = { betaFast: of('beta_fast'), betaSlow: of('beta_slow') };
        return { kind, factor: of('factor'), original: of('original'), ...bounds, ...attention };
      }
      default:
        this.#cannot(`The rotary scaling '${kind}'`, block.span);
        return undefined;
    }
  }

  #mlp(block: BlockInstance): MlpConfig {
    this.#only(block, { sigma: false });
    const gated = block.declaration.name.text === 'GatedMLP';
    if (gated !== (this.type === 'llama' || this.type === 'qwen2')) {
      this.#cannot(gated ? 'A gated feed-forward block' : 'A feed-forward block without a gate', block.span);
    }
    const bias = isTrue(block.arguments['bias']);
    if (bias && this.type === 'qwen2') this.#cannot('A bias in the feed-forward block', block.span);
    return { gated, inner: numberOf(block.arguments['inner']), activation: this.#activation(block), bias };
  }

  #activation(block: BlockInstance): Activation {
    const value = block.arguments['activation'];
    if (value?.kind === 'function') {
      const { callee } = value;
      const name = 'builtin' in callee ? callee.builtin : isStandard(callee) ? callee.declaration.name.text : undefined;
      const known = (Object.keys(ACTIVATIONS) as Activation[]).find((activation) => activation === name);
      if (known !== undefined) return known;
    }
    this.#cannot('This activation', block.span);
    return 'silu';
  }

  #head(): void {
    const { head, embedding } = this.model;
    if (head.norm === undefined) this.#cannot('A head without a norm');
    else this.#norm(head.norm, `'${head.norm.declaration.name.text}' in the head`);
    if (head.bias) this.#cannot('A bias in the head');
    if (head.cap !== undefined) this.#cannot('A cap on the logits');
    if (embedding.scale !== 1) this.#cannot('A scale of the embedding');
  }

  /** The format of the rule for all weights. */
  #dtype(): HuggingFaceConfig['dtype'] {
    const rule = this.model.precision.find(({ role, selector }) => role === 'weights' && selector === undefined);
    switch (rule?.type) {
      case 'bf16':
      case 'f16':
        return rule.type;
      default:
        return 'f32';
    }
  }
}

/** Equal for blocks that are the same but for their windows. */
function fingerprint(block: BlockInstance): string {
  const { window: _, ...given } = block.arguments;
  return JSON.stringify([block.scope.file, block.declaration.name.text, given, block.slots], (key, value: unknown) => {
    if (key === 'span' || key === 'scope') return undefined;
    if (key === 'declaration') return (value as { name: { text: string } }).name.text;
    return value === Infinity ? 'Infinity' : value;
  });
}
