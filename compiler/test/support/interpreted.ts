/** Runs kernel calls in the checking interpreter: results, and every fault it finds. */
import type { Size } from '@hyb/runtime';
import { evaluateSize } from '@hyb/runtime';
import { describeFault, run as interpret } from '../../src/kernel/check/index.js';
import type { BufferData } from '../../src/kernel/check/index.js';
import type { CallOperand } from '../../src/lower/call.js';
import { Operands, variantOf } from './operands.js';
import type { Run } from './operands.js';

export class InterpretedRun {
  readonly buffers = new Map<string, Float32Array | Uint32Array>();
  readonly faults: string[] = [];
  readonly #operands: Operands;
  /** Values and scratch that nothing has written yet. */
  readonly #fresh = new Set<string>();

  constructor(readonly run: Run) {
    this.#operands = new Operands(run);
  }

  execute(): void {
    for (const call of this.run.calls) {
      const kernel = variantOf(this.run, call);
      const buffers: Record<string, BufferData> = {};
      const uninitialised: string[] = [];
      for (const { name, element } of kernel.buffers) {
        const data = this.buffer(call.bindings[name]!);
        if (this.#fresh.delete(JSON.stringify(call.bindings[name]))) uninitialised.push(name);
        buffers[name] = element === 'weights' ? { storage: 'f32', data: data as Float32Array } : data;
      }
      const uniforms = Object.fromEntries(
        kernel.uniforms.map(({ name }) => {
          const value = call.uniforms[name]!;
          const number =
            typeof value === 'object' && 'f32' in value ? value.f32 : evaluateSize(value as Size, this.run.sizes);
          return [name, number];
        }),
      );
      const grid = call.grid.map((s) => evaluateSize(s, this.run.sizes)) as [number, number, number];
      const { faults } = interpret(kernel, { buffers, uniforms, grid, uninitialised });
      this.faults.push(...faults.map((f) => `${kernel.name}: ${describeFault(f)}`));
    }
  }

  buffer(operand: CallOperand): Float32Array | Uint32Array {
    const key = JSON.stringify(operand);
    let data = this.buffers.get(key);
    if (!data) {
      const initial = this.#operands.initial(operand);
      if (typeof initial === 'number') this.#fresh.add(key);
      // Contents are the caller's: a run works on its own copy.
      data = typeof initial === 'number' ? new Float32Array(initial) : initial.slice();
      this.buffers.set(key, data);
    }
    return data;
  }
}
