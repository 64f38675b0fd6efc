import type { Device } from '../device/device.js';
import type { Program } from '../program/program.js';
import { rotaryRows, rotaryTable } from '../program/rotary.js';
import type { DeviceMemory } from './device-memory.js';

/** The program's rotary tables, long enough for the longest state so far. */
export class RotaryTables {
  readonly #program: Program;
  readonly #device: Device;
  readonly #memory: DeviceMemory;
  readonly #buffers = new Map<string, GPUBuffer>();
  #capacity = 0;
  #revision = 0;

  constructor(program: Program, device: Device, memory: DeviceMemory) {
    this.#program = program;
    this.#device = device;
    this.#memory = memory;
  }

  get revision(): number {
    return this.#revision;
  }

  ensure(capacity: number): void {
    if (this.#program.tables.length === 0 || capacity <= this.#capacity) return;
    const room = Math.max(capacity, 2 * this.#capacity);
    for (const spec of this.#program.tables) {
      const values = rotaryTable(spec, 0, rotaryRows(room));
      this.#memory.free(this.#buffers.get(spec.id));
      const buffer = this.#memory.storage(`rotary table ${spec.id}`, values.byteLength, 'other');
      this.#device.gpu.queue.writeBuffer(buffer, 0, values);
      this.#buffers.set(spec.id, buffer);
    }
    this.#capacity = room;
    this.#revision++;
  }

  get(id: string): GPUBuffer | undefined {
    return this.#buffers.get(id);
  }
}
