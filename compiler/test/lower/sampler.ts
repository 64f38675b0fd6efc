/** Runs the sampling kernels on tables of a batch, as the runtime does between decode steps. */
import { samplerScratch } from '@hyb/runtime';
import { evaluateSize } from '@hyb/runtime';
import { verifyKernel } from '../../src/kernel/verify.js';
import type { CallOperand, KernelCall } from '../../src/lower/call.js';
import { lowerSample } from '../../src/lower/sample/sample.js';
import type { SamplerSettings } from '../../src/lower/sample/reference.js';
import { makeBatch } from './batch.js';
import type { Batch, Sequence } from './batch.js';
import type { BufferValues, Executor } from './machine.js';

export const PLAIN: SamplerSettings = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  seed: 0,
  step: 0,
};

export class Sampler {
  readonly calls: readonly KernelCall[];
  readonly batch: Batch;
  readonly tables: Record<'logits' | 'settings' | 'seen' | 'sampled' | 'scratch', BufferValues>;
  readonly words: number;

  constructor(
    readonly vocab: number,
    readonly sequences: readonly Sequence[],
    settings: readonly SamplerSettings[],
    readonly execute: Executor,
    slots = 8,
    /** Of each kernel's variants: the core one, or the best. */
    readonly variants: 'core' | 'best' = 'core',
  ) {
    this.calls = lowerSample(vocab);
    this.batch = makeBatch(sequences, { slots, capacity: 64 });
    this.words = Math.ceil(vocab / 32);
    const words = new Uint32Array(8 * settings.length);
    const floats = new Float32Array(words.buffer);
    settings.forEach((s, i) => {
      floats.set([s.temperature], 8 * i);
      words[8 * i + 1] = s.topK;
      floats.set([s.topP, s.minP, s.repetitionPenalty], 8 * i + 2);
      words[8 * i + 5] = s.seed;
      words[8 * i + 6] = s.step;
    });
    this.tables = {
      logits: new Float32Array(vocab * sequences.length),
      settings: words,
      seen: new Uint32Array(slots * this.words),
      sampled: new Uint32Array(this.batch.sizes.window * sequences.length).fill(0xffffffff),
      scratch: new Float32Array(sequences.length * samplerScratch(vocab)),
    };
  }

  setLogits(sequence: number, logits: ArrayLike<number>): void {
    (this.tables.logits as Float32Array).set(logits, sequence * this.vocab);
  }
  see(slot: number, token: number): void {
    this.tables.seen[slot * this.words + (token >>> 5)]! |= 1 << (token & 31);
  }
  isSeen(slot: number, token: number): boolean {
    return ((this.tables.seen[slot * this.words + (token >>> 5)]! >>> (token & 31)) & 1) === 1;
  }

  /** Samples once. @returns the tokens */
  async step(): Promise<number[]> {
    (this.tables.scratch as Float32Array).fill(NaN);
    let first = true;
    for (const call of this.calls) {
      const fresh: string[] = [];
      const valueOf = (name: string, operand: CallOperand): BufferValues => {
        if (operand.kind === 'batch') return this.batch.tables[operand.table];
        if (operand.kind !== 'sampler') throw new Error(`no ${operand.kind} here`);
        if (operand.table === 'scratch' && first) fresh.push(name);
        // The kernels look at the bits of logits.
        if (operand.table === 'logits') return new Uint32Array(this.tables.logits.buffer);
        return this.tables[operand.table];
      };
      const buffers = Object.fromEntries(
        Object.entries(call.bindings).map(([name, operand]) => [name, valueOf(name, operand)]),
      );
      const uniforms = Object.fromEntries(
        Object.entries(call.uniforms).map(([name, value]) => [
          name,
          evaluateSize(value as Parameters<typeof evaluateSize>[0], this.batch.sizes),
        ]),
      );
      const grid = call.grid.map((size) => evaluateSize(size, this.batch.sizes)) as [number, number, number];
      const kernel = call.variants[this.variants === 'best' ? 0 : call.variants.length - 1]!;
      for (const variant of call.variants) expect(verifyKernel(variant)).toEqual([]);
      await this.execute(kernel, buffers, uniforms, grid, fresh);
      first = false;
    }
    return this.sequences.map((_, i) => this.batch.tables.tokens[4 * i]!);
  }
}
