/** The forward and backward pass of a part: buffers of activations, and dispatches for parts of certain sizes. */
import type { Device } from '../device/device.js';
import { overLimit } from '../device/device.js';
import { ProgramError } from '../errors.js';
import { ActivationPool } from '../memory/activation-pool.js';
import type { DeviceMemory } from '../memory/device-memory.js';
import { RotaryTables } from '../memory/rotary-tables.js';
import { BATCH_TABLES, sizesOf, tableOf, type BatchEntry, type BatchTable } from '../program/batch.js';
import type { Kernels } from '../program/kernels.js';
import { makePlan, storagesOf, type Plan, type PlanContext, type Resolve } from '../program/plan.js';
import type { Operand, Program, StageInstance, Step } from '../program/program.js';
import { evaluateSize, type SizeValues } from '../program/size.js';
import {
  SETTINGS_LENGTH,
  TOTALS_LENGTH,
  type ProbeSpec,
  type TrainingLevel,
  type TrainingProgram,
  type TrainingTable,
} from '../program/training.js';
import type { TrainingPart } from './engine.js';
import { CHUNK_UNIT, chunkRows, chunkSizes, levelsOf, partSizes, usedActivations } from './memory-plan.js';
import { embedTables, entriesOf, labelsOf, packedEntries } from './tables.js';
import type { TrainingWeights } from './placement.js';

const MOST_PLANS = 24;
/** Numbers that are measured lie where bindings may begin. */
export const PROBE_BYTES = 256;

export interface PlacedProbe {
  readonly spec: ProbeSpec;
  /** Of the stage instance. */
  readonly index: number;
}

interface Run {
  readonly instance: StageInstance;
  readonly steps: readonly Step[];
}

/** Buffers that grow to the largest part so far. */
class GrowingBuffers {
  readonly #held = new Map<string, { buffer: GPUBuffer; bytes: number }>();
  revision = 0;

  constructor(readonly memory: DeviceMemory) {}

  ensure(name: string, bytes: number, kind: 'activations' | 'other'): void {
    const held = this.#held.get(name);
    if (held && held.bytes >= bytes) return;
    this.memory.free(held?.buffer);
    this.#held.set(name, { bytes, buffer: this.memory.storage(name, Math.max(16, bytes), kind) });
    this.revision++;
  }

  get(name: string): GPUBuffer | undefined {
    return this.#held.get(name)?.buffer;
  }
}

export class Passes {
  readonly #training: TrainingProgram;
  readonly #pool: ActivationPool;
  readonly #headPool: ActivationPool;
  readonly #preparePool: ActivationPool;
  readonly #rotary: RotaryTables;
  readonly #buffers: GrowingBuffers;
  readonly #plans = new Map<string, Plan>();
  readonly #index: ReadonlyMap<StageInstance, number>;
  /** Level of each instance of the schedule but the last. */
  #levels: readonly number[];
  readonly #count = { bindGroups: 0 };
  readonly #probes: readonly PlacedProbe[];
  readonly #probePlaces: ReadonlyMap<string, number>;

  constructor(
    readonly program: Program,
    readonly device: Device,
    readonly memory: DeviceMemory,
    readonly kernels: Kernels,
    readonly weights: TrainingWeights,
    levels: readonly number[],
  ) {
    const { training } = program;
    if (!training) {
      throw new ProgramError('bad-program', 'This package was built for inference only: build it with training.');
    }
    this.#training = training;
    this.#levels = levels;
    const chosen = program.schedule.slice(0, -1).map((_, i) => this.#level(i));
    this.#pool = new ActivationPool(usedActivations(training, chosen), memory);
    this.#headPool = new ActivationPool(training.head.activations, memory);
    this.#preparePool = new ActivationPool(program.activations, memory);
    this.#rotary = new RotaryTables(program, device, memory);
    this.#buffers = new GrowingBuffers(memory);
    this.#probes = program.schedule.flatMap((instance, index) => {
      const { probes } = training.stages.find(({ id }) => id === instance.stage) ?? training.head;
      return probes.map((spec) => ({ spec, index }));
    });
    this.#probePlaces = new Map(this.#probes.map(({ spec, index }, i) => [`${index} ${spec.id}`, i]));
    if (this.#probes.length > 0) this.#buffers.ensure('probes', PROBE_BYTES * this.#probes.length, 'other');
    this.#index = new Map(program.schedule.map((instance, i) => [instance, i]));
    this.#buffers.ensure('settings', 4 * SETTINGS_LENGTH, 'other');
    this.#buffers.ensure('totals', 4 * TOTALS_LENGTH, 'other');
  }

  get totals(): GPUBuffer {
    return this.#buffers.get('totals')!;
  }

  get settings(): GPUBuffer {
    return this.#buffers.get('settings')!;
  }

  table(name: TrainingTable): GPUBuffer {
    return this.#buffers.get(name)!;
  }

  #level(index: number): TrainingLevel {
    const levels = levelsOf(this.program, index);
    return levels[Math.min(this.#levels[index] ?? 0, levels.length - 1)]!;
  }

  get #layers(): readonly StageInstance[] {
    return this.program.schedule.slice(0, -1);
  }

