/**
 * The kernel language: kernels as data. A small typed language between the graph and WGSL (later WebAssembly):
 * buffers, workgroup memory, loops, barriers and subgroup operations over typed scalar and vector expressions.
 * Generators write it (through `build.ts`), printers print it, `check/` interprets it and finds faults.
 *
 * Semantics are WGSL's where WGSL is defined; what WGSL leaves open (out-of-bounds, races, uninitialised reads,
 * barriers in non-uniform flow) is an error here.
 */

/** `h` is f16 (needs `shader-f16`). */
export type ScalarType = 'f32' | 'i32' | 'u32' | 'bool' | 'f16';
export type VectorType = 'vec2f' | 'vec4f' | 'vec2u' | 'vec4u' | 'vec2i' | 'vec4i' | 'vec2h' | 'vec4h';
export type ValueType = ScalarType | VectorType;

/**
 * Element of a storage buffer. `weights` is a matrix in the storage type that loading chose (f32, f16, bf16, later int8,
 * int4, fp8): it is read four elements at a time as vec4f by `load_weights`, through a decoding function in the prelude.
 */
export type BufferElement = 'f32' | 'u32' | 'i32' | 'vec2f' | 'vec4f' | 'vec2u' | 'vec4u' | 'weights';

export interface BufferDeclaration {
  readonly name: string;
  readonly element: BufferElement;
  readonly access: 'read' | 'read_write';
  /** What it holds and its logical shape, for the emitted comment. */
  readonly doc: string;
}

/** Workgroup memory. Not initialised: reading an element before it was written is an error. */
export interface SharedDeclaration {
  readonly name: string;
  readonly element: ValueType;
  /** A constant expression over literals and tile constants. */
  readonly length: Expression;
}

export interface UniformField {
  readonly name: string;
  readonly type: 'u32' | 'i32' | 'f32';
  readonly doc: string;
}

/** A tile constant: becomes a `const` in the prelude, so that the runtime can tune it; `choices` are legal values. */
export interface TileConstant {
  readonly name: string;
  readonly value: number;
  readonly choices?: readonly number[];
}

/** Device features a kernel's variant needs; `hardware` is a real GPU, as against a software adapter. */
export type Feature = 'hardware' | 'shader-f16' | 'subgroups' | 'chromium-experimental-subgroup-matrix';

export interface Kernel {
  /** A WGSL-safe identifier made by the generator, never from source names unescaped. */
  readonly name: string;
  /** What it computes, fused ops included; becomes the file's header comment. */
  readonly doc: string;
  readonly requires: readonly Feature[];
  /** x, y, z; constants. Product at most 256 for core variants. */
  readonly workgroupSize: readonly [number, number, number];
  /** One workgroup does what so many of the call's grid, along x, would do; 1 unless said. */
  readonly folds?: number;
  readonly buffers: readonly BufferDeclaration[];
  readonly uniforms: readonly UniformField[];
  readonly shared: readonly SharedDeclaration[];
  readonly constants: readonly TileConstant[];
  readonly body: readonly Statement[];
}

export type Builtin =
  | 'local_index'
  | 'local_x'
  | 'local_y'
  | 'local_z'
  | 'workgroup_x'
  | 'workgroup_y'
  | 'workgroup_z'
  | 'num_workgroups_x'
  | 'num_workgroups_y'
  | 'num_workgroups_z'
  | 'subgroup_size'
  | 'subgroup_lane';

export type BinaryOperator =
  '+' | '-' | '*' | '/' | '%' | '<' | '<=' | '>' | '>=' | '==' | '!=' | '&&' | '||' | '&' | '|' | '^' | '<<' | '>>';

/** Functions of the expression language; component-wise on vectors where WGSL's are. */
export type Intrinsic =
  | 'abs'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'rsqrt'
  | 'sin'
  | 'cos'
  | 'tanh'
  | 'floor'
  | 'pow'
  | 'min'
  | 'max'
  | 'clamp'
  | 'fma'
  | 'dot'
  | 'sign'
  /** Composite ones with an accurate expansion of their own in the printer's prelude (see KERNELS.md on log and tanh). */
  | 'sigmoid'
  | 'softplus'
  | 'silu'
  | 'erf'
  | 'gelu'
  | 'gelu_tanh'
  | 'safe_tanh'
  | 'log1p'
  /** Round an f32 to a narrower format, to nearest even, keeping f32. */
  | 'round_bf16'
  | 'round_f16'
  | 'round_e4m3'
  | 'round_e5m2'
  | 'pack2x16float'
  | 'unpack2x16float'
  | 'count_one_bits';

