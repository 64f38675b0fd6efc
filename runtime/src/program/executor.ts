import type { Device } from '../device/device.js';
import { ProgramError } from '../errors.js';
import { ActivationPool } from '../memory/activation-pool.js';
import type { DeviceMemory } from '../memory/device-memory.js';
import type { Region } from '../memory/readback.js';
import { RotaryTables } from '../memory/rotary-tables.js';
import type { Bank } from '../state/banks.js';
import type { PlacedWeights } from '../weights/placement.js';
import { sizesOf, worstSizes, type BatchEntry } from './batch.js';
import { CallBuffers } from './call-buffers.js';
import type { Kernels } from './kernels.js';
import { makePlan, storagesOf, type Plan, type PlanContext, type PlannedDispatch } from './plan.js';
import { stepsOf } from './steps.js';
import type { Program, Stage, StageInstance } from './program.js';
import type { SizeValues } from './size.js';

export type Mode = 'prefill' | 'decode';

export interface CallHooks {
  /** Bound on the context to use if it is larger than the call's own. */
  readonly context?: number;
  /** Recorded before and after the call's dispatches, in the same submissions. */
  readonly before?: (encoder: GPUCommandEncoder) => void;
  readonly after?: (encoder: GPUCommandEncoder) => void;
}

/** Operations after which a submission ends, so that a slow GPU does not look as if it hung. */
const MOST_OPERATIONS = 1e11;

/** Runs a program's stages on a device. */
export class Executor {
  readonly program: Program;
  readonly device: Device;
  readonly memory: DeviceMemory;
  readonly count = { dispatches: 0, submits: 0, bindGroups: 0 };
  readonly #kernels: Kernels;
  readonly #weights: PlacedWeights;
  readonly #pool: ActivationPool;
  readonly #rotary: RotaryTables;
  readonly #stages: ReadonlyMap<string, Stage>;

  constructor(program: Program, device: Device, memory: DeviceMemory, kernels: Kernels, weights: PlacedWeights) {
    this.program = program;
    this.device = device;
    this.memory = memory;
    this.#kernels = kernels;
    this.#weights = weights;
    this.#pool = new ActivationPool(program.activations, memory);
    this.#rotary = new RotaryTables(program, device, memory);
    this.#stages = new Map(program.stages.map((stage) => [stage.id, stage]));
  }

  /** Compiles every kernel that some step needs, a few at a time, so that little is under way when `signal` aborts. */
  async compile(signal?: AbortSignal): Promise<void> {
    const jobs = this.#compileJobs();
    const together = this.device.features.has('hardware') ? 16 : 4;
    const work = async (): Promise<void> => {
      for (const job of jobs) {
        signal?.throwIfAborted();
        await job();
      }
    };
    await Promise.all(Array.from({ length: together }, work));
  }

  *#compileJobs(): Generator<() => Promise<unknown>, void, undefined> {
    for (const instance of [...this.program.schedule, this.program.sample]) {
      for (const step of stepsOf(this.#stage(instance))) {
        const spec = this.#kernels.spec(step.kernel);
        yield () => this.#kernels.compile(step.kernel, storagesOf(step, spec, instance, this.#weights));
      }
    }
  }

