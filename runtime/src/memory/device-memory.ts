import type { Device } from '../device/device.js';
import { overLimit } from '../device/device.js';
import { DeviceError, formatBytes } from '../errors.js';

export type MemoryUseKind = 'weights' | 'states' | 'activations' | 'other';

/** GPUBufferUsage, which is not defined globally everywhere. */
export const USAGE = {
  MAP_READ: 0x1,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  STORAGE: 0x80,
} as const;

/** Makes buffers on a device, counts what they hold, and finds out if there was room for them. */
export class DeviceMemory {
  readonly #device: Device;
  readonly #live = new Map<GPUBuffer, { bytes: number; kind: MemoryUseKind }>();
  readonly #use: Record<MemoryUseKind, number> = { weights: 0, states: 0, activations: 0, other: 0 };
  #pending: Promise<void>[] = [];
  #made = 0;

  constructor(device: Device) {
    this.#device = device;
  }

  get use(): Readonly<Record<MemoryUseKind, number>> {
    return this.#use;
  }

  /** Bytes of the largest buffer that can be bound. */
  get largestStorage(): number {
    const { maxStorageBufferBindingSize, maxBufferSize } = this.#device.limits;
    return Math.min(maxStorageBufferBindingSize, maxBufferSize);
  }

  /** Buffers made so far. */
  get made(): number {
    return this.#made;
  }

  /**
   * A buffer of at least `bytes`, zero at first. Whether there was memory for it is known after `settle`.
   *
   * @throws DeviceError `over-limit`
   */
  buffer(label: string, bytes: number, usage: number, kind: MemoryUseKind): GPUBuffer {
    const { limits, gpu } = this.#device;
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    if (size > limits.maxBufferSize) throw overLimit(label, 'maxBufferSize', size, limits);
    gpu.pushErrorScope('out-of-memory');
    const buffer = gpu.createBuffer({ label, size, usage });
    const held = Object.values(this.#use).reduce((a, b) => a + b, 0);
    this.#pending.push(
      gpu.popErrorScope().then((error) => {
        if (!error) return;
        throw new DeviceError(
          'out-of-memory',
          `There is no room on the GPU for ${label} (${formatBytes(size)}): this model already holds ${formatBytes(held)} there. ` +
            'A narrower `storage` for weights, fewer sequences or a smaller capacity of states need less.',
          { needed: size, available: error.message, cause: error },
        );
      }),
    );
    // Awaited by `settle`; until then a failure must not count as unhandled.
    this.#pending.at(-1)!.catch(() => undefined);
    this.#live.set(buffer, { bytes: size, kind });
    this.#use[kind] += size;
    this.#made++;
    return buffer;
  }

  /** A storage buffer that can be copied from and to. */
  storage(label: string, bytes: number, kind: MemoryUseKind): GPUBuffer {
    const { limits } = this.#device;
    if (bytes > limits.maxStorageBufferBindingSize) {
      throw overLimit(label, 'maxStorageBufferBindingSize', bytes, limits);
    }
    return this.buffer(label, bytes, USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST, kind);
  }

  /** @throws DeviceError `out-of-memory` if a buffer made so far got no memory */
  async settle(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(pending);
    this.#device.check();
  }

  free(buffer: GPUBuffer | undefined): void {
    const entry = buffer && this.#live.get(buffer);
    if (!entry) return;
    this.#live.delete(buffer);
    this.#use[entry.kind] -= entry.bytes;
    buffer.destroy();
  }

  freeAll(): void {
    for (const buffer of [...this.#live.keys()]) this.free(buffer);
  }
}
