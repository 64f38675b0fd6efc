/** Training of a compiled program on a device. */
import { Device, openDevice } from '../device/device.js';
import { ProgramError, UsageError } from '../errors.js';
import { DeviceMemory } from '../memory/device-memory.js';
import { Readback, type Staged } from '../memory/readback.js';
import { checkProgram } from '../program/check.js';
import { Kernels } from '../program/kernels.js';
import type { PlannedDispatch } from '../program/plan.js';
import type { ParameterSpec, Program, StorageType, WgslSources } from '../program/program.js';
import { SETTINGS, SETTINGS_LENGTH, TOTALS, TOTALS_LENGTH } from '../program/training.js';
import type { EngineTensor, ProbeValue, StepResult, StepSettings, TrainingEngine, TrainingPart } from './engine.js';
import { momentOf, MOMENTS } from './moments.js';
import type { RuleName } from './moments.js';
import { Passes, PROBE_BYTES } from './passes.js';
import { placeTraining, type TrainingWeights } from './placement.js';
import { countLabels, labelsOf } from './tables.js';
import { tensorsOf, writeTensor } from './tensors.js';
import { Update } from './update.js';
import type { ParameterUpdate } from './update-pieces.js';

export type OptimizerSettings =
  | {
      readonly name: 'AdamW';
      readonly betas: readonly [number, number];
      readonly eps: number;
      readonly weightDecay: number;
    }
  | { readonly name: 'SGD'; readonly momentum: number; readonly nesterov: boolean; readonly weightDecay: number }
  | {
      readonly name: 'Muon';
      readonly momentum: number;
      readonly nesterov: boolean;
      /** Newton-Schulz iterations. */
      readonly iterations: number;
      readonly scale: MuonScale;
      readonly weightDecay: number;
      /** Of AdamW, for parameters that Muon does not update. */
      readonly betas: readonly [number, number];
      readonly eps: number;
    };

/**
 * What an orthogonalised update of a matrix is multiplied by. `match_rms`: 0.2 √max(rows, columns), so that it is about as large
 * as AdamW's (Liu et al. 2025); `original`: √max(1, rows / columns) (Jordan et al. 2024).
 */
export type MuonScale = 'match_rms' | 'original';

const MUON_SCALES: Readonly<Record<MuonScale, (rows: number, columns: number) => number>> = {
  match_rms: (rows, columns) => 0.2 * Math.sqrt(Math.max(rows, columns)),
  original: (rows, columns) => Math.sqrt(Math.max(1, rows / columns)),
};

export interface TrainerOptions {
  /** Default: one is opened with `openDevice()`, and destroyed with the trainer. */
  readonly device?: Device | GPUDevice | undefined;
  readonly optimizer: OptimizerSettings;
  /** Largest norm of all gradients together; absent: no clipping. */
  readonly clip?: number | undefined;
  readonly loss?: { readonly z: number; readonly smoothing: number } | undefined;
  /**
   * How a parameter is updated. By default by the optimizer, at the full rate, without decay of what is not a matrix; with Muon,
   * matrices of the layers are, and all else by AdamW.
   */
  readonly updates?: ((parameter: ParameterSpec) => ParameterUpdate) | undefined;
  /** Seed of random numbers by which moments in bf16 are rounded up or down; absent: to nearest even. */
  readonly stochasticRounding?: number | undefined;
  /** Storage of the matrices that kernels read, beside their f32 master copies; by default as the program says. */
  readonly storage?: StorageType | undefined;
  /**
   * How much each stage instance keeps of its forward pass, as `planMemory` and `planParts` say; 0: nothing; by default as much
   * as there is.
   */
  readonly levels?: readonly number[] | undefined;
}

const MOST_OPERATIONS = 1e11;
const LOWEST = -3.4e38;
const LARGEST = 3.4e38;

/**
 * Compiles a program's training kernels and makes room for parameters, gradients and moments, all zero: `write` sets them.
 *
 * @throws DeviceError, ProgramError; nothing stays on the device then
 */
