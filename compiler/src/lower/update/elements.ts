/** What kernels of the update have in common: they walk rows of a matrix or pack, or blocks of partial sums. */
import { TOTALS } from '@hyb/runtime';
import type { TrainingTable } from '@hyb/runtime';
import { KernelBuilder } from '../../kernel/build.js';
import type { Buffer } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { BufferElement, Expression } from '../../kernel/ir.js';
import { Bindings } from '../bindings.js';
import type { KernelCall } from '../call.js';
import { safeName } from '../names.js';

export const THREADS = 64;

/** One kernel of the update; sizes are the engine's, which fills in uniforms and grid for each part. */
export class UpdateKernel {
  readonly builder = new KernelBuilder();
  readonly #bindings = new Bindings(this.builder);

  table(table: TrainingTable, element: BufferElement, access: 'read' | 'read_write', doc: string): Buffer {
    return this.#bindings.bind(table, { kind: 'training', table }, element, access, doc);
  }

  uniform(name: string, doc: string): Expression {
    return this.#bindings.uniform(name, 0, 'u32', doc);
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

  finish(name: string, doc: string): KernelCall {
    return {
      variants: [this.builder.finish({ name: safeName(name), doc, workgroupSize: [THREADS, 1, 1] })],
      label: name,
      bindings: this.#bindings.operands,
      uniforms: this.#bindings.uniforms,
      grid: [1, 1, 1],
      covers: [],
      cost: { weightElements: 0, values: 0, operations: 0 },
    };
  }
}

/** Adds up the invocations' values by a tree; `value` is the same for any number of invocations at once. */
export function treeSum(builder: KernelBuilder, hint: string, value: Expression): Expression {
  const local = e.builtin('local_index');
  const partial = builder.shared(hint, 'f32', THREADS);
  partial.set(local, value);
  builder.barrier();
  for (let stride = THREADS / 2; stride >= 1; stride /= 2) {
    builder.if(e.lt(local, stride), () =>
      partial.set(local, e.add(partial.at(local), partial.at(e.add(local, stride)))),
    );
    builder.barrier();
  }
  return partial.at(0);
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
