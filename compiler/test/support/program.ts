/**
 * Runs a whole `Program` in the checking interpreter, the way the runtime does on a device: the proof that what plan makes
 * is right, without a GPU and without the runtime.
 */
import type { Operand, Program, SizeValues, StageInstance, Step } from '@hyb/runtime';
import { evaluateSize } from '@hyb/runtime';
import { describeFault, run as interpret } from '../../src/kernel/check/index.js';
import type { BufferData, RunOptions } from '../../src/kernel/check/index.js';
import type { Kernel } from '../../src/kernel/ir.js';
import type { KernelCall } from '../../src/lower/call.js';
import type { Plan } from '../../src/plan/plan.js';
import { parameterImages } from './parameter-images.js';

type Words = Float32Array | Uint32Array;

export interface ProgramOptions {
  readonly slots: number;
  readonly capacity: number;
  /** State slot of each sequence; by default sequence i has slot i. */
  readonly slotOf?: (sequence: number) => number;
  /** Which variant of each kernel: the core one, the best, or the one of this rank from the best on (core where there is none). */
  readonly variants?: 'core' | 'best' | number;
  /** Runs a dispatch in place of the interpreter. */
  readonly execute?: (kernel: Kernel, options: RunOptions, details: StepDetails) => void;
}

export interface StepDetails {
  /** The kernel's other variants. */
  readonly others: readonly Kernel[];
  readonly split?: Required<NonNullable<KernelCall['split']>>;
}

export class InterpretedProgram {
  readonly program: Program;
  readonly faults: string[] = [];
  dispatches = 0;
  /** Skips the search for races and uninitialised reads: several times faster. A function decides for each kernel. */
  fast: boolean | ((kernel: Kernel) => boolean) = false;
  /** Residual stream after each stage instance of the last call, by label. */
  readonly hidden = new Map<string, Float32Array>();
  readonly states = new Map<string, Float32Array>();
  readonly #matrices: ReadonlyMap<string, Float32Array>;
  readonly #packs: ReadonlyMap<string, Float32Array>;
  readonly #positions: number[];

  /** @param parameters by full path, row-major. */
  constructor(
    readonly plan: Plan,
    parameters: (path: string) => ArrayLike<number>,
    readonly options: ProgramOptions,
  ) {
    this.program = plan.program;
    const images = parameterImages(this.program, parameters);
    this.#matrices = images.matrices;
    this.#packs = images.packs;
    const { slots, capacity } = options;
    for (const s of this.program.states) {
      this.states.set(s.id, new Float32Array(slots * s.elements * (s.kind === 'token' ? capacity : 1)));
    }
    this.#positions = Array.from({ length: slots }, () => 0);
    for (const instance of this.program.schedule) {
      const stage = this.program.stages.find((s) => s.id === instance.stage)!;
      this.#run(instance, stage.prepare ?? [], this.#call([], 0));
    }
  }

  /** Feeds tokens to the sequences in slots 0 …; returns logits of every token, [tokens, vocab]. */
  feed(sequences: readonly (readonly number[])[], mode: 'prefill' | 'decode'): Float32Array {
    const tokens = sequences.reduce((n, s) => n + s.length, 0);
    const call = this.#call(sequences, tokens);
    this.hidden.clear();
    for (const instance of this.program.schedule) {
      const stage = this.program.stages.find((s) => s.id === instance.stage)!;
      this.#run(instance, stage[mode], call);
      this.hidden.set(instance.label, (call.activation('stream') as Float32Array).slice());
    }
    sequences.forEach((s, i) => (this.#positions[i]! += s.length));
    return call.logits;
  }

  #call(sequences: readonly (readonly number[])[], tokens: number): Call {
    return new Call(this, sequences, tokens, this.#positions);
  }

  #run(instance: StageInstance, steps: readonly Step[], call: Call): void {
    for (const step of steps) {
      const spec = this.program.kernels[step.kernel]!;
      const { variants = 'core' } = this.options;
      const rank = variants === 'core' ? Infinity : variants === 'best' ? 0 : variants;
      const variant = spec.variants[Math.min(rank, spec.variants.length - 1)]!;
      const kernel = this.plan.kernels.get(variant.source)!;
      const buffers: Record<string, BufferData> = {};
      const uninitialised: string[] = [];
      kernel.buffers.forEach(({ name, element }, i) => {
        const data = this.#operand(step.bind[i]!, instance, call);
        if ('activation' in step.bind[i]! && call.isFresh(step.bind[i].activation)) uninitialised.push(name);
        buffers[name] = element === 'weights' ? { storage: 'f32', data: data as Float32Array } : data;
      });
      const uniforms = Object.fromEntries(
        kernel.uniforms.map(({ name }, i) => {
          const value = step.uniforms[i]!;
          return [name, typeof value === 'object' && 'f32' in value ? value.f32 : evaluateSize(value, call.sizes)];
        }),
      );
      const grid = step.grid.map((s) => evaluateSize(s, call.sizes)) as [number, number, number];
      if (grid.includes(0)) continue;
      this.dispatches++;
      const fast = typeof this.fast === 'function' ? this.fast(kernel) : this.fast;
      const options = { buffers, uniforms, grid, uninitialised, fast };
      if (this.options.execute) {
        const others = spec.variants.filter((v) => v !== variant).map((v) => this.plan.kernels.get(v.source)!);
        this.options.execute(kernel, options, { others, ...splitOf(step, kernel) });
        continue;
      }
      const { faults } = interpret(kernel, options);
      this.faults.push(...faults.map((f) => `${instance.label} ${kernel.name}: ${describeFault(f)}`));
    }
  }

  #operand(operand: Operand, instance: StageInstance, call: Call): Words {
    if ('matrix' in operand) return this.#matrices.get(instance.matrices[operand.matrix]!)!;
    if ('vectors' in operand) return this.#packs.get(instance.vectors!)!;
    if ('activation' in operand) return call.activation(operand.activation);
    if ('state' in operand) return this.states.get(instance.states[operand.state]!)!;
    if ('table' in operand) return this.#table(operand.table);
    if ('batch' in operand) return call.batch(operand.batch);
    if ('sampler' in operand && operand.sampler === 'logits') return call.logits;
    throw new Error(`the interpreter has no ${JSON.stringify(operand)}`);
  }

