/** What the page asks of the compiler, which runs in a worker. Everything is plain JSON. */
import type {
  Cost,
  KernelTable,
  MemoryNeeds,
  ModelView,
  ParameterSum,
  Roofline,
  TensorTable,
} from '@hyb/compiler/inspect/index';
import type { PrintableStage } from '@hyb/compiler/inspect/print-stage';
import type { Diagnostic } from '@hyb/grammar';
import type { CompiledRecipe, Program, StorageType, WgslSources } from '@hyb/runtime';

export interface Checked {
  readonly diagnostics: readonly Diagnostic[];
  /** Models without errors, in the order of the source. */
  readonly models: readonly string[];
  /** The first of them that was asked for, or the first. */
  readonly view: ModelView | null;
  /** Names of recipes by the name of their model. */
  readonly recipes: Readonly<Record<string, readonly string[]>>;
}

/** A kernel in the compiler's own language and as WGSL. */
export interface KernelText {
  readonly name: string;
  readonly kernel: string;
  readonly wgsl: string;
}

export interface Sizes {
  readonly context: number;
  readonly sequences: number;
  /** Absent: as the model's `precision` says. */
  readonly storage?: StorageType;
}

export interface Costs {
  readonly memory: MemoryNeeds;
  readonly parameters: ParameterSum;
  readonly roofline: Roofline;
  /** Of one decode step and of one prompt. */
  readonly decode: Cost;
  readonly prompt: Cost;
}

/** What the runtime needs to run a model, and how its parameters begin. */
export interface Runnable {
  readonly program: Program;
  readonly sources: WgslSources;
  readonly initial: readonly InitialParameter[];
}

export interface InitialParameter {
  readonly path: string;
  readonly shape: readonly number[];
  readonly init: Initializer;
}
export type { Initializer } from '@hyb/compiler';
import type { Initializer } from '@hyb/compiler';

/** How a model would be trained in the tab. */
export interface ShownRecipe {
  readonly recipe: CompiledRecipe;
  /** Of a model without a recipe: one to put into the source. */
  readonly text: string | null;
  /** What differs from the source, a sentence each. */
  readonly changes: readonly string[];
}

/** What the runtime needs to train a model, and to run it. */
export interface Trainable {
  readonly program: Program;
  readonly sources: WgslSources;
  readonly recipe: CompiledRecipe;
}

/** Requests by name: what they take and what they give. */
export interface Requests {
  /** The file as it is being edited. Others ask about what was checked last. */
  check: {
    readonly take: { readonly path: string; readonly text: string; readonly model?: string };
    readonly give: Checked;
  };
  /** Text of a file that the source uses, or of the library. */
  file: { readonly take: { readonly path: string }; readonly give: string | null };
  format: { readonly take: { readonly text: string }; readonly give: string };
  /** The view with kernels. */
  view: { readonly take: ModelOptions; readonly give: ModelView };
  shapes: { readonly take: ModelOptions; readonly give: TensorTable };
  stage: { readonly take: ModelOptions & { readonly stage: PrintableStage }; readonly give: string };
  kernels: {
    readonly take: ModelOptions & { readonly mode: 'decode' | 'prefill'; readonly sizes: Sizes };
    readonly give: KernelTable;
  };
  kernel: { readonly take: ModelOptions & { readonly name: string }; readonly give: KernelText };
  costs: { readonly take: ModelOptions & { readonly sizes: Sizes; readonly device: string }; readonly give: Costs };
  runnable: { readonly take: ModelOptions; readonly give: Runnable };
  recipe: { readonly take: RecipeOptions; readonly give: ShownRecipe };
  trainable: { readonly take: RecipeOptions; readonly give: Trainable };
  /** Files of the npm package by path; with a recipe, of one that trains too. */
  package: {
    readonly take: ModelOptions & { readonly recipe?: string };
    readonly give: Readonly<Record<string, string>>;
  };
}

export interface ModelOptions {
  readonly model: string;
  /** One kernel an op: what fusion is compared with. Default true. */
  readonly fused?: boolean;
}

export interface RecipeOptions {
  readonly model: string;
  /** Of the source; default: the model's first, or the default one. */
  readonly recipe?: string;
  /** Length of the run, in place of the recipe's. */
  readonly steps?: number;
}

export type RequestName = keyof Requests;
export interface Request<N extends RequestName = RequestName> {
  readonly id: number;
  readonly name: N;
  readonly take: Requests[N]['take'];
}
export type Answer = { readonly id: number } & ({ readonly give: unknown } | { readonly error: string });
