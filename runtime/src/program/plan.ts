import type { Device } from '../device/device.js';
import { overLimit } from '../device/device.js';
import { ProgramError } from '../errors.js';
import type { DeviceMemory } from '../memory/device-memory.js';
import { USAGE } from '../memory/device-memory.js';
import { leastCommonMultiple, type PlacedMatrix, type PlacedWeights } from '../weights/placement.js';
import type { CompiledKernel, Kernels } from './kernels.js';
import type { KernelSpec, Operand, StageInstance, Step, StorageType } from './program.js';
import { evaluateSize, type SizeValues } from './size.js';

/** One dispatch, ready to be encoded. */
export interface PlannedDispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly grid: readonly [number, number, number];
  /** Index of the stage instance in what was planned. */
  readonly instance: number;
  readonly operations: number;
}

/** Dispatches for calls of certain sizes on certain buffers. Encoding it again makes nothing anew. */
export interface Plan {
  readonly dispatches: readonly PlannedDispatch[];
  readonly uniforms: GPUBuffer | undefined;
  /** The revisions of all buffers it is bound to. */
  readonly revision: string;
}

/** Finds the buffer behind an operand that is not a weight. */
export type Resolve = (
  operand: Exclude<Operand, { matrix: string } | { vectors: true } | { gradient: string } | { gradientVectors: true }>,
  instance: StageInstance,
) => GPUBuffer | GPUBufferBinding;

export interface PlanContext {
  readonly device: Device;
  readonly memory: DeviceMemory;
  readonly kernels: Kernels;
  readonly weights: PlacedWeights;
  /** Gradients of the weights, while training. */
  readonly gradients?: PlacedWeights;
  readonly resolve: Resolve;
  readonly count: { bindGroups: number };
}

/** Rows of a matrix that one dispatch walks. */
interface RowRange {
  readonly row: number;
  readonly rows: number;
  readonly binding: GPUBufferBinding;
}

/** Storage types of the weights bindings of a step's kernel, in order. */
export function storagesOf(
  step: Step,
  spec: KernelSpec,
  instance: StageInstance,
  weights: Pick<PlacedWeights, 'matrices'>,
): StorageType[] {
  return spec.bindings.flatMap(({ weights: isWeights }, i) =>
    isWeights ? [matrixOf(step.bind[i]!, instance, weights).storage] : [],
  );
}

function matrixOf(operand: Operand, instance: StageInstance, weights: Pick<PlacedWeights, 'matrices'>): PlacedMatrix {
  const id = 'matrix' in operand ? instance.matrices[operand.matrix] : undefined;
  const matrix = id === undefined ? undefined : weights.matrices.get(id);
  if (!matrix) throw new ProgramError('bad-program', `${instance.label} binds a matrix that does not exist.`);
  return matrix;
}

/** The matrix of weights or of gradients behind an operand. */
function walkedMatrix(operand: Operand, instance: StageInstance, { weights, gradients }: PlanContext): PlacedMatrix {
  if (!('gradient' in operand)) return matrixOf(operand, instance, weights);
  return matrixOf({ matrix: operand.gradient }, instance, gradients ?? { matrices: new Map() });
}

/** Plans the steps of stage instances for calls of the given sizes. */
export function makePlan(
  instances: readonly { readonly instance: StageInstance; readonly steps: readonly Step[] }[],
  values: SizeValues,
  revision: string,
  context: PlanContext,
): Plan {
  const drafts: Draft[] = [];
  instances.forEach(({ instance, steps }, index) => {
    for (const step of steps) drafts.push(...draftStep(step, instance, index, values, context));
  });
  const { buffer: uniforms, offsets } = writeUniforms(drafts, context);
  const dispatches = drafts.map((draft): PlannedDispatch => {
    const { kernel, bindings, uniform, instance, grid, operations } = draft;
    const entries: GPUBindGroupEntry[] = bindings.map((resource, binding) => ({ binding, resource }));
    if (uniform) {
      const resource = { buffer: uniforms!, offset: offsets.get(uniform)!, size: uniformBytes(kernel.spec) };
      entries.push({ binding: bindings.length, resource });
    }
    context.count.bindGroups++;
    const bindGroup = context.device.gpu.createBindGroup({ label: draft.label, layout: kernel.layout, entries });
    return { pipeline: kernel.pipeline, bindGroup, grid, instance, operations };
  });
  return { dispatches, uniforms, revision };
}

interface Draft {
  readonly kernel: CompiledKernel;
  readonly label: string;
  readonly instance: number;
  readonly bindings: readonly GPUBufferBinding[];
  /** The uniform struct's words, as a key: dispatches with the same values share them. */
  readonly uniform: string | undefined;
  readonly grid: readonly [number, number, number];
  readonly operations: number;
}

function draftStep(
  step: Step,
  instance: StageInstance,
  index: number,
  values: SizeValues,
  context: PlanContext,
): Draft[] {
  const { kernels, weights, device } = context;
  const spec = kernels.spec(step.kernel);
  const grid = step.grid.map((size) => evaluateSize(size, values)) as [number, number, number];
  if (grid.includes(0)) return [];
  const kernel = kernels.get(step.kernel, storagesOf(step, spec, instance, weights));
  const operations = evaluateSize(step.cost.operations, values);
  const bindings = (range?: GPUBufferBinding): GPUBufferBinding[] =>
    step.bind.map((operand, i) =>
      range && i === step.split?.binding ? range : bindingOf(operand, step, instance, context),
    );
  const uniform = uniformWords(step, spec, values);
  const label = `${instance.label}: ${step.label}`;

  if (!step.split) {
    const whole = gridOf(kernel, label, grid, device);
    return [{ kernel, label, instance: index, bindings: bindings(), uniform: keyOf(uniform), grid: whole, operations }];
  }
  const { binding, base, count, axis, rowsPerWorkgroup, partRows = 1 } = step.split;
  const matrix = walkedMatrix(step.bind[binding]!, instance, context);
  return rowRanges(matrix, rowsPerWorkgroup, partRows, device).map(({ row, rows, binding: range }): Draft => {
    const words = [...uniform];
    words[base] = row;
    words[count] = rows;
    const part: [number, number, number] = [...grid];
    if (rowsPerWorkgroup > 0) part[axis] = Math.ceil(rows / rowsPerWorkgroup);
    return {
      kernel,
      label,
      instance: index,
      bindings: bindings(range),
      uniform: keyOf(words),
      grid: gridOf(kernel, label, part, device),
      operations: (operations * rows) / matrix.spec.rows,
    };
  });
}

