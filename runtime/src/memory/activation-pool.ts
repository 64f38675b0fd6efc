import { evaluateSize, type SizeValues } from '../program/size.js';
import type { ActivationSpec } from '../program/program.js';
import type { DeviceMemory } from './device-memory.js';

/** The buffers that steps of all calls share. They grow to the largest call so far; contents last for one call. */
export class ActivationPool {
  readonly #specs: readonly ActivationSpec[];
  readonly #memory: DeviceMemory;
  readonly #buffers = new Map<string, { buffer: GPUBuffer; bytes: number }>();
  #revision = 0;

  constructor(specs: readonly ActivationSpec[], memory: DeviceMemory) {
    this.#specs = specs;
    this.#memory = memory;
  }

  /** Changes whenever a buffer is replaced, which what was bound to it has to follow. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * Makes room for a call.
   *
   * @param generous sizes to make room for where something has to grow anyway
   */
  ensure(values: SizeValues, generous: SizeValues): void {
    for (const { id, elements } of this.#specs) {
      const needed = Math.max(4, 4 * evaluateSize(elements, values));
      const held = this.#buffers.get(id);
      if (held && held.bytes >= needed) continue;
      const bytes = Math.max(needed, Math.min(4 * evaluateSize(elements, generous), this.#memory.largestStorage));
      this.#memory.free(held?.buffer);
      this.#buffers.delete(id);
      this.#buffers.set(id, { buffer: this.#memory.storage(`activation ${id}`, bytes, 'activations'), bytes });
      this.#revision++;
    }
  }

  get(id: string): GPUBuffer | undefined {
    return this.#buffers.get(id)?.buffer;
  }

  dispose(): void {
    for (const { buffer } of this.#buffers.values()) this.#memory.free(buffer);
    this.#buffers.clear();
    this.#revision++;
  }
}
