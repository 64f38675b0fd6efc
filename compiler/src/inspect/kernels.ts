/** What runs: the dispatches of each kind of layer in order, and what they move beside what they must move. */
import type { Program, SizeValues, Stage, StageInstance, Step, StorageType } from '@hyb/runtime';
import { evaluateSize } from '@hyb/runtime/program/size';
import type { ModelGraph } from '../graph/graph.js';
import { callSizes } from './call-sizes.js';
import type { CallShape } from './call-sizes.js';
import { elementsOf, graphOf, graphStates, kindOf, total } from './instances.js';
import { DEFAULT_LIMITS, MatrixStorage, STORAGE_BYTES } from './storage.js';
import type { DispatchLimits } from './storage.js';
import { printTable } from './text-table.js';
import { formatBytes, formatCount, formatScaled, threeDigits } from './units.js';

export interface KernelOptions extends CallShape {
  /** How loading stores all matrices; absent: as the program says. */
  readonly storage?: StorageType;
  /** Default: what every WebGPU device has. */
  readonly limits?: Partial<DispatchLimits>;
}

/** Bytes, by what they are of. */
export interface Moved {
  readonly weights: number;
  /** Activations, states and small parameters, which are f32. */
  readonly values: number;
  readonly total: number;
}

export interface KernelStep {
  readonly kernel: string;
  /** What is computed, in order: what was fused. */
  readonly label: string;
  /** Features of the variants, best first; the last needs none. */
  readonly variants: readonly (readonly string[])[];
  /** More than 1 where a matrix exceeds a binding. */
  readonly dispatches: number;
  readonly moved: Moved;
  readonly operations: number;
}

/** What a layer must move however it is computed: its weights once, its state, and the residual stream in and out. */
export interface MinimumBytes {
  readonly weights: number;
  /** Read once where something precedes the call, written once. */
  readonly state: number;
  /** Input and output. */
  readonly stream: number;
  readonly total: number;
}

export interface StageKernels {
  readonly stage: string;
  readonly alias: string;
  /** Layers that run it. */
  readonly instances: number;
  readonly steps: readonly KernelStep[];
  /** Of one instance. */
  readonly dispatches: number;
  readonly moved: Moved;
  readonly operations: number;
  readonly minimum: MinimumBytes;
}

export interface KernelTable extends CallShape {
  readonly model: string;
  readonly limits: DispatchLimits;
  readonly stages: readonly StageKernels[];
  /** Of the whole call: embedding, layers, head and, in decoding, sampling. */
  readonly dispatches: number;
  readonly moved: Moved;
  readonly operations: number;
  readonly minimum: MinimumBytes;
  /** Kernels that the program has in all. */
  readonly distinctKernels: number;
}

/** @param model the graphs that the program was planned from */
export function kernelTable(model: ModelGraph, program: Program, options: KernelOptions): KernelTable {
  const { mode, sequences, tokensPerSequence, context } = options;
  if (mode === 'decode' && tokensPerSequence !== 1) throw new Error('decoding takes one token of each sequence');
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const storage = new MatrixStorage(program, options.storage, limits);
  const sizes = callSizes(options);
  const stages = program.stages.flatMap((stage): StageKernels[] => {
    if (stage.id === program.sample.stage) {
      return mode === 'decode' ? [describeStage(stage, program.sample, 1, 'sample', NOTHING)] : [];
    }
    const instances = program.schedule.filter((i) => i.stage === stage.id);
    const first = instances[0];
    if (!first) return [];
    const at = program.schedule.indexOf(first);
    const minimum = minimumBytes(model, at, first, storage, sizes, options);
    return [describeStage(stage, first, instances.length, kindOf(model.instances[at]!), minimum)];
  });

  function describeStage(
    stage: Stage,
    instance: StageInstance,
    instances: number,
    alias: string,
    minimum: MinimumBytes,
  ): StageKernels {
    const steps = stage[mode].map((step) => describeStep(program, step, instance, storage, sizes));
    return {
      stage: stage.id,
      alias,
      instances,
      steps,
      dispatches: total(steps, (s) => s.dispatches),
      moved: sumMoved(steps.map((s) => s.moved)),
      operations: total(steps, (s) => s.operations),
      minimum,
    };
  }

  const times = (part: (s: StageKernels) => number): number => total(stages, (s) => s.instances * part(s));
  return {
    model: program.model.name,
    mode,
    sequences,
    tokensPerSequence,
    context,
    limits,
    stages,
    dispatches: times((s) => s.dispatches),
    moved: {
      weights: times((s) => s.moved.weights),
      values: times((s) => s.moved.values),
      total: times((s) => s.moved.total),
    },
    operations: times((s) => s.operations),
    minimum: {
      weights: times((s) => s.minimum.weights),
      state: times((s) => s.minimum.state),
      stream: times((s) => s.minimum.stream),
      total: times((s) => s.minimum.total),
    },
    distinctKernels: Object.keys(program.kernels).length,
  };
}

const NOTHING: MinimumBytes = { weights: 0, state: 0, stream: 0, total: 0 };

function sumMoved(moved: readonly Moved[]): Moved {
  const weights = total(moved, (m) => m.weights);
  const values = total(moved, (m) => m.values);
  return { weights, values, total: weights + values };
}

