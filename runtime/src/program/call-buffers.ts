import type { Device } from '../device/device.js';
import type { DeviceMemory } from '../memory/device-memory.js';
import { BATCH_TABLES, TABLE_WORDS, tableOf, type BatchEntry, type BatchTable } from './batch.js';
import type { Plan } from './plan.js';
import type { Operand, Program } from './program.js';
import { samplerScratch } from './sampler-scratch.js';
import type { SizeValues } from './size.js';
import { stepsOf } from './steps.js';

export type SamplerTable = Extract<Operand, { sampler: unknown }>['sampler'];

const SAMPLER_TABLES: readonly SamplerTable[] = ['logits', 'settings', 'seen', 'sampled', 'scratch'];
/** Words of an entry of `settings`. */
export const SETTINGS_WORDS = 8;
const MOST_PLANS = 12;

/**
 * What steps read about the call they are in, and what sampling keeps: batch tables, logits, sampler settings. A text that
 * is being generated has a set of its own, since its tables live on the device from step to step.
 */
export class CallBuffers {
  readonly #program: Program;
  readonly #device: Device;
  readonly #memory: DeviceMemory;
  /** Tables that some step binds; the others are neither made nor written. */
  readonly #used: ReadonlySet<BatchTable | SamplerTable>;
  readonly #buffers = new Map<BatchTable | SamplerTable, { buffer: GPUBuffer; bytes: number }>();
  readonly #plans = new Map<string, Plan>();
  #revision = 0;

  constructor(program: Program, device: Device, memory: DeviceMemory) {
    this.#program = program;
    this.#device = device;
    this.#memory = memory;
    this.#used = usedTables(program);
  }

  get revision(): number {
    return this.#revision;
  }

  get(table: BatchTable | SamplerTable): GPUBuffer | undefined {
    return this.#buffers.get(table)?.buffer;
  }

  /** Makes room for a call's tables and logits; with `sampling` also for what the sampler keeps. */
  ensure(values: SizeValues, sampling = false): void {
    for (const table of this.#used) {
      const sampler = SAMPLER_TABLES.includes(table as SamplerTable);
      if (sampler && table !== 'logits' && !sampling) continue;
      this.#ensure(table, tableWords(table, values, this.#program.model.vocab) * 4, sampler);
    }
  }

  #ensure(table: BatchTable | SamplerTable, bytes: number, sampler: boolean): void {
    const held = this.#buffers.get(table);
    if (held && held.bytes >= bytes) return;
    this.#memory.free(held?.buffer);
    const label = sampler ? `sampler's ${table}` : `batch table ${table}`;
    this.#buffers.set(table, { bytes, buffer: this.#memory.storage(label, Math.max(16, bytes), 'other') });
    this.#revision++;
  }

  /** Writes the tables of a call. */
  write(entries: readonly BatchEntry[]): void {
    for (const table of BATCH_TABLES) {
      const buffer = this.get(table);
      if (!buffer) continue;
      const words = tableOf(table, entries);
      if (words.length > 0) this.#device.gpu.queue.writeBuffer(buffer, 0, words);
    }
  }

  /** The plan under this key if it still fits, or a new one. */
  plan(key: string, revision: string, make: () => Plan): Plan {
    const known = this.#plans.get(key);
    this.#plans.delete(key);
    if (known?.revision === revision) {
      this.#plans.set(key, known);
      return known;
    }
    this.#memory.free(known?.uniforms);
    const plan = make();
    this.#plans.set(key, plan);
    for (const [oldest, { uniforms }] of this.#plans) {
      if (this.#plans.size <= MOST_PLANS) break;
      this.#plans.delete(oldest);
      this.#memory.free(uniforms);
    }
    return plan;
  }

  dispose(): void {
    for (const { buffer } of this.#buffers.values()) this.#memory.free(buffer);
    for (const { uniforms } of this.#plans.values()) this.#memory.free(uniforms);
    this.#buffers.clear();
    this.#plans.clear();
    this.#revision++;
  }
}

/** Size of a table in a call, in words of 4 bytes. */
export function tableWords(table: BatchTable | SamplerTable, values: SizeValues, vocab: number): number {
  switch (table) {
    case 'logits':
      return values.rows * vocab;
    case 'scratch':
      return values.sequences * samplerScratch(vocab);
    case 'settings':
      return values.sequences * SETTINGS_WORDS;
    case 'seen':
      return values.slots * Math.ceil(vocab / 32);
    case 'sampled':
      return values.window * values.sequences;
    default:
      return values[table] * TABLE_WORDS[table];
  }
}

function usedTables(program: Program): ReadonlySet<BatchTable | SamplerTable> {
  // Sampling is prepared by writing these, and read back from the ring, whatever the kernels bind.
  const used = new Set<BatchTable | SamplerTable>(['logits']);
  for (const stage of program.stages) {
    for (const { bind } of stepsOf(stage)) {
      for (const operand of bind) {
        if ('batch' in operand) used.add(operand.batch);
        if ('sampler' in operand) used.add(operand.sampler);
      }
    }
  }
  return used;
}
