/**
 * The op table's types: every op's attributes. The definitions (shape rule, f64 meaning, gradient, state) stand one file
 * per op beside this one and are collected in `table.ts`.
 */
import type { Dim, Dtype, TensorType } from '../graph/types.js';
import type { NodeId } from '../graph/graph.js';

/** Element-wise functions of one argument. */
export const UNARY = [
  'neg',
  'abs',
  'exp',
  'log',
  'sqrt',
  'rsqrt',
  'sin',
  'cos',
  'tanh',
  'erf',
  'floor',
  'sigmoid',
  'softplus',
  'silu',
  'relu',
  'gelu',
  'gelu_tanh',
  'not',
] as const;
/** Element-wise functions of two arguments, broadcast by dimension name. */
export const BINARY = [
  'add',
  'sub',
  'mul',
  'div',
  'pow',
  'max',
  'min',
  'less',
  'less_equal',
  'equal',
  'and',
  'or',
] as const;
export const REDUCTIONS = ['sum', 'mean', 'amax', 'amin'] as const;

export type UnaryName = (typeof UNARY)[number];
export type BinaryName = (typeof BINARY)[number];
export type ReductionName = (typeof REDUCTIONS)[number];

type None = Readonly<Record<string, never>>;

interface Structured {
  /** A parameter of the layer. No inputs. */
  parameter: { readonly path: string };
  /**
   * `x`, the residual stream `[time, width]`; or `tokens` `u32[time]`; in gradient graphs also `gradient`, that of the
   * output. No inputs.
   */
  input: { readonly name: 'x' | 'tokens' | 'gradient' };
  /** A scalar. No inputs. */
  constant: { readonly value: number };
  /** Position of each token in its sequence, f32 `[time]`. No inputs. */
  position: None;

  /** Rounds to a format (nearest even, saturating for fp8); the value stays usable as f32. */
  cast: { readonly to: Dtype };
  /** inputs: condition (bool), a, b. */
  where: None;

  /** Same elements in row-major order under other dimensions. */
  reshape: { readonly dims: readonly Dim[] };
  /** Renames dimensions, old name to new. */
  rename: { readonly names: Readonly<Record<string, string>> };
  /** Half-open range of one dimension; the result's dimension is called `name`. */
  slice: { readonly dim: string; readonly start: number; readonly end: number; readonly name: string };
  /** Joins along `dim`; other dimensions agree. The joined dimension is called `name`. */
  concat: { readonly dim: string; readonly name: string };
  /** Adds zeros before and after along `dim`; the result's dimension is called `name`. The gradient of `slice`. */
  pad: { readonly dim: string; readonly before: number; readonly after: number; readonly name: string };
  /** Dimensions in another order; `time` stays first. */
  transpose: { readonly order: readonly string[] };
  /** Repeats the tensor along the dimensions it lacks; the result has exactly `dims`, in that order. */
  broadcast: { readonly dims: readonly Dim[] };

  /**
   * inputs: x, weight [out…, in…], bias [out…]?. Contracts the dims named in `in` of x, which become `out`:
   * y[…, o] = Σ_i W[o, i] x[…, i] (+ b[o]). The kept dims of x come first (time, then others). In training, the gradient of
   * y is rounded to `gradient` where it enters the products of the backward pass.
   */
  linear: { readonly in: readonly string[]; readonly out: readonly Dim[]; readonly gradient?: Dtype };
  /**
   * Depthwise causal convolution over time. inputs: x [time, channels], weight [channels, kernel], bias [channels]?.
   * o[t, c] = b[c] + Σ_k w[c, k] x[t - (K-1) + k, c]; tokens before the sequence's start are zero.
   * State: the last K-1 inputs per channel.
   */
  conv1d: { readonly kernel: number };
  /**
   * Mamba-2's state-space duality (Dao & Gu 2024). inputs: x [time, heads, head_dim], dt [time, heads], A [heads] (< 0),
   * B, C [time, groups, state]. S_t = exp(dt_t A_h) S_{t-1} + dt_t x_t ⊗ B_t; y_t = S_t C_t. Head h reads group
   * h // (heads / groups). State: S [heads, head_dim, state], f32.
   */
  ssd: { readonly heads: number; readonly head_dim: number; readonly groups: number; readonly state: number };
  /**
   * Rotary embedding of the last dimension at the token's position (Su et al. 2021). inputs: x [time, heads, head_dim].
   * The first `2 * frequencies.length` channels are rotated; `half` pairs channel i with i + n/2 (Llama, NeoX),
   * `interleaved` pairs 2i with 2i + 1. `frequencies` are radians per token (all scaling kinds are folded in);
   * `amplitude` multiplies sine and cosine (YaRN's attention factor).
   */
  rope: {
    readonly frequencies: readonly number[];
    readonly pairing: 'half' | 'interleaved';
    readonly amplitude: number;
  };
  /**
   * Causal attention. inputs: q [time, heads, d], k [time, kv_heads, d], v [time, kv_heads, dv]; result [time, heads, dv].
   * s = scale · q·k; with cap: s = cap · tanh(s / cap); s = temperature · s; mask to the own sequence, no later token and
   * the last `window` ones; p = softmax(s); with clip [zeta, gamma]: p = clip((zeta - gamma) p + gamma, 0, 1); y = Σ p v.
   * State: keys and values per position.
   */
  attend: {
    readonly scale: number;
    readonly cap?: number;
    readonly window?: number;
    readonly temperature?: number;
    readonly clip?: readonly [number, number];
  };
  /**
   * General recurrence. inputs: the initial value of each state (no `time`), then the outer values that the body reads.
   * The body runs once a token of each sequence, in order. State: each state's last value, f32, and the last tokens of
   * outer values that are read shifted. An initial value may lack dimensions of its state: it is repeated along them.
   */
  scan: { readonly body: ScanBody };
  /** inputs: tokens u32[time], table [vocab, width]. */
  embed: None;
  /** Largest singular value of a matrix (weights only). inputs: weight, all but its first `rows` dims flattened. */
  spectral_norm: { readonly rows: number };

