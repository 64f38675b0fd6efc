/** What kernels of the update have in common: they walk rows of a matrix or pack, or blocks of partial sums. */
import { BLOCK_QUADS, TOTALS } from '@hyb/runtime';
import type { TrainingTable } from '@hyb/runtime';
import { KernelBuilder } from '../../kernel/build.js';
import type { Buffer } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { BufferElement, Expression } from '../../kernel/ir.js';
import { Bindings } from '../bindings.js';
import type { KernelCall } from '../call.js';
import { safeName } from '../names.js';
import { joinByTree } from '../workgroup-tree.js';
import type { Join } from '../workgroup-tree.js';

export const THREADS = 64;

/** One kernel of the update; sizes are the engine's, which fills in uniforms and grid for each part. */
export class UpdateKernel {
  readonly builder = new KernelBuilder();
  readonly #bindings = new Bindings(this.builder);

  table(table: TrainingTable, element: BufferElement, access: 'read' | 'read_write', doc: string): Buffer {
    return this.#bindings.bind(table, { kind: 'training', table }, element, access, doc);
  }

  uniform(name: string, doc: string, type: 'u32' | 'f32' = 'u32'): Expression {
    return this.#bindings.uniform(name, 0, type, doc);
  }

  /** Index of the workgroup, of a grid that is folded where it is too long. */
  get workgroup(): Expression {
    return this.builder.let(
      'workgroup',
      e.add(e.mul(e.builtin('workgroup_y'), e.builtin('num_workgroups_x')), e.builtin('workgroup_x')),
    );
  }

  /** Index of the invocation in the whole grid. */
  get invocation(): Expression {
    return this.builder.let('index', e.add(e.mul(this.workgroup, THREADS), e.builtin('local_index')));
  }

  finish(name: string, doc: string, workgroupSize: readonly [number, number, number] = [THREADS, 1, 1]): KernelCall {
    return {
      variants: [this.builder.finish({ name: safeName(name), doc, workgroupSize })],
      label: name,
      bindings: this.#bindings.operands,
      uniforms: this.#bindings.uniforms,
      grid: [1, 1, 1],
      covers: [],
      cost: { weightElements: 0, values: 0, operations: 0 },
    };
  }
}

/** Joins the invocations' values by a tree; the result is the same for any number of invocations at once. */
export function joined(builder: KernelBuilder, hint: string, value: Expression, join: Join = e.add): Expression {
  return joinByTree(builder, builder.shared(hint, 'f32', THREADS), THREADS, value, join);
}

/** Where a block of `count` fours begins, and a loop that shares its fours out among the invocations of a workgroup. */
export function overFours(
  builder: KernelBuilder,
  block: Expression,
  count: Expression,
): { readonly start: Expression; each(visit: (i: Expression) => void): void } {
  const start = builder.let('start', e.mul(block, BLOCK_QUADS));
  const end = builder.let('end', e.min(e.add(start, BLOCK_QUADS), count));
  return {
    start,
    each: (visit) => builder.for('i', e.add(start, e.builtin('local_index')), end, visit, { step: THREADS }),
  };
}

/**
 * A workgroup's block of a part: `work` visits its fours by `each` and says what the block comes to, which is stored in
 * `partials`.
 */
export function overBlock(
  kernel: UpdateKernel,
  doc: string,
  work: (each: (visit: (i: Expression) => void) => void) => Expression,
): void {
  const { builder } = kernel;
  const partials = kernel.table('partials', 'vec2f', 'read_write', `${doc} of each block`);
  const count = kernel.uniform('quad_count', 'fours of elements');
  const first = kernel.uniform('first_block', 'place of the first block among all');
  const { workgroup } = kernel;
  const { start, each } = overFours(builder, workgroup, count);
  const result = work(each);
  builder.if(e.and(e.eq(e.builtin('local_index'), 0), e.lt(start, count)), () =>
    partials.set(e.add(first, workgroup), result),
  );
}

const EXPONENT = 0x7f800000;

/** 1 for a value that is NaN or infinite, by its bits as they were loaded. */
export function notFinite(bits: Expression): Expression {
  return e.select(e.eq(e.bitAnd(bits, EXPONENT), EXPONENT), e.f32(1), e.f32(0));
}

/** A number of `totals`, which is bound as words so that what is not finite is seen. */
export function total(totals: Buffer, name: keyof typeof TOTALS): Expression {
  return e.bitcast('f32', totals.at(TOTALS[name]));
}

export function setTotal(totals: Buffer, name: keyof typeof TOTALS, value: Expression): void {
  totals.set(TOTALS[name], e.bitcast('u32', value));
}
