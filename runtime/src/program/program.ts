/**
 * The program: what the compiler's plan stage makes and every package carries. Plain JSON data: parameters and how they
 * are stored, states, kernels, and the steps of each program. The runtime executes it and knows nothing else of a model.
 */
import type { Size } from './size.js';
import type { TrainingProgram, TrainingTable } from './training.js';

export interface Program {
  readonly format: 1;
  readonly model: ModelInfo;
  readonly parameters: readonly ParameterSpec[];
  /** How a checkpoint's tensors are made of parameters; absent: tensors are named by the parameters' paths. */
  readonly checkpoint?: readonly CheckpointTensor[];
  /** Tensors that a checkpoint may hold although the model has no use for them: the head's matrix where it is the embedding's. */
  readonly spare?: readonly string[];
  /** Matrices as kernels read them: rows of one or more parameters, one after another. */
  readonly matrices: readonly MatrixSpec[];
  /** Small parameters of an instance, packed in one f32 buffer. */
  readonly vectors: readonly VectorPack[];
  readonly states: readonly StateSpec[];
  readonly tables: readonly TableSpec[];
  readonly kernels: Readonly<Record<string, KernelSpec>>;
  readonly stages: readonly Stage[];
  /** Embedding, layers in order, head; then sampling is run by the runtime with the stage named `sample`. */
  readonly schedule: readonly StageInstance[];
  readonly sample: StageInstance;
  /** Activations shared by all stages: slots of a pool after lifetime analysis. */
  readonly activations: readonly ActivationSpec[];
  /** Present in packages that train. */
  readonly training?: TrainingProgram;
}

export interface ModelInfo {
  readonly name: string;
  readonly doc?: string;
  readonly vocab: number;
  readonly width: number;
  readonly context: number;
  readonly layers: readonly { readonly alias: string; readonly block: string }[];
}

export type StorageType = 'f32' | 'f16' | 'bf16';

export interface ParameterSpec {
  /** `layers.3.in_z.weight` */
  readonly path: string;
  readonly shape: readonly number[];
  readonly role: 'matrix' | 'vector';
  /**
   * Default storage; loading may override it for matrices. Vectors are f32 on the device, rounded to this first (unless
   * loading asks for f32 storage). A matrix of parts that differ is stored as f32.
   */
  readonly dtype: StorageType;
}

export interface CheckpointTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Other names that the same tensor has in checkpoints of the same model; a file must hold exactly one of all. */
  readonly aliases?: readonly string[];
  /** Parameters whose rows (first dimension) follow one another in the tensor. */
  readonly parts: readonly string[];
}

export interface MatrixSpec {
  readonly id: string;
  /** Elements per row; a multiple of 4 (rows of odd lengths are padded with zeros by loading). */
  readonly columns: number;
  readonly rows: number;
  /** Row r of a part is row `row + r * stride` of the matrix; `stride` is 1 unless parts are interleaved. */
  readonly parts: readonly {
    readonly parameter: string;
    readonly row: number;
    readonly rows: number;
    readonly columns: number;
    readonly stride: number;
  }[];
}

export interface VectorPack {
  readonly id: string;
  /** f32 elements, a multiple of 64 (256 bytes, the offset alignment of bindings). */
  readonly elements: number;
  readonly parts: readonly { readonly parameter: string; readonly offset: number; readonly elements: number }[];
}

/** Decode state of one op of one instance; f32. */
export interface StateSpec {
  readonly id: string;
  /** `sequence`: [slots, elements]; `token`: [slots, capacity, elements]. */
  readonly kind: 'sequence' | 'token';
  readonly elements: number;
  /** Logical shape of `elements`, for serialisation and inspection. */
  readonly dims: readonly number[];
}

/**
 * Rotary angles: cos and sin of position * frequency in f64, rounded to f32, in two parts that the kernel joins by angle
 * addition: `[256, n, 2]` for the low 8 bits of the position, then `[ceil(capacity / 256), n, 2]` for multiples of 256.
 */
export interface TableSpec {
  readonly id: string;
  readonly kind: 'rotary';
  readonly frequencies: readonly number[];
}

export interface ActivationSpec {
  readonly id: string;
  /** f32 elements. */
  readonly elements: Size;
}

/** `hardware`: a real GPU (the adapter is not a software one); the others are WebGPU features. */
export type KernelFeature = 'hardware' | 'shader-f16' | 'subgroups' | 'chromium-experimental-subgroup-matrix';

export interface KernelSpec {
  readonly doc: string;
  readonly bindings: readonly {
    readonly name: string;
    readonly type: 'read' | 'read_write';
    readonly weights: boolean;
  }[];
  /** Fields of the uniform struct, in order, 4 bytes each; empty: no uniform buffer. Bound last. */
  readonly uniforms: readonly { readonly name: string; readonly type: 'u32' | 'i32' | 'f32' }[];
  /** Best first; the last one needs nothing. `source` names an entry of the package's WGSL table. */
  readonly variants: readonly KernelVariant[];
}

export interface KernelVariant {
  readonly requires: readonly KernelFeature[];
  readonly source: string;
  /** Bytes of workgroup memory. */
  readonly workgroupMemory: number;
  readonly workgroupSize: readonly [number, number, number];
  /** One workgroup does what so many of the step's grid, along x, would do; 1 unless said. */
  readonly folds?: number;
  /** u32 constants that the source uses and leaves to the runtime to declare; all other constants are in the source. */
  readonly constants?: readonly {
    readonly name: string;
    readonly value: number;
    readonly choices?: readonly number[];
  }[];
}

