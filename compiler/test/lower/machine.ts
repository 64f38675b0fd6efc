/** Runs the kernels of one op on a batch in the checking interpreter, with states that last from call to call. */
import { evaluateSize } from '@hyb/runtime';
import type { Graph } from '../../src/graph/graph.js';
import { describeFault, run } from '../../src/kernel/check/index.js';
import type { Feature, Kernel } from '../../src/kernel/ir.js';
import { verifyKernel } from '../../src/kernel/verify.js';
import type { CallOperand, KernelCall } from '../../src/lower/call.js';
import type { OpAttributes, OpName } from '../../src/ops/attributes.js';
import type { OpState } from '../../src/ops/op.js';
import { opDefinition } from '../../src/ops/table.js';
import { runOnDevice } from '../support/kernel-device.js';
import type { Batch } from './batch.js';
import { sizeOf } from './plain-scope.js';

export type BufferValues = Float32Array | Uint32Array;

/** Runs one kernel; `fresh` are buffers whose contents mean nothing before. */
export type Executor = (
  kernel: Kernel,
  buffers: Readonly<Record<string, BufferValues>>,
  uniforms: Readonly<Record<string, number>>,
  grid: readonly [number, number, number],
  fresh: readonly string[],
) => void | Promise<void>;

/** Faults fail the test. */
export const interpret: Executor = (kernel, buffers, uniforms, grid, fresh) => {
  const { faults } = run(kernel, { buffers, uniforms, grid, uninitialised: fresh });
  expect(faults.map((f) => `${kernel.name}: ${describeFault(f)}`)).toEqual([]);
};

export const interpretFast: Executor = (kernel, buffers, uniforms, grid) => {
  const { faults } = run(kernel, { buffers, uniforms, grid, fast: true });
  expect(faults.map((f) => `${kernel.name}: ${describeFault(f)}`)).toEqual([]);
};

/** As WGSL on the adapter of this machine, on a device with default limits. */
export const onDevice: Executor = async (kernel, buffers, uniforms, grid) => {
  if (!grid.includes(0)) await runOnDevice(kernel, { buffers, uniforms, grid });
};

export interface StateSize {
  readonly slots: number;
  readonly capacity: number;
}

export class Machine {
  readonly states = new Map<string, Float32Array>();
  readonly definitions: readonly OpState[];

  constructor(
    readonly graph: Graph,
    readonly size: StateSize,
    readonly execute: Executor = interpret,
    /** Of the kernels' variants the first is taken that needs no others. */
    readonly features: readonly Feature[] = [],
  ) {
    const node = graph.nodes[graph.output]!;
    const types = node.inputs.map((i) => graph.nodes[i]!.type);
    this.definitions = opDefinition(node.op).state?.(types, node.attributes as OpAttributes[OpName]) ?? [];
    for (const state of this.definitions) {
      const elements = state.dims.reduce((a, b) => a * b, 1) * (state.kind === 'token' ? size.capacity : 1);
      // A fresh sequence must not see what an earlier one left in its slot.
      this.states.set(state.name, new Float32Array(size.slots * elements).fill(1e6));
    }
  }

  /** @returns the op's value */
  async run(calls: readonly KernelCall[], batch: Batch, inputs: readonly Float32Array[]): Promise<Float32Array> {
    const node = this.graph.nodes[this.graph.output]!;
    const output = new Float32Array(sizeOf(node.type, batch.sizes.tokens)).fill(NaN);
    const valueOf = (operand: CallOperand): BufferValues => {
      switch (operand.kind) {
        case 'value':
          return operand.node === node.id ? output : inputs[operand.node]!;
        case 'state':
          return this.states.get(operand.name)!;
        default:
          throw new Error(`no ${operand.kind} here`);
      }
    };
    await runCalls(calls, batch, valueOf, this.execute, this.features);
    return output;
  }
}

/**
 * Runs kernels one after another: the first of each one's variants that needs no other features. Scratch begins without
 * contents and lasts from call to call.
 *
 * @param valueOf buffers of operands that are neither scratch nor tables of the batch
 */
export async function runCalls(
  calls: readonly KernelCall[],
  batch: Batch,
  valueOf: (operand: CallOperand) => BufferValues,
  execute: Executor,
  features: readonly Feature[] = [],
): Promise<void> {
  const scratch = new Map<string, Float32Array>();
  for (const call of calls) {
    const fresh: string[] = [];
    const bufferOf = (name: string, operand: CallOperand): BufferValues => {
      if (operand.kind === 'batch') return batch.tables[operand.table];
      if (operand.kind !== 'scratch') return valueOf(operand);
      const known = scratch.get(operand.name);
      if (known) return known;
      const made = new Float32Array(evaluateSize(operand.elements, batch.sizes)).fill(NaN);
      scratch.set(operand.name, made);
      fresh.push(name);
      return made;
    };
    const buffers = Object.fromEntries(
      Object.entries(call.bindings).map(([name, operand]) => [name, bufferOf(name, operand)]),
    );
    const uniforms = Object.fromEntries(
      Object.entries(call.uniforms).map(([name, value]) => [
        name,
        typeof value === 'object' && 'f32' in value ? value.f32 : evaluateSize(value, batch.sizes),
      ]),
    );
    const grid = call.grid.map((size) => evaluateSize(size, batch.sizes)) as [number, number, number];
    for (const kernel of call.variants) expect(verifyKernel(kernel)).toEqual([]);
    const usable = call.variants.find((v) => v.requires.every((f) => features.includes(f)))!;
    await execute(usable, buffers, uniforms, grid, fresh);
  }
}
