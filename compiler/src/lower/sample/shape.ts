/** What the sampler's kernels have in common: its tables, its scratch, and the score of a token. */
import { SAMPLER_NOTES, SAMPLER_SLICE } from '@hyb/runtime';
import type { Size } from '@hyb/runtime';
import { KernelBuilder } from '../../kernel/build.js';
import type { Buffer } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { BufferElement, Expression } from '../../kernel/ir.js';
import { Bindings } from '../bindings.js';
import { withVariants } from '../call.js';
import type { CallOperand, KernelCall } from '../call.js';
import type { Workgroup } from '../workgroup-sum.js';

export const SLICE = SAMPLER_SLICE;
/** Below every score. */
export const LOWEST = -3e38;

type Table = Extract<CallOperand, { kind: 'sampler' }>['table'];

const DOCS: Readonly<Record<Table, string>> = {
  logits: 'logits [sequence, token]',
  settings: 'per sequence: temperature, top_k, top_p, min_p, repetition_penalty, seed, step, unused',
  seen: 'tokens that a sequence holds, one bit each [slot, token / 32]',
  sampled: 'sampled tokens [step modulo window, sequence]',
  scratch: 'per sequence and slice of the vocabulary: sorted scores, then notes',
};

/** Words that a slice leaves behind its scores. */
export const NOTES = {
  /** Largest score, and the sum of exp(score - largest). */
  largest: 0,
  mass: 1,
  /** Best value of the race and the token that has it, as a number. */
  best: 2,
  winner: 3,
  /** 1 where a logit is NaN or infinite. */
  broken: 4,
  /** In the first slice: the smallest score that passes all filters. */
  threshold: 5,
} as const;

export interface Settings {
  readonly temperature: Expression;
  readonly topK: Expression;
  readonly topP: Expression;
  readonly minP: Expression;
  readonly penalty: Expression;
  readonly seed: Expression;
  readonly step: Expression;
}

type Variant = Pick<Workgroup, 'reduction' | 'requires'>;
const CORE: Variant = { reduction: 'workgroup', requires: [] };

/** Variants of a sampling kernel that reduces, best first. */
export function samplerVariants(make: (variant: Variant) => KernelCall): KernelCall {
  return withVariants([make({ reduction: 'subgroup', requires: ['hardware', 'subgroups'] }), make(CORE)]);
}

export class SamplerKernel {
  readonly builder = new KernelBuilder();
  readonly bindings = new Bindings(this.builder);
  readonly slices: number;
  readonly #slot: Map<string, Expression> = new Map();

  constructor(
    readonly vocab: number,
    readonly variant: Variant = CORE,
  ) {
    this.slices = Math.ceil(vocab / SLICE);
  }

  table(table: Table, element: BufferElement, access: 'read' | 'read_write'): Buffer {
    return this.bindings.bind(table, { kind: 'sampler', table }, element, access, DOCS[table]);
  }

  /** `sequences` and `tokens` of the batch. */
  batch(table: 'tokens' | 'sequences', access: 'read' | 'read_write'): Buffer {
    const doc =
      table === 'tokens'
        ? 'per token: id, sequence, position, slot'
        : 'per sequence: slot, first token, tokens, position';
    return this.bindings.bind(table, { kind: 'batch', table }, 'vec4u', access, doc);
  }

  settings(sequence: Expression, access: 'read' | 'read_write' = 'read'): Settings {
    const { builder } = this;
    const table = this.table('settings', 'u32', access);
    const word = (i: number): Expression => table.at(e.add(e.mul(sequence, 8), i));
    const real = (name: string, i: number): Expression => builder.let(name, e.bitcast('f32', word(i)));
    return {
      temperature: real('temperature', 0),
      topK: builder.let('top_k', word(1)),
      topP: real('top_p', 2),
      minP: real('min_p', 3),
      penalty: real('penalty', 4),
      seed: builder.let('seed', word(5)),
      step: builder.let('step', word(6)),
    };
  }