/**
 * WGSL sources lack only the prelude: for each `weights` binding `w` an alias `w_element` and a function
 * `w_decode(e: w_element) -> vec4f` for the chosen storage type, so that `w` is an `array<w_element>` and element `i` of
 * it decodes to matrix elements 4i … 4i + 3. The runtime appends it (`enable` directives stay first; order does not
 * matter among declarations). The entry point is `main`; bindings are in group 0, in the kernel's order, uniforms last.
 */
export type WgslSources = Readonly<Record<string, string>>;

/** A list of steps for each program; shared by identical layers. */
export interface Stage {
  readonly id: string;
  /**
   * Activation that holds the stage's result, [tokens, width], after its last step: the residual stream. For tracing;
   * absent: the last activation that the last step may write to.
   */
  readonly output?: string;
  /** Run once for each instance after its weights are loaded; may write the instance's pack of vectors. */
  readonly prepare?: readonly Step[];
  readonly prefill: readonly Step[];
  readonly decode: readonly Step[];
}

export interface StageInstance {
  readonly stage: string;
  readonly label: string;
  /** Local names in the stage's steps to ids of this instance. */
  readonly matrices: Readonly<Record<string, string>>;
  readonly vectors?: string;
  readonly states: Readonly<Record<string, string>>;
}

export interface Step {
  readonly kernel: string;
  /** What it computes, such as `norm + in-projection + conv + silu`. */
  readonly label: string;
  /** One for each of the kernel's bindings, in order. */
  readonly bind: readonly Operand[];
  readonly uniforms: readonly Size[] | readonly (Size | { readonly f32: number })[];
  readonly grid: readonly [Size, Size, Size];
  /**
   * Present where a matrix is walked by rows: the executor splits the step when the matrix exceeds the device's binding
   * limit, or the grid the device's limit. `base` is the index of the uniform that holds the first row of the bound part,
   * `count` of the one that holds its number of rows; grid axis `axis` counts workgroups of `rowsPerWorkgroup` rows.
   * Parts begin at multiples of `rowsPerWorkgroup`, and of `partRows` where a kernel takes rows in another order within
   * so many (rotary embedding: the rows of a head). If `rowsPerWorkgroup` is 0 the grid stays as it is (gathering rows: each part runs
   * over all tokens and the kernel skips rows that are not in it).
   */
  readonly split?: {
    readonly binding: number;
    readonly base: number;
    readonly count: number;
    readonly axis: 0 | 1 | 2;
    readonly rowsPerWorkgroup: number;
    readonly partRows?: number;
  };
  /** Bytes read and written and operations done, for inspection: of weights (elements) and of f32 values. */
  readonly cost: StepCost;
}

export interface StepCost {
  readonly weightElements: Size;
  readonly values: Size;
  readonly operations: Size;
}

export type Operand =
  | { readonly matrix: string }
  | { readonly vectors: true }
  | { readonly activation: string }
  | { readonly state: string }
  | { readonly table: string }
  /**
   * Tables of the call's batch:
   * - `tokens`: vec4u per token: id, index of its sequence in the call, position in the sequence, state slot
   * - `sequences`: vec4u per sequence: state slot, first flat token, number of tokens, position of the first
   * - `rows`: u32 per wanted row: flat token index
   * - `tiles16` …: vec4u per tile: index of the sequence in the call, first flat token, number of tokens, index of the tile in its sequence
   * `tokens` and `sequences` may be written by `sample`, which advances them for the next decode step: it finds the
   * position of the last token and leaves `tokens[i]` = (sampled id, i, position + 1, slot) and `sequences[i]` =
   * (slot, i, 1, position + 1). In decoding, sequence i of the call has flat token i and row i.
   */
  | { readonly batch: 'tokens' | 'sequences' | 'rows' | 'tiles16' | 'tiles32' | 'tiles64' | 'tiles128' }
  /**
   * - `logits`: f32 [rows, vocab], the head's output; row i belongs to sequence i of the call when `sample` runs
   * - `settings`: per sequence 8 words: temperature f32 (0: greedy), top_k u32 (0: all), top_p f32 (1: all), min_p f32 (0: all),
   *   repetition_penalty f32 (1: none), seed u32, step u32, unused. `sample` adds 1 to `step`, which with the seed says what
   *   is random, so that a sequence's tokens do not depend on the batch it is in.
   * - `seen`: u32 [slots, ceil(vocab / 32)], one bit for each token id that the sequence holds; `sample` sets the new one
   * - `sampled`: u32 ring [window, sequences]: the tokens of the last steps, read back in one go; row `step % window`, with
   *   `step` as it was before. An id of `vocab` or above says that the logits were not finite.
   * - `scratch`: f32 [sequences, samplerScratch(vocab)], for the steps of `sample` alone
   */
  | { readonly sampler: 'logits' | 'settings' | 'seen' | 'sampled' | 'scratch' }
  // Of training programs alone.
  /** Gradient of a matrix, f32. */
  | { readonly gradient: string }
  /** Gradients of the instance's pack of vectors. */
  | { readonly gradientVectors: true }
  /** A value that the forward pass keeps for the backward pass. */
  | { readonly kept: string }
  /** The residual stream before and after the instance, and its gradients. */
  | { readonly stream: 'x' | 'result' | 'gradient' | 'input_gradient' }
  /** A number of the instance that is measured; see `TrainingStage.probes`. */
  | { readonly probe: string }
  | { readonly training: TrainingTable };
