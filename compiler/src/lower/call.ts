/** What lowering makes of a fused group: kernels of the kernel language and what to bind to them. */
import type { Size, TrainingTable } from '@hyb/runtime';
import type { NodeId } from '../graph/graph.js';
import type { Kernel } from '../kernel/ir.js';

/** What a buffer of a kernel is bound to, in terms of the group's graph. */
export type CallOperand =
  /**
   * Rows of one or more matrix parameters (local paths) in weight storage: one parameter after another, or interleaved:
   * row r of parameter j at r * parameters.length + j.
   */
  | { readonly kind: 'matrix'; readonly parameters: readonly string[]; readonly interleaved: boolean }
  /** The graph's pack of vector parameters (f32); offsets come from `VectorLayout`. */
  | { readonly kind: 'vectors' }
  /** A node whose value is materialised; the graph's input `x` included. f32, row-major, [tokens, …]. */
  | { readonly kind: 'value'; readonly node: NodeId }
  /** State `name` of the op at `node`. f32. */
  | { readonly kind: 'state'; readonly node: NodeId; readonly name: string }
  /** Intermediate of a lowering that takes several kernels (partial attention, chunk states). f32. */
  | { readonly kind: 'scratch'; readonly node: NodeId; readonly name: string; readonly elements: Size }
  | { readonly kind: 'table'; readonly frequencies: readonly number[] }
  | {
      readonly kind: 'batch';
      readonly table: 'tokens' | 'sequences' | 'rows' | 'tiles16' | 'tiles32' | 'tiles64' | 'tiles128';
    }
  /** Gradient of a matrix, f32 in the matrix's own layout. */
  | { readonly kind: 'gradient'; readonly parameters: readonly string[]; readonly interleaved: boolean }
  /** Gradients of the graph's pack of vector parameters, laid out as the pack. */
  | { readonly kind: 'gradient_vectors' }
  /** A number that is measured in training. */
  | { readonly kind: 'probe'; readonly id: string }
  /** What a training step keeps; see `TrainingTable`. */
  | { readonly kind: 'training'; readonly table: TrainingTable }
  | { readonly kind: 'sampler'; readonly table: 'logits' | 'settings' | 'seen' | 'sampled' | 'scratch' };

export type CallUniform = Size | { readonly f32: number };

export interface KernelCall {
  /** Variants of one kernel by feature, best first; the last needs nothing. Same bindings and uniforms. */
  readonly variants: readonly Kernel[];
  readonly label: string;
  /** By buffer name. */
  readonly bindings: Readonly<Record<string, CallOperand>>;
  /** By uniform name. */
  readonly uniforms: Readonly<Record<string, CallUniform>>;
  readonly grid: readonly [Size, Size, Size];
  /** See `Step.split`: by names here. */
  readonly split?: {
    readonly buffer: string;
    readonly base: string;
    readonly count: string;
    readonly axis: 0 | 1 | 2;
    readonly rowsPerWorkgroup: number;
    readonly partRows?: number;
  };
  /** Graph nodes this call computes, for inspection. */
  readonly covers: readonly NodeId[];
  readonly cost: { readonly weightElements: Size; readonly values: Size; readonly operations: Size };
}

/** `train`: whole sequences, forward or backward; no state goes from call to call. */
export type Mode = 'prefill' | 'decode' | 'train';

/** Offsets (in f32 elements) of a graph's vector parameters in its pack. */
export interface VectorLayout {
  readonly elements: number;
  readonly offsets: Readonly<Record<string, number>>;
}

/** One call of the same kernel's variants, best first. @throws Error if they differ in more than how they compute. */
export function withVariants(calls: readonly KernelCall[]): KernelCall {
  const last = calls[calls.length - 1]!;
  const interfaceOf = (c: KernelCall): string =>
    JSON.stringify([c.bindings, c.uniforms, c.grid, c.variants[0]!.buffers.map((b) => [b.name, b.element, b.access])]);
  if (new Set(calls.map(interfaceOf)).size !== 1)
    throw new Error(`variants of ${last.label} have different interfaces`);
  return { ...last, variants: calls.flatMap((c) => c.variants) };
}