  /** Runs what stages derive from weights, once these are loaded. */
  async prepare(): Promise<void> {
    const instances = this.program.schedule
      .map((instance) => ({ instance, steps: this.#stage(instance).prepare ?? [] }))
      .filter(({ steps }) => steps.length > 0);
    if (instances.length === 0) return;
    // It is not about any call: the smallest there is.
    const values = worstSizes(1, 1, 1, { slots: 1, capacity: 1 });
    this.#pool.ensure(values, values);
    await this.memory.settle();
    const plan = makePlan(instances, values, '', this.#planContext());
    this.submit([plan]);
    await this.device.idle();
    this.memory.free(plan.uniforms);
  }

  /** Tables and sampler state for calls that are independent of others. */
  makeBuffers(): CallBuffers {
    return new CallBuffers(this.program, this.device, this.memory);
  }

  /** Feeds tokens to sequences of a bank: writes the tables of the call and submits its dispatches. */
  run(mode: Mode, entries: readonly BatchEntry[], bank: Bank, buffers: CallBuffers, options: CallHooks = {}): void {
    const plan = this.plan(mode, sizesOf(entries, bank, options.context), bank, buffers);
    buffers.write(entries);
    this.submit([plan], options);
  }

  /**
   * Makes room for calls of the given sizes and waits until it is certain that there is. To be called before what needs
   * the room, with the same sizes: commands on buffers that got no memory would fail one by one.
   *
   * @throws DeviceError `out-of-memory`
   */
  async reserve(values: SizeValues, bank: Bank, buffers: CallBuffers, sampling = false): Promise<void> {
    this.#ensure(values, bank, buffers, sampling);
    try {
      await this.memory.settle();
    } catch (error) {
      this.#pool.dispose();
      buffers.dispose();
      throw error;
    }
  }

  /** `reserve` for a call of these entries. */
  reserveFor(entries: readonly BatchEntry[], bank: Bank, buffers: CallBuffers): Promise<void> {
    return this.reserve(sizesOf(entries, bank), bank, buffers);
  }

  #ensure(values: SizeValues, bank: Bank, buffers: CallBuffers, sampling: boolean): void {
    this.#pool.ensure(values, roundedUp(values));
    this.#rotary.ensure(bank.capacity);
    buffers.ensure(values, sampling);
  }

  /** Dispatches for calls of the given sizes, from before if possible. */
  plan(mode: Mode, values: SizeValues, bank: Bank, buffers: CallBuffers): Plan {
    // Without rows there is nothing for the head to do.
    const { schedule } = this.program;
    const instances = values.rows === 0 ? schedule.slice(0, -1) : schedule;
    return this.#plan(mode, instances, mode, values, bank, buffers);
  }

  /** Dispatches that sample a token for each sequence and prepare the tables of the next decode step. */
  samplePlan(values: SizeValues, bank: Bank, buffers: CallBuffers): Plan {
    return this.#plan('sample', [this.program.sample], 'decode', values, bank, buffers);
  }

  /** Encodes and submits plans, in order. */
  submit(plans: readonly Plan[], { before, after }: CallHooks = {}): void {
    const { gpu } = this.device;
    let encoder = gpu.createCommandEncoder();
    before?.(encoder);
    let pass = encoder.beginComputePass();
    let operations = 0;
    for (const { dispatches } of plans) {
      for (const dispatch of dispatches) {
        operations += dispatch.operations;
        if (operations > MOST_OPERATIONS && operations > dispatch.operations) {
          pass.end();
          this.#submit(encoder);
          encoder = gpu.createCommandEncoder();
          pass = encoder.beginComputePass();
          operations = dispatch.operations;
        }
        this.#dispatch(pass, dispatch);
      }
    }
    pass.end();
    after?.(encoder);
    this.#submit(encoder);
  }

  /**
   * Runs a call like `run`, and gives `after` the region of the residual stream after every stage instance but the head:
   * it is to copy it, since the next instance overwrites it.
   */
  trace(
    entries: readonly BatchEntry[],
    bank: Bank,
    buffers: CallBuffers,
    after: (encoder: GPUCommandEncoder, region: Region) => void,
    end: (encoder: GPUCommandEncoder) => void,
  ): void {
    const values = sizesOf(entries, bank);
    const plan = this.plan('prefill', values, bank, buffers);
    buffers.write(entries);
    const { schedule, model } = this.program;
    schedule.forEach((instance, index) => {
      const encoder = this.device.gpu.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (const dispatch of plan.dispatches) if (dispatch.instance === index) this.#dispatch(pass, dispatch);
      pass.end();
      if (index < schedule.length - 1) {
        const buffer = this.#pool.get(this.#outputOf(instance))!;
        after(encoder, { buffer, offset: 0, bytes: values.tokens * model.width * 4 });
      } else end(encoder);
      this.#submit(encoder);
    });
  }

  #dispatch(pass: GPUComputePassEncoder, { pipeline, bindGroup, grid }: PlannedDispatch): void {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...grid);
    this.count.dispatches++;
  }

  #submit(encoder: GPUCommandEncoder): void {
    this.device.gpu.queue.submit([encoder.finish()]);
    this.count.submits++;
  }

  #plan(
    name: string,
    instances: readonly StageInstance[],
    mode: Mode,
    values: SizeValues,
    bank: Bank,
    buffers: CallBuffers,
  ): Plan {
    this.#ensure(values, bank, buffers, name === 'sample');
    const revision = [this.#pool.revision, this.#rotary.revision, buffers.revision, bank.id].join('.');
    const key = [name, bank.id, ...Object.values(values)].join(' ');
    return buffers.plan(key, revision, () => {
      const steps = instances.map((instance) => ({ instance, steps: this.#stage(instance)[mode] }));
      return makePlan(steps, values, revision, this.#planContext(bank, buffers));
    });
  }

  #planContext(bank?: Bank, buffers?: CallBuffers): PlanContext {
    return {
      device: this.device,
      memory: this.memory,
      kernels: this.#kernels,
      weights: this.#weights,
      count: this.count,
      resolve: (operand, instance) => {
        const buffer =
          'activation' in operand
            ? this.#pool.get(operand.activation)
            : 'state' in operand
              ? bank?.buffers.get(instance.states[operand.state] ?? '')
              : 'table' in operand
                ? this.#rotary.get(operand.table)
                : 'batch' in operand
                  ? buffers?.get(operand.batch)
                  : 'sampler' in operand
                    ? buffers?.get(operand.sampler)
                    : undefined;
        if (buffer) return buffer;
        const what = JSON.stringify(operand);
        throw new ProgramError('bad-program', `${instance.label} binds ${what}, which does not exist.`);
      },
    };
  }

  #stage(instance: StageInstance): Stage {
    const stage = this.#stages.get(instance.stage);
    if (!stage) throw new ProgramError('bad-program', `There is no stage ${instance.stage}.`);
    return stage;
  }

  /** The activation that holds the residual stream after a stage. */
  #outputOf(instance: StageInstance): string {
    const stage = this.#stage(instance);
    if (stage.output !== undefined) return stage.output;
    const last = stage.prefill.at(-1);
    const written = last?.bind.filter(
      (operand, i) => 'activation' in operand && this.#kernels.spec(last.kernel).bindings[i]!.type === 'read_write',
    );
    const output = written?.at(-1);
    if (!output || !('activation' in output)) {
      throw new ProgramError('bad-program', `The stage ${stage.id} does not say where its result is.`);
    }
    return output.activation;
  }
}

/** Sizes to make room for: rounded up, so that calls that differ a little share buffers. */
function roundedUp(values: SizeValues): SizeValues {
  const up = (n: number): number => (n === 0 ? 0 : 2 ** Math.ceil(Math.log2(n)));
  const { tokens, sequences, rows, tiles16, tiles32, tiles64, tiles128 } = values;
  return {
    ...values,
    tokens: up(tokens),
    sequences: up(sequences),
    rows: up(rows),
    tiles16: up(tiles16),
    tiles32: up(tiles32),
    tiles64: up(tiles64),
    tiles128: up(tiles128),
  };
}