export async function createTrainer(program: Program, sources: WgslSources, options: TrainerOptions): Promise<Trainer> {
  checkProgram(program);
  if (!program.training) {
    throw new ProgramError('bad-program', 'This package was built for inference only: build it with training.');
  }
  const given = options.device;
  const device = given instanceof Device ? given : await openDevice(given ? { device: given } : {});
  const memory = new DeviceMemory(device);
  try {
    const { optimizer } = options;
    const updates = options.updates ?? ((parameter: ParameterSpec) => defaultUpdate(parameter, optimizer.name));
    const known = new Map(program.parameters.map((parameter) => [parameter.path, updates(parameter)] as const));
    const ruleOf = (path: string): RuleName => known.get(path)!.rule;
    const weights = placeTraining(program, options.storage, ruleOf, device, memory);
    const kernels = new Kernels(program, sources, device);
    const levels = options.levels ?? program.schedule.map(() => Infinity);
    const passes = new Passes(program, device, memory, kernels, weights, levels);
    const orthogonal =
      optimizer.name === 'Muon' ? { iterations: optimizer.iterations, scale: MUON_SCALES[optimizer.scale] } : undefined;
    const update = new Update(
      program,
      device,
      memory,
      kernels,
      weights,
      ({ path }) => known.get(path)!,
      orthogonal,
      options.stochasticRounding ?? 0,
    );
    await Promise.all([passes.compile(), update.compile(), memory.settle()]);
    const dispose = (): void => {
      passes.dispose();
      memory.freeAll();
      if (!(given instanceof Device)) device.dispose();
    };
    return new Trainer({ program, device, memory, weights, passes, update, options, ruleOf, dispose });
  } catch (error) {
    memory.freeAll();
    if (!(given instanceof Device)) device.dispose();
    throw error;
  }
}

function defaultUpdate({ path, role }: ParameterSpec, optimizer: RuleName): ParameterUpdate {
  const hidden = role === 'matrix' && path.startsWith('layers.');
  return { rate: 1, decay: role === 'matrix' ? 1 : 0, rule: optimizer === 'Muon' && !hidden ? 'AdamW' : optimizer };
}

interface TrainerParts {
  readonly program: Program;
  readonly device: Device;
  readonly memory: DeviceMemory;
  readonly weights: TrainingWeights;
  readonly passes: Passes;
  readonly update: Update;
  readonly options: TrainerOptions;
  readonly ruleOf: (path: string) => RuleName;
  readonly dispose: () => void;
}

export class Trainer implements TrainingEngine {
  readonly #parts: TrainerParts;
  readonly #readback: Readback;
  /** Work is submitted in the order in which it was asked for. */
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor(parts: TrainerParts) {
    this.#parts = parts;
    this.#readback = new Readback(parts.device, parts.memory);
  }

