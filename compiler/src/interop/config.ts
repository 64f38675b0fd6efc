/** What a `config.json` of transformers says of a model, in one form for all the architectures that Hyb knows. */

export type ModelType = 'nemotron_h' | 'llama' | 'qwen2' | 'mamba2';
export const MODEL_TYPES: readonly ModelType[] = ['nemotron_h', 'llama', 'qwen2', 'mamba2'];

/** The layers of such models: Mamba-2, attention, feed-forward. Llama's layer is `A` and `F` here. */
export type LayerKind = 'M' | 'A' | 'F';

export interface HuggingFaceConfig {
  readonly modelType: ModelType;
  readonly vocab: number;
  readonly width: number;
  /** Longest sequence; undefined where the architecture sets none. */
  readonly context?: number;
  /** Of all norms. */
  readonly eps: number;
  readonly tie: boolean;
  readonly dtype: 'f32' | 'bf16' | 'f16';
  readonly layers: readonly LayerKind[];
  /** Present if such layers are. */
  readonly mamba?: MambaConfig;
  readonly attention?: AttentionConfig;
  readonly mlp?: MlpConfig;
}

export interface MambaConfig {
  readonly heads: number;
  readonly headDim: number;
  readonly state: number;
  readonly groups: number;
  readonly conv: number;
  readonly convBias: boolean;
  /** Of the in- and out-projection. */
  readonly bias: boolean;
  readonly activation: Activation;
  /** Limits of dt after softplus. */
  readonly dtLimits: readonly [low: number, high: number];
  /** The gated norm is over `groups` groups of channels, or over all of them. */
  readonly gatedNorm: 'groups' | 'all';
}

export interface AttentionConfig {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Of queries, keys and values. */
  readonly bias: boolean;
  readonly outBias: boolean;
  /** Absent: no position embedding. */
  readonly rope?: RopeConfig;
  /** Sliding window in tokens, and the layers that have it: indices among all of `HuggingFaceConfig.layers`. */
  readonly window?: { readonly tokens: number; readonly layers: readonly number[] };
}

export interface RopeConfig {
  readonly base: number;
  readonly scaling?: RopeScaling;
}
export type RopeScaling =
  | { readonly kind: 'linear'; readonly factor: number }
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly low: number;
      readonly high: number;
      readonly original: number;
    }
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly original: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** Multiplies sine and cosine; absent: 0.1 ln(factor) + 1. */
      readonly attention?: number;
    };

export interface MlpConfig {
  readonly gated: boolean;
  readonly inner: number;
  readonly activation: Activation;
  readonly bias: boolean;
}

/** Activations by their names in Hyb. */
export type Activation = 'silu' | 'gelu' | 'gelu_tanh' | 'relu' | 'relu2' | 'sigmoid' | 'tanh';

/** Names that transformers has for them; the first is written on export. */
export const ACTIVATIONS: Readonly<Record<Activation, readonly string[]>> = {
  silu: ['silu', 'swish'],
  gelu: ['gelu', 'gelu_python'],
  gelu_tanh: ['gelu_pytorch_tanh', 'gelu_new', 'gelu_fast', 'gelu_accurate'],
  relu: ['relu'],
  relu2: ['relu2'],
  sigmoid: ['sigmoid'],
  tanh: ['tanh'],
};

/** Names that transformers and PyTorch have for number formats; the first is written on export. */
export const DTYPES: Readonly<Record<HuggingFaceConfig['dtype'], readonly string[]>> = {
  f32: ['float32', 'float', 'torch.float32'],
  bf16: ['bfloat16', 'torch.bfloat16'],
  f16: ['float16', 'half', 'torch.float16'],
};

/** transformers' class of a causal language model. */
export const CLASSES: Readonly<Record<ModelType, string>> = {
  nemotron_h: 'NemotronHForCausalLM',
  llama: 'LlamaForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  mamba2: 'Mamba2ForCausalLM',
};