function describeStep(
  program: Program,
  step: Step,
  instance: StageInstance,
  storage: MatrixStorage,
  sizes: SizeValues,
): KernelStep {
  const spec = program.kernels[step.kernel]!;
  const idle = step.grid.some((size) => evaluateSize(size, sizes) === 0);
  const binding = spec.bindings.findIndex((b) => b.weights);
  const matrix = binding < 0 ? undefined : storage.bound(step, binding, instance);
  const perElement = matrix ? STORAGE_BYTES[storage.typeOf(matrix)] : 4;
  const evaluate = (size: Step['cost']['values']): number => (idle ? 0 : evaluateSize(size, sizes));
  const weights = evaluate(step.cost.weightElements) * perElement;
  const values = 4 * evaluate(step.cost.values);
  return {
    kernel: step.kernel,
    label: step.label,
    variants: spec.variants.map((v) => v.requires),
    dispatches: idle ? 0 : storage.dispatches(step, instance),
    moved: { weights, values, total: weights + values },
    operations: evaluate(step.cost.operations),
  };
}

function minimumBytes(
  model: ModelGraph,
  at: number,
  instance: StageInstance,
  storage: MatrixStorage,
  sizes: SizeValues,
  { tokensPerSequence, context }: CallShape,
): MinimumBytes {
  const { program } = storage;
  const source = model.instances[at]!;
  const graph = graphOf(model, source);
  const isHead = at === model.instances.length - 1;
  const gathers = graph.nodes.some((n) => n.op === 'embed');
  const matrices = new Set(Object.values(instance.matrices));
  const vectors = 4 * total(graph.parameters, (p) => (p.role === 'vector' ? elementsOf(p.type) : 0));
  const weights =
    vectors +
    total(
      program.matrices.filter((m) => matrices.has(m.id)),
      // An embedding reads a row a token.
      (m) => (gathers ? sizes.tokens * (storage.bytesOf(m) / m.rows) : storage.bytesOf(m)),
    );
  const before = context - tokensPerSequence;
  const state =
    4 *
    sizes.sequences *
    total(graphStates(graph), ({ state: { kind }, elements, window = Infinity }) =>
      kind === 'sequence' ? elements * (before > 0 ? 2 : 1) : elements * (Math.min(before, window) + tokensPerSequence),
    );
  const stream = isHead
    ? 4 * sizes.rows * (model.width + model.vocab)
    : 4 * sizes.tokens * (gathers ? model.width : 2 * model.width);
  return { weights, state, stream, total: weights + state + stream };
}

export function printKernelTable(table: KernelTable): string {
  const { mode, sequences, tokensPerSequence, context } = table;
  const call = mode === 'decode' ? 'one token each' : `${formatCount(tokensPerSequence)} tokens each`;
  const head =
    `${mode}: ${formatCount(sequences)} sequence${sequences === 1 ? '' : 's'}, ${call}, ` +
    `context ${formatCount(context)} after it; bindings up to ${formatBytes(table.limits.bindingBytes)}`;
  const used = table.stages.filter((s) => s.steps.length > 0);
  const sections = used.map((s) => {
    const times = s.instances === 1 ? '' : ` × ${formatCount(s.instances)}`;
    const steps = printTable(s.steps, [
      { heading: '  kernel', text: (r) => `  ${r.kernel}` },
      { heading: 'computes', text: (r) => r.label },
      { heading: 'dispatches', text: (r) => formatCount(r.dispatches), align: 'right' },
      { heading: 'weights', text: (r) => formatBytes(r.moved.weights), align: 'right' },
      { heading: 'values', text: (r) => formatBytes(r.moved.values), align: 'right' },
      { heading: 'operations', text: (r) => formatScaled(r.operations, ''), align: 'right' },
      { heading: 'variants', text: (r) => r.variants.map((v) => v.join('+') || 'core').join(', ') },
    ]);
    const { minimum } = s;
    const least =
      minimum.total === 0
        ? ''
        : `; must move ${formatBytes(minimum.total)} (weights ${formatBytes(minimum.weights)}, ` +
          `state ${formatBytes(minimum.state)}, stream ${formatBytes(minimum.stream)}): ${ratio(s.moved.total, minimum.total)}`;
    return `${s.alias}${times}\n${steps}\n  ${dispatches(s.dispatches)}, ${formatBytes(s.moved.total)} moved${least}`;
  });
  const whole =
    `whole ${mode} call: ${dispatches(table.dispatches)}, ` +
    `${formatBytes(table.moved.total)} moved, at least ${formatBytes(table.minimum.total)} ` +
    `(${ratio(table.moved.total, table.minimum.total)}), ${formatScaled(table.operations, '')} operations; ` +
    `${formatCount(table.distinctKernels)} distinct kernels in all programs`;
  return [head, ...sections, whole].join('\n\n');
}

function dispatches(count: number): string {
  return count === 1 ? '1 dispatch' : `${formatCount(count)} dispatches`;
}

function ratio(moved: number, minimum: number): string {
  return `${threeDigits(moved / minimum)} times the minimum`;
}