  // Gradients that other ops cannot express; only gradient graphs have them. Sequences are whole: none carries state.
  // Ops with several gradients give the one of the input that `of` names; kernels may compute all at once.

  /** inputs: gradient of `linear`'s result, weight. Gradient of x: [kept…, in…]. */
  linear_input_gradient: { readonly in: readonly Dim[]; readonly out: readonly string[] };
  /** inputs: gradient of `linear`'s result, x. Gradient of the weight, summed over all kept dims; has `dims`. */
  linear_weight_gradient: {
    readonly in: readonly string[];
    readonly out: readonly string[];
    readonly dims: readonly Dim[];
  };
  /** inputs: gradient of `conv1d`'s result, weight. */
  conv1d_input_gradient: { readonly kernel: number };
  /** inputs: gradient of `conv1d`'s result, x. The result has `dims`. */
  conv1d_weight_gradient: { readonly kernel: number; readonly dims: readonly Dim[] };
  /** inputs: those of `ssd`, gradient of its result. */
  ssd_gradient: Structured['ssd'] & { readonly of: 'x' | 'dt' | 'A' | 'B' | 'C' };
  /** inputs: those of `attend`, gradient of its result. */
  attend_gradient: Structured['attend'] & { readonly of: 'q' | 'k' | 'v' };
  /**
   * inputs: those of `scan`, gradient of its result. `of`: index of the input. Runs the body's adjoint (`adjointOf`) once
   * a token of each sequence, from the last to the first.
   */
  scan_gradient: { readonly body: ScanBody; readonly of: number };
  /** inputs: tokens, gradient of `embed`'s result. Each token's row is added to the table's; the result has `dims`. */
  embed_gradient: { readonly dims: readonly Dim[] };
  /** inputs: weight. The outer product of the singular vectors that belong to `spectral_norm`. */
  spectral_norm_gradient: { readonly rows: number };

  // Made from the above for training programs, where linear maps of one input are one matrix, and so are their gradients.

  /** A value of the forward pass that was kept for the backward pass. No inputs. */
  kept: { readonly node: NodeId };
  /**
   * inputs: gradients [kept…, out…] of the results of linear maps of one value. Result: [kept…, rows], in the order of the
   * matrix's rows: one after another, or interleaved (row r of input j at r * inputs + j).
   */
  stack: { readonly kept: readonly string[]; readonly interleaved: boolean };
  /** inputs: `stack`, weights in its order. Gradient of the linear maps' input: [kept…, in…]. */
  matrix_input_gradient: { readonly in: readonly Dim[]; readonly interleaved: boolean };
  /** inputs: `stack`, x. Gradient of the whole matrix, [rows, columns]; `in` are the dims of x that are contracted. */
  matrix_weight_gradient: {
    readonly in: readonly string[];
    /** Whose gradient it is: maps of one value with the same gradient of their results are told apart by this. */
    readonly of: readonly string[];
  };
  /**
   * inputs: logits [time, vocab]. Gradient of the mean cross-entropy of the labels, which are no part of the graph, as are
   * the weights of smoothing and z-loss. A row whose label does not count is zero.
   */
  cross_entropy_gradient: None;
  /**
   * inputs: q, k of `attend`. Of each token, [time]: the largest product of its queries with a key that it sees, times `scale`;
   * or the mean entropy of its heads' softmax, in nats.
   */
  attend_probe: Structured['attend'] & { readonly of: 'logits' | 'entropy' };
}

/**
 * A graph of its own, without `time`: nodes `scan_state` and `scan_input` are its leaves. Only element-wise ops,
 * reductions, reshapes, renames and constants occur inside.
 */
export interface ScanBody {
  readonly nodes: readonly ScanNode[];
  readonly states: readonly TensorType[];
  /** Node whose value is each state's next value. */
  readonly next: readonly NodeId[];
  /** Node whose value is yielded. */
  readonly yields: NodeId;
}
export interface ScanNode {
  readonly id: NodeId;
  readonly op: OpName | 'scan_state' | 'scan_input';
  readonly inputs: readonly NodeId[];
  /**
   * For `scan_state` and `scan_input`: `ScanLeaf`. For other ops their attributes.
   */
  readonly attributes: unknown;
  readonly type: TensorType;
  readonly label?: string;
}

/** Attributes of a body's leaves. */
export interface ScanLeaf {
  /** Index of the state, or of the outer value (0 = first after the states). */
  readonly index: number;
  /** `x[t - offset]`: tokens back, at least 0 (0 if absent). Zero before the sequence's start. Only for inputs with `time`. */
  readonly offset?: number;
}

export type OpAttributes = Structured &
  Record<UnaryName | BinaryName, None> &
  Record<ReductionName, { readonly dims: readonly string[] }>;

export type OpName = keyof OpAttributes;