/** `broadcast`: from the lane `argument`, which every subgroup has (0 … 3). */
export type SubgroupOperation =
  'add' | 'max' | 'min' | 'shuffle_xor' | 'shuffle_down' | 'broadcast' | 'broadcast_first';

export type Expression =
  | { readonly kind: 'literal'; readonly type: ScalarType; readonly value: number }
  /** A `let`, `var` or loop variable. */
  | { readonly kind: 'local'; readonly type: ValueType; readonly name: string }
  | { readonly kind: 'builtin'; readonly type: 'u32'; readonly name: Builtin }
  | { readonly kind: 'uniform'; readonly type: 'u32' | 'i32' | 'f32'; readonly name: string }
  | { readonly kind: 'constant'; readonly type: 'u32'; readonly name: string }
  | {
      readonly kind: 'unary';
      readonly type: ValueType;
      readonly operator: '-' | '!' | '~';
      readonly operand: Expression;
    }
  | {
      readonly kind: 'binary';
      readonly type: ValueType;
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'call';
      readonly type: ValueType;
      readonly fn: Intrinsic;
      readonly arguments: readonly Expression[];
    }
  | {
      readonly kind: 'select';
      readonly type: ValueType;
      readonly condition: Expression;
      readonly then: Expression;
      readonly else: Expression;
    }
  /** Value conversion, such as u32 → f32. */
  | { readonly kind: 'convert'; readonly type: ValueType; readonly value: Expression }
  | { readonly kind: 'bitcast'; readonly type: ValueType; readonly value: Expression }
  /** One scalar for all components (splat), or one each. */
  | { readonly kind: 'vector'; readonly type: VectorType; readonly components: readonly Expression[] }
  /** Component 0 … 3, a constant. */
  | { readonly kind: 'component'; readonly type: ScalarType; readonly value: Expression; readonly index: number }
  | { readonly kind: 'load'; readonly type: ValueType; readonly buffer: string; readonly index: Expression }
  /** Elements 4 * index … 4 * index + 3 of a `weights` buffer, decoded. */
  | { readonly kind: 'load_weights'; readonly type: 'vec4f'; readonly buffer: string; readonly index: Expression }
  | { readonly kind: 'load_shared'; readonly type: ValueType; readonly array: string; readonly index: Expression }
  /** Element of a private array. */
  | { readonly kind: 'element'; readonly type: ValueType; readonly array: string; readonly index: Expression }
  /** Must be reached by all invocations of the workgroup. `argument`: lane mask, delta or lane, a constant. */
  | {
      readonly kind: 'subgroup';
      readonly type: ValueType;
      readonly operation: SubgroupOperation;
      readonly value: Expression;
      readonly argument?: number;
    };

export type Statement =
  | { readonly kind: 'comment'; readonly text: string }
  | { readonly kind: 'let'; readonly name: string; readonly value: Expression }
  /** Without `initial` the variable is uninitialised. */
  | { readonly kind: 'var'; readonly name: string; readonly type: ValueType; readonly initial?: Expression }
  /** A private array (registers when indices are constant after unrolling). */
  | {
      readonly kind: 'array';
      readonly name: string;
      readonly element: ValueType;
      readonly length: Expression;
      readonly initial?: Expression;
    }
  | { readonly kind: 'assign'; readonly name: string; readonly value: Expression; readonly component?: number }
  | { readonly kind: 'set_element'; readonly array: string; readonly index: Expression; readonly value: Expression }
  | {
      readonly kind: 'store';
      readonly buffer: string;
      readonly index: Expression;
      readonly value: Expression;
      readonly component?: number;
    }
  | { readonly kind: 'store_shared'; readonly array: string; readonly index: Expression; readonly value: Expression }
  /** `for (var name = from; name < to; name += step)`, u32 or i32. `unroll` asks the printer to write the copies out. */
  | {
      readonly kind: 'for';
      readonly name: string;
      readonly from: Expression;
      readonly to: Expression;
      readonly step: Expression;
      readonly unroll?: boolean;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: 'if';
      readonly condition: Expression;
      readonly then: readonly Statement[];
      readonly else?: readonly Statement[];
    }
  /**
   * `workgroupBarrier()`: must be reached by all invocations of the workgroup, in uniform control flow. It orders workgroup
   * memory; with `storage` (`storageBarrier()` as well) also what the workgroup's invocations wrote to storage buffers.
   */
  | { readonly kind: 'barrier'; readonly storage?: boolean };