function bindingOf(operand: Operand, step: Step, instance: StageInstance, context: PlanContext): GPUBufferBinding {
  if ('matrix' in operand || 'gradient' in operand) {
    const { parts, spec } = walkedMatrix(operand, instance, context);
    if (parts.length === 1) return { buffer: parts[0]!.buffer };
    const what = `${instance.label}: ${step.label} needs matrix ${spec.id} in one piece, which`;
    throw overLimit(what, 'maxStorageBufferBindingSize', spec.rows * spec.columns * 4, context.device.limits);
  }
  if ('vectors' in operand || 'gradientVectors' in operand) {
    const weights = 'vectors' in operand ? context.weights : context.gradients;
    const place = instance.vectors === undefined ? undefined : weights?.vectors.get(instance.vectors);
    if (!place) throw new ProgramError('bad-program', `${instance.label} binds vectors that do not exist.`);
    return { buffer: place.buffer, offset: place.offset, size: place.bytes };
  }
  const found = context.resolve(operand, instance);
  return 'buffer' in found ? found : { buffer: found };
}

/** The matrix's parts, cut further where a part has more workgroups than a grid can count. */
function rowRanges(matrix: PlacedMatrix, rowsPerWorkgroup: number, partRows: number, device: Device): RowRange[] {
  const { maxComputeWorkgroupsPerDimension, minStorageBufferOffsetAlignment } = device.limits;
  const { rowBytes, parts } = matrix;
  const fits = maxComputeWorkgroupsPerDimension * rowsPerWorkgroup;
  // A binding may begin at every so many rows.
  let aligned = 1;
  while ((aligned * rowBytes) % minStorageBufferOffsetAlignment !== 0) aligned *= 2;
  const unit = leastCommonMultiple(leastCommonMultiple(aligned, Math.max(1, rowsPerWorkgroup)), partRows);
  const most = Math.max(unit, Math.floor(fits / unit) * unit);
  return parts.flatMap(({ buffer, row, rows }) => {
    if (rows <= fits || rowsPerWorkgroup === 0) return [{ row, rows, binding: { buffer } }];
    const ranges: RowRange[] = [];
    for (let at = 0; at < rows; at += most) {
      const taken = Math.min(most, rows - at);
      const binding = { buffer, offset: at * rowBytes, size: Math.ceil((taken * rowBytes) / 4) * 4 };
      ranges.push({ row: row + at, rows: taken, binding });
    }
    return ranges;
  });
}

/** A step's grid as the kernel's variant has it; throws where the device has no such grid. */
function gridOf(
  { variant: { folds = 1 } }: CompiledKernel,
  label: string,
  [across, ...others]: readonly [number, number, number],
  device: Device,
): readonly [number, number, number] {
  const grid = [Math.ceil(across / folds), ...others] as const;
  const most = device.limits.maxComputeWorkgroupsPerDimension;
  const over = grid.find((count) => count > most);
  if (over === undefined) return grid;
  throw overLimit(
    `${label}, a grid of ${grid.join('×')} workgroups,`,
    'maxComputeWorkgroupsPerDimension',
    over,
    device.limits,
  );
}

const floatScratch = new Float32Array(1);
const wordScratch = new Uint32Array(floatScratch.buffer);

/** The words of a step's uniform struct. */
function uniformWords(step: Step, spec: KernelSpec, values: SizeValues): number[] {
  return step.uniforms.map((value, i) => {
    const constant = typeof value === 'object' && 'f32' in value;
    const number = constant ? value.f32 : evaluateSize(value, values);
    if (!constant && spec.uniforms[i]!.type !== 'f32') return number >>> 0;
    floatScratch[0] = number;
    return wordScratch[0]!;
  });
}

function keyOf(words: readonly number[]): string | undefined {
  return words.length > 0 ? words.join() : undefined;
}

/** Structs in uniform buffers are a multiple of 16 bytes long. */
function uniformBytes(spec: KernelSpec): number {
  return Math.ceil(spec.uniforms.length / 4) * 16;
}

function writeUniforms(
  drafts: readonly Draft[],
  { device, memory }: PlanContext,
): { buffer: GPUBuffer | undefined; offsets: ReadonlyMap<string, number> } {
  const alignment = device.limits.minUniformBufferOffsetAlignment;
  const offsets = new Map<string, number>();
  let end = 0;
  for (const { uniform, kernel } of drafts) {
    if (uniform === undefined || offsets.has(uniform)) continue;
    offsets.set(uniform, end);
    end += Math.ceil(uniformBytes(kernel.spec) / alignment) * alignment;
  }
  if (end === 0) return { buffer: undefined, offsets };
  const words = new Uint32Array(end / 4);
  for (const [key, offset] of offsets) words.set(key.split(',').map(Number), offset / 4);
  const buffer = memory.buffer('uniforms', end, USAGE.UNIFORM | USAGE.COPY_DST, 'other');
  device.gpu.queue.writeBuffer(buffer, 0, words);
  return { buffer, offsets };
}