  #table(id: string): Float32Array {
    const { frequencies } = this.program.tables.find((t) => t.id === id)!;
    const n = frequencies.length;
    const high = Math.ceil(this.options.capacity / 256);
    const table = new Float32Array((256 + high) * n * 2);
    for (let p = 0; p < 256 + high; p++) {
      const position = p < 256 ? p : (p - 256) * 256;
      frequencies.forEach((f, k) => {
        table[(p * n + k) * 2] = Math.cos(position * f);
        table[(p * n + k) * 2 + 1] = Math.sin(position * f);
      });
    }
    return table;
  }
}

function splitOf({ split }: Step, { buffers, uniforms }: Kernel): Pick<StepDetails, 'split'> {
  if (!split) return {};
  const { binding, base, count, axis, rowsPerWorkgroup, partRows = 1 } = split;
  const [buffer, first, rows] = [buffers[binding]!.name, uniforms[base]!.name, uniforms[count]!.name];
  return { split: { buffer, base: first, count: rows, axis, rowsPerWorkgroup, partRows } };
}

/** Tables and activations of one call. */
class Call {
  readonly sizes: SizeValues;
  readonly logits: Float32Array;
  readonly #tables = new Map<string, Uint32Array>();
  readonly #activations = new Map<string, Float32Array>();
  readonly #fresh = new Set<string>();

  constructor(
    readonly owner: InterpretedProgram,
    sequences: readonly (readonly number[])[],
    tokens: number,
    positions: readonly number[],
  ) {
    const starts: number[] = [];
    let start = 0;
    for (const s of sequences) {
      starts.push(start);
      start += s.length;
    }
    const tile = (size: number): number[][] =>
      sequences.flatMap((s, i) =>
        Array.from({ length: Math.ceil(s.length / size) }, (_, k) => [
          i,
          starts[i]! + k * size,
          Math.min(size, s.length - k * size),
          k,
        ]),
      );
    const table = (rows: number[][]): Uint32Array => Uint32Array.from(rows.length > 0 ? rows.flat() : [0, 0, 0, 0]);
    const slotOf = owner.options.slotOf ?? ((sequence: number): number => sequence);
    this.#tables.set(
      'tokens',
      table(sequences.flatMap((s, i) => s.map((id, t) => [id, i, positions[i]! + t, slotOf(i)]))),
    );
    this.#tables.set('sequences', table(sequences.map((s, i) => [slotOf(i), starts[i]!, s.length, positions[i]!])));
    this.#tables.set(
      'rows',
      Uint32Array.from({ length: Math.max(1, tokens) }, (_, t) => t),
    );
    for (const size of [16, 32, 64, 128]) this.#tables.set(`tiles${size}`, table(tile(size)));
    this.sizes = {
      tokens,
      sequences: sequences.length,
      rows: tokens,
      tiles16: tile(16).length,
      tiles32: tile(32).length,
      tiles64: tile(64).length,
      tiles128: tile(128).length,
      context: Math.max(1, ...sequences.map((s, i) => positions[i]! + s.length)),
      capacity: owner.options.capacity,
      slots: owner.options.slots,
      window: 1,
    };
    this.logits = new Float32Array(tokens * owner.program.model.vocab);
  }

  batch(name: string): Uint32Array {
    return this.#tables.get(name)!;
  }

  activation(id: string): Float32Array {
    let data = this.#activations.get(id);
    if (!data) {
      const spec = this.owner.program.activations.find((a) => a.id === id)!;
      data = new Float32Array(Math.max(1, evaluateSize(spec.elements, this.sizes)));
      this.#activations.set(id, data);
      this.#fresh.add(id);
    }
    return data;
  }

  /** True the first time it is asked of an activation: nothing has been written to it. */
  isFresh(id: string): boolean {
    return this.#fresh.delete(id);
  }
}