  get memory(): { readonly total: number } {
    return { total: Object.values(this.#parts.memory.use).reduce((a, b) => a + b, 0) };
  }

  /**
   * Makes room for parts of up to so many tokens and sequences, which otherwise is made when they come.
   *
   * @throws DeviceError `out-of-memory`
   */
  reserve(tokens: number, sequences: number): Promise<void> {
    return this.#inOrder(() => this.#parts.passes.reserve(tokens, sequences));
  }

  async step(parts: readonly TrainingPart[], settings: StepSettings): Promise<StepResult> {
    const labels = this.#countLabels(parts);
    const staged = await this.#inOrder(async () => {
      const { passes, update } = this.#parts;
      this.#writeSettings(settings, labels);
      this.#clear();
      this.#derive();
      for (const part of parts) await this.#compute(part, { gradients: true, probes: settings.probes });
      this.#submit(update.all((name) => passes.table(name)));
      return { totals: this.#stageTotals(), probes: settings.probes ? this.#stageProbes() : undefined };
    });
    const totals = await takeTotals(staged.totals);
    const tokens = parts.reduce((n, part) => n + part.reduce((sum, { tokens: own }) => sum + own.length, 0), 0);
    const probes = staged.probes && this.#probeValues(await staged.probes.take(), tokens, settings.lossScale);
    return {
      ...(probes ? { probes } : {}),
      loss: labels === 0 ? 0 : totals.floats[TOTALS.loss]! / labels,
      labels,
      gradientNorm: totals.floats[TOTALS.gradientNorm]!,
      parameterNorm: totals.floats[TOTALS.parameterNorm]!,
      applied: totals.floats[TOTALS.notFinite] === 0,
    };
  }

  async evaluate(parts: readonly TrainingPart[]): Promise<{ readonly loss: number; readonly labels: number }> {
    const labels = this.#countLabels(parts);
    const staged = await this.#inOrder(async () => {
      this.#clearTotals();
      this.#derive();
      for (const part of parts) await this.#compute(part, { gradients: false, probes: false });
      return this.#stageTotals();
    });
    const { floats } = await takeTotals(staged);
    return { loss: labels === 0 ? 0 : floats[TOTALS.loss]! / labels, labels };
  }

  /** Gradients of the last step, unscaled only if the loss was not scaled; for checks. */
  gradients(): readonly EngineTensor[] {
    const { program, weights } = this.#parts;
    return tensorsOf(program, weights.gradients, this.#readback);
  }

  parameters(): readonly EngineTensor[] {
    const { program, weights } = this.#parts;
    return tensorsOf(program, weights.master, this.#readback);
  }

  moments(): readonly EngineTensor[] {
    const { program, weights, ruleOf } = this.#parts;
    return weights.moments.flatMap((placed, i) =>
      program.parameters.flatMap((parameter) => {
        const name = MOMENTS[ruleOf(parameter.path)][i];
        return name === undefined
          ? []
          : tensorsOf(program, placed, this.#readback, { prefix: `${name}.`, of: [parameter] });
      }),
    );
  }

  write(name: string, values: Float32Array): Promise<void> {
    return this.#inOrder(async () => {
      const { program, weights, device, ruleOf } = this.#parts;
      const { moment, path } = momentOf(name);
      if (moment === undefined) {
        writeTensor(program, weights.master, weights.working.matrices, device, path, values);
        return;
      }
      const known = program.parameters.some((parameter) => parameter.path === path);
      const which = known ? (MOMENTS[ruleOf(path)] as readonly string[]).indexOf(moment) : -1;
      if (which < 0) throw new UsageError('bad-argument', `There is no ${name}.`);
      writeTensor(program, weights.moments[which]!, undefined, device, path, values);
      await Promise.resolve();
    });
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(() => {
      if (this.#disposed) throw new UsageError('disposed', 'The trainer was disposed.');
      this.#parts.device.check();
      return work();
    });
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #countLabels(parts: readonly TrainingPart[]): number {
    const { vocab } = this.#parts.program.model;
    if (parts.length === 0 || parts.some((part) => part.length === 0 || part.some(({ tokens }) => tokens.length === 0)))
      throw new UsageError('bad-argument', 'A step needs parts with sequences that have tokens.');
    return parts.reduce((n, part) => n + countLabels(labelsOf(part, vocab)), 0);
  }

  #writeSettings({ step, rate, lossScale, lossLimit = Infinity }: StepSettings, labels: number): void {
    const { optimizer, clip = 0, loss = { z: 0, smoothing: 0 } } = this.#parts.options;
    const values = new Float32Array(SETTINGS_LENGTH);
    values[SETTINGS.weight] = labels === 0 ? 0 : lossScale / labels;
    values[SETTINGS.unscale] = 1 / lossScale;
    values[SETTINGS.rate] = rate;
    values[SETTINGS.clip] = clip;
    values[SETTINGS.smoothing] = loss.smoothing;
    values[SETTINGS.z] = loss.z;
    values[SETTINGS.decay] = optimizer.weightDecay;
    // Infinity is no number that a kernel can compare with.
    values[SETTINGS.lossLimit] = Math.min(lossLimit * labels, LARGEST);
    values[SETTINGS.step] = step;
    values[SETTINGS.stochastic] = this.#parts.options.stochasticRounding === undefined ? 0 : 1;
    if (optimizer.name !== 'AdamW') {
      values[optimizer.name === 'SGD' ? SETTINGS.beta1 : SETTINGS.momentum] = optimizer.momentum;
      values[SETTINGS.nesterov] = optimizer.nesterov ? 1 : 0;
    }
    if (optimizer.name !== 'SGD') {
      const [beta1, beta2] = optimizer.betas;
      values[SETTINGS.beta1] = beta1;
      values[SETTINGS.beta2] = beta2;
      values[SETTINGS.eps] = optimizer.eps;
      values[SETTINGS.firstCorrection] = 1 / (1 - beta1 ** step);
      values[SETTINGS.secondCorrection] = 1 / (1 - beta2 ** step);
    }
    const { device, passes } = this.#parts;
    device.gpu.queue.writeBuffer(passes.settings, 0, values);
  }

  /** What follows from the weights alone: 8-bit copies, and what stages prepare. */
  #derive(): void {
    const { passes, update } = this.#parts;
    this.#submit([...update.scale(), ...(passes.prepare()?.dispatches ?? [])]);
  }

  /** Adds a part's losses to the step's, and its gradients if they are wanted. */
  async #compute(part: TrainingPart, { gradients, probes }: { gradients: boolean; probes: boolean }): Promise<void> {
    const { passes, update } = this.#parts;
    const values = await passes.load(part);
    this.#submit([
      ...passes.forward(values, probes).dispatches,
      ...passes.head(values, gradients, probes).flatMap(({ dispatches }) => dispatches),
      update.addLosses(values.tokens, (name) => passes.table(name)),
      ...(gradients ? passes.backward(values, probes).dispatches : []),
    ]);
  }

  #clear(): void {
    const { device, weights } = this.#parts;
    device.record((encoder) => {
      const buffers = new Set<GPUBuffer>();
      for (const { parts } of weights.gradients.matrices.values()) for (const { buffer } of parts) buffers.add(buffer);
      for (const { buffer } of weights.gradients.vectors.values()) buffers.add(buffer);
      for (const buffer of buffers) encoder.clearBuffer(buffer);
      encoder.clearBuffer(this.#parts.passes.totals);
    });
    const { probeBuffer, probes } = this.#parts.passes;
    if (!probeBuffer) return;
    const words = PROBE_BYTES / 4;
    const first = new Float32Array(words * probes.length);
    probes.forEach(({ spec }, i) => (first[i * words] = spec.kind === 'largest' ? LOWEST : 0));
    device.gpu.queue.writeBuffer(probeBuffer, 0, first);
  }

  #clearTotals(): void {
    this.#parts.device.record((encoder) => encoder.clearBuffer(this.#parts.passes.totals));
  }

  /** Submits dispatches in order; not too much at once, so that a slow GPU does not look as if it hung. */
  #submit(dispatches: readonly PlannedDispatch[]): void {
    const { gpu } = this.#parts.device;
    let encoder = gpu.createCommandEncoder();
    let pass = encoder.beginComputePass();
    let operations = 0;
    for (const dispatch of dispatches) {
      operations += dispatch.operations;
      if (operations > MOST_OPERATIONS && operations > dispatch.operations) {
        pass.end();
        gpu.queue.submit([encoder.finish()]);
        encoder = gpu.createCommandEncoder();
        pass = encoder.beginComputePass();
        operations = dispatch.operations;
      }
      pass.setPipeline(dispatch.pipeline);
      pass.setBindGroup(0, dispatch.bindGroup);
      pass.dispatchWorkgroups(...dispatch.grid);
    }
    pass.end();
    gpu.queue.submit([encoder.finish()]);
  }

  #stageTotals(): Staged {
    const { device, passes } = this.#parts;
    let staged: Staged;
    device.record((encoder) => {
      staged = this.#readback.stage(encoder, [{ buffer: passes.totals, offset: 0, bytes: 4 * TOTALS_LENGTH }]);
    });
    return staged!;
  }

  #stageProbes(): Staged | undefined {
    const { device, passes } = this.#parts;
    const buffer = passes.probeBuffer;
    if (!buffer) return undefined;
    let staged: Staged;
    device.record((encoder) => {
      staged = this.#readback.stage(encoder, [{ buffer, offset: 0, bytes: PROBE_BYTES * passes.probes.length }]);
    });
    return staged!;
  }

  #probeValues(bytes: Uint8Array<ArrayBuffer>, tokens: number, lossScale: number): readonly ProbeValue[] {
    const floats = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    return this.#parts.passes.probes.map(({ spec, index }, i) => {
      const number = floats[(i * PROBE_BYTES) / 4]!;
      const measured = spec.kind === 'norm' ? Math.sqrt(number) : spec.kind === 'mean' ? number / tokens : number;
      const value = spec.probe === 'gradients' ? measured / lossScale : measured;
      // The embedding comes first.
      return { probe: spec.probe, layer: index - 1, of: spec.of, value };
    });
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#parts.dispose();
  }
}

async function takeTotals(staged: Staged): Promise<{ readonly floats: Float32Array }> {
  const bytes = await staged.take();
  return { floats: new Float32Array(bytes.buffer, bytes.byteOffset, TOTALS_LENGTH) };
}