  get #headInstance(): StageInstance {
    return this.program.schedule.at(-1)!;
  }

  /** Compiles every kernel of the passes. */
  async compile(): Promise<void> {
    const { head } = this.#training;
    const runs: Run[] = [
      ...this.#layers.flatMap((instance, i) => {
        const { forward, backward, probed } = this.#level(i);
        return [
          { instance, steps: [...forward, ...backward, ...(probed?.forward ?? []), ...(probed?.backward ?? [])] },
        ];
      }),
      { instance: this.#headInstance, steps: [...head.steps, ...head.loss, ...(head.probed ?? [])] },
      ...this.#prepareRuns(),
    ];
    await Promise.all(
      runs.flatMap(({ instance, steps }) =>
        steps.map((step) => {
          const spec = this.kernels.spec(step.kernel);
          return this.kernels.compile(step.kernel, storagesOf(step, spec, instance, this.weights.working));
        }),
      ),
    );
  }

  #prepareRuns(): readonly Run[] {
    return this.program.schedule.flatMap((instance) => {
      const steps = this.program.stages.find(({ id }) => id === instance.stage)?.prepare ?? [];
      return steps.length > 0 ? [{ instance, steps }] : [];
    });
  }

  /** What stages derive from weights; once a step. */
  prepare(): Plan | undefined {
    const runs = this.#prepareRuns();
    if (runs.length === 0) return undefined;
    const values = sizesOf([{ slot: 0, position: 0, tokens: [0], rows: 'all' }], { slots: 1, capacity: 1 });
    this.#preparePool.ensure(values, values);
    return this.#plan('prepare', runs, values, this.#preparePool);
  }

  /** Makes room for parts of up to so many tokens and sequences. */
  async reserve(tokens: number, sequences: number): Promise<void> {
    this.#ensure(partSizes(tokens, sequences));
    await this.memory.settle();
  }

  /** Makes room for a part and writes its tables. */
  async load(part: TrainingPart): Promise<SizeValues> {
    const entries = entriesOf(part);
    const longest = Math.max(...part.map(({ tokens }) => tokens.length));
    const values = sizesOf(entries, { slots: part.length, capacity: longest });
    this.#ensure(values);
    await this.memory.settle();
    this.#write(part, entries);
    return values;
  }

  #ensure(values: SizeValues): void {
    const { width } = this.program.model;
    const stream = 4 * values.tokens * width;
    this.#layers.forEach((_, i) => {
      this.#buffers.ensure(`stream ${i}`, stream, 'activations');
      for (const { id, elements } of this.#level(i).kept)
        this.#buffers.ensure(`kept ${i} ${id}`, 4 * evaluateSize(elements, values), 'activations');
    });
    this.#buffers.ensure('gradient 0', stream, 'activations');
    this.#buffers.ensure('gradient 1', stream, 'activations');
    for (const table of BATCH_TABLES) this.#buffers.ensure(table, 16 * values.tokens, 'other');
    for (const table of ['labels', 'losses', 'embed_order'] as const)
      this.#buffers.ensure(table, 4 * values.tokens, 'other');
    for (const table of ['embed_rows', 'packed_tokens', 'packed_sequences'] as const)
      this.#buffers.ensure(table, 16 * values.tokens, 'other');
    this.#pool.ensure(values, values);
    const chunk = chunkSizes(Math.min(this.#chunkRows(values.tokens), values.tokens));
    this.#headPool.ensure(chunk, chunk);
    this.#rotary.ensure(values.capacity);
  }

  #write(part: TrainingPart, entries: readonly BatchEntry[]): void {
    const { queue } = this.device.gpu;
    const write = (name: string, words: Uint32Array<ArrayBuffer>): void => {
      if (words.length > 0) queue.writeBuffer(this.#buffers.get(name)!, 0, words);
    };
    for (const table of BATCH_TABLES) write(table, tableOf(table, entries));
    const packed = packedEntries(part);
    write('packed_tokens', tableOf('tokens', packed));
    write('packed_sequences', tableOf('sequences', packed));
    write('labels', labelsOf(part, this.program.model.vocab));
    const { rows, order } = embedTables(part);
    write('embed_rows', rows);
    write('embed_order', order);
  }

  /** @throws DeviceError `over-limit` if not even the fewest rows fit a binding */
  #chunkRows(tokens: number): number {
    const { memory } = this;
    const rows = chunkRows(this.#training, tokens, memory.largestStorage);
    if (rows !== undefined) return rows;
    const sizes = chunkSizes(CHUNK_UNIT);
    const needed = Math.max(...this.#training.head.activations.map((a) => 4 * evaluateSize(a.elements, sizes)));
    throw overLimit(`${CHUNK_UNIT} rows of logits`, 'maxStorageBufferBindingSize', needed, this.device.limits);
  }

  forward(values: SizeValues, probed = false): Plan {
    const runs = this.#layers.map((instance, i) => ({ instance, steps: stepsOf(this.#level(i), probed).forward }));
    return this.#plan(`forward ${probed}`, runs, values, this.#pool);
  }

  backward(values: SizeValues, probed = false): Plan {
    const runs = this.#layers.map((instance, i) => ({ instance, steps: stepsOf(this.#level(i), probed).backward }));
    return this.#plan(`backward ${probed}`, runs.reverse(), values, this.#pool);
  }

  /** What is measured, in the order of the numbers in `probes`, each at the start of `PROBE_BYTES`. */
  get probes(): readonly PlacedProbe[] {
    return this.#probes;
  }

  get probeBuffer(): GPUBuffer | undefined {
    return this.#buffers.get('probes');
  }

  /** Loss, and with `gradients` those of head and residual stream, chunk by chunk. */
  head(values: SizeValues, gradients: boolean, probed = false): readonly Plan[] {
    const { steps, loss, probed: measuring = steps } = this.#training.head;
    const chosen = gradients ? (probed ? measuring : steps) : loss;
    const rows = this.#chunkRows(values.tokens);
    return Array.from({ length: Math.ceil(values.tokens / rows) }, (_, i) => {
      const first = i * rows;
      const sizes = chunkSizes(Math.min(rows, values.tokens - first));
      const run = { instance: this.#headInstance, steps: chosen };
      return this.#plan(`head ${gradients} ${probed} ${first}`, [run], sizes, this.#headPool, {
        first,
        rows: sizes.tokens,
      });
    });
  }

  #plan(
    name: string,
    runs: readonly Run[],
    values: SizeValues,
    pool: ActivationPool,
    chunk?: { readonly first: number; readonly rows: number },
  ): Plan {
    const revision = [this.#buffers.revision, pool.revision, this.#rotary.revision].join('.');
    const key = [name, ...Object.values(values)].join(' ');
    const known = this.#plans.get(key);
    this.#plans.delete(key);
    if (known?.revision === revision) {
      this.#plans.set(key, known);
      return known;
    }
    this.memory.free(known?.uniforms);
    const plan = makePlan(runs, values, revision, this.#context(pool, chunk));
    this.#plans.set(key, plan);
    for (const [oldest, { uniforms }] of this.#plans) {
      if (this.#plans.size <= MOST_PLANS) break;
      this.#plans.delete(oldest);
      this.memory.free(uniforms);
    }
    return plan;
  }

  #context(pool: ActivationPool, chunk?: { readonly first: number; readonly rows: number }): PlanContext {
    const resolve: Resolve = (operand, instance) => {
      const index = this.#index.get(instance)!;
      const found = this.#find(operand, index, pool);
      if (!found) {
        throw new ProgramError(
          'bad-program',
          `${instance.label} binds ${JSON.stringify(operand)}, which is not there.`,
        );
      }
      const perRow = chunk && rowBytes(operand, this.program.model.width);
      return perRow && !('buffer' in found)
        ? { buffer: found, offset: chunk.first * perRow, size: roundUp(chunk.rows * perRow) }
        : found;
    };
    const { device, memory, kernels, weights } = this;
    return {
      device,
      memory,
      kernels,
      weights: weights.working,
      gradients: weights.gradients,
      count: this.#count,
      resolve,
    };
  }

  #find(
    operand: Parameters<Resolve>[0],
    index: number,
    pool: ActivationPool,
  ): GPUBuffer | GPUBufferBinding | undefined {
    if ('activation' in operand) return pool.get(operand.activation);
    if ('kept' in operand) return this.#buffers.get(`kept ${index} ${operand.kept}`);
    if ('stream' in operand) return this.#buffers.get(this.#stream(operand.stream, index));
    if ('table' in operand) return this.#rotary.get(operand.table);
    if ('batch' in operand) return this.#buffers.get(operand.batch satisfies BatchTable);
    if ('training' in operand) return this.#buffers.get(operand.training);
    if ('probe' in operand) {
      const place = this.#probePlaces.get(`${index} ${operand.probe}`);
      const buffer = this.#buffers.get('probes');
      return place === undefined || !buffer ? undefined : { buffer, offset: place * PROBE_BYTES, size: 16 };
    }
    return undefined;
  }

  /** The gradient of the stream goes back and forth between two buffers; the head's result is the first. */
  #stream(which: Extract<Operand, { stream: unknown }>['stream'], index: number): string {
    const back = this.program.schedule.length - 1 - index;
    switch (which) {
      case 'x':
        return `stream ${index - 1}`;
      case 'result':
        return `stream ${index}`;
      case 'gradient':
        return `gradient ${(back + 1) % 2}`;
      case 'input_gradient':
        return `gradient ${back % 2}`;
    }
  }

  dispose(): void {
    for (const { uniforms } of this.#plans.values()) this.memory.free(uniforms);
    this.#plans.clear();
  }
}

function stepsOf(level: TrainingLevel, probed: boolean): Pick<TrainingLevel, 'forward' | 'backward'> {
  return (probed && level.probed) || level;
}

/** Bytes a row of what the head reads and writes chunk by chunk. */
function rowBytes(operand: Operand, width: number): number | undefined {
  if ('stream' in operand) return 4 * width;
  return 'training' in operand && (operand.training === 'labels' || operand.training === 'losses') ? 4 : undefined;
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / 16) * 16;
}