  /** Index in scratch of a slice's first score, or of one of its notes. */
  scores(sequence: Expression, slice: Expression): Expression {
    return e.mul(e.add(e.mul(sequence, this.slices), slice), SLICE + SAMPLER_NOTES);
  }
  note(sequence: Expression, slice: Expression, note: keyof typeof NOTES): Expression {
    return e.add(this.scores(sequence, slice), SLICE + NOTES[note]);
  }

  /** Bits of a token's logit. */
  logitBits(sequence: Expression, token: Expression): Expression {
    return this.table('logits', 'u32', 'read').at(e.add(e.mul(sequence, this.vocab), token));
  }

  /** The logit after repetition penalty and temperature; `LOWEST` where it is not finite. */
  score(sequence: Expression, token: Expression, bits: Expression, settings: Settings): Expression {
    const { builder } = this;
    const logit = e.bitcast('f32', bits);
    const seen = this.table('seen', 'u32', 'read');
    const words = Math.ceil(this.vocab / 32);
    const slot = this.#slotOf(sequence);
    const word = seen.at(e.add(e.mul(slot, words), e.shiftRight(token, 5)));
    const isSeen = builder.let('is_seen', e.eq(e.bitAnd(e.shiftRight(word, e.bitAnd(token, 31)), 1), 1));
    const factor = e.select(e.gt(logit, 0), e.div(e.f32(1), settings.penalty), settings.penalty);
    const punished = builder.let('punished', e.mul(logit, e.select(isSeen, factor, e.f32(1))));
    const divided = e.select(
      e.gt(settings.temperature, 0),
      e.div(punished, e.max(settings.temperature, 1e-30)),
      punished,
    );
    // One zero only: scores are compared as integers.
    const score = builder.let('raw_score', divided);
    return e.select(
      isFinite(bits),
      e.select(e.eq(score, 0), e.f32(0), e.call('clamp', score, LOWEST, -LOWEST)),
      e.f32(LOWEST),
    );
  }

  #slotOf(sequence: Expression): Expression {
    let slot = this.#slot.get('slot');
    if (!slot) {
      slot = this.builder.let('slot', e.component(this.batch('tokens', 'read').at(sequence), 3));
      this.#slot.set('slot', slot);
    }
    return slot;
  }
  /** Reads the sequence's slot where it is used from everywhere. */
  prepare(sequence: Expression): void {
    this.#slotOf(sequence);
  }

  finish(call: {
    readonly name: string;
    readonly doc: string;
    readonly threads: number;
    readonly grid: readonly [Size, Size, Size];
    readonly values: Size;
    readonly operations: Size;
  }): KernelCall {
    const { name, doc, threads, grid, values, operations } = call;
    return {
      variants: [this.builder.finish({ name, doc, requires: this.variant.requires, workgroupSize: [threads, 1, 1] })],
      label: name.replace('_', ': '),
      bindings: this.bindings.operands,
      uniforms: this.bindings.uniforms,
      grid,
      covers: [],
      cost: { weightElements: 0, values, operations },
    };
  }
}

/** By the exponent's bits: floating-point comparisons may take for granted that there are no infinities. */
export function isFinite(bits: Expression): Expression {
  return e.ne(e.bitAnd(bits, 0x7f800000), 0x7f800000);
}

/** Whether a filter asks for more than all tokens' scores: only then are they sorted. */
export function isFiltered(settings: Settings): Expression {
  return e.and(e.gt(settings.temperature, 0), e.or(e.gt(settings.topK, 0), e.lt(settings.topP, 1)));
}

/** Orders like the number: the order of scores as an order of unsigned integers. */
export function orderOf(score: Expression): Expression {
  const bits = e.bitcast('u32', score);
  return e.bitXor(bits, e.select(e.lt(score, 0), e.u32(0xffffffff), e.u32(0x80000000)));
}
/** The score of an order. */
export function scoreOfOrder(order: Expression): Expression {
  const isPositive = e.ge(order, 0x80000000);
  return e.bitcast('f32', e.bitXor(order, e.select(isPositive, e.u32(0x80000000), e.u32(0xffffffff))));
}
