import type { Device } from '../device/device.js';
import { USAGE, type DeviceMemory } from './device-memory.js';

export interface Region {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** A copy of device memory on its way to the host. */
export interface Staged {
  /** Waits for it. Once only. */
  take(): Promise<Uint8Array<ArrayBuffer>>;
  /** Instead of `take`, if nobody wants it any more. */
  discard(): void;
}

/** Brings device memory to the host. */
export class Readback {
  readonly #device: Device;
  readonly #memory: DeviceMemory;
  /** Staging buffers that are not in use, by size. */
  readonly #idle = new Map<number, GPUBuffer[]>();
  #count = 0;

  constructor(device: Device, memory: DeviceMemory) {
    this.#device = device;
    this.#memory = memory;
  }

  /** Times the host waited for data. */
  get count(): number {
    return this.#count;
  }

  /**
   * Puts copies of regions, one after another, at the end of what the encoder does. Once it is submitted
   * call `take`, which resolves to the bytes, or `discard`.
   */
  stage(encoder: GPUCommandEncoder, regions: readonly Region[]): Staged {
    const bytes = regions.reduce((sum, region) => sum + region.bytes, 0);
    const size = Math.max(256, 2 ** Math.ceil(Math.log2(Math.max(1, bytes))));
    const staging = this.#take(Math.min(size, Math.max(bytes, this.#device.limits.maxBufferSize)));
    let at = 0;
    for (const { buffer, offset, bytes: length } of regions) {
      if (length > 0) encoder.copyBufferToBuffer(buffer, offset, staging, at, length);
      at += length;
    }
    const take = async (): Promise<Uint8Array<ArrayBuffer>> => {
      this.#count++;
      if (bytes === 0) return new Uint8Array(0);
      try {
        await this.#device.wait(staging.mapAsync(1, 0, Math.ceil(bytes / 8) * 8));
        const result = new Uint8Array(staging.getMappedRange(0, Math.ceil(bytes / 8) * 8).slice(0, bytes));
        staging.unmap();
        this.#give(staging);
        return result;
      } catch (error) {
        this.#memory.free(staging);
        throw error;
      }
    };
    return { take, discard: () => this.#memory.free(staging) };
  }

  /** Reads regions now, in portions that keep staging memory small. */
  async read(regions: readonly Region[], into: Uint8Array, at = 0): Promise<void> {
    const most = Math.min(PORTION, this.#device.limits.maxBufferSize);
    let portion: Region[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      let staged: Staged;
      this.#device.record((encoder) => (staged = this.stage(encoder, portion)));
      into.set(await staged!.take(), at);
      at += bytes;
      portion = [];
      bytes = 0;
    };
    for (const { buffer, offset, bytes: length } of regions) {
      for (let done = 0; done < length;) {
        const taken = Math.min(length - done, most - bytes);
        portion.push({ buffer, offset: offset + done, bytes: taken });
        bytes += taken;
        done += taken;
        if (bytes === most) await flush();
      }
    }
    if (bytes > 0) await flush();
  }

  #take(size: number): GPUBuffer {
    const idle = this.#idle.get(size)?.pop();
    return idle ?? this.#memory.buffer('readback', size, USAGE.MAP_READ | USAGE.COPY_DST, 'other');
  }

  #give(staging: GPUBuffer): void {
    const idle = this.#idle.get(staging.size) ?? [];
    this.#idle.set(staging.size, idle);
    // Large ones are rarely needed again.
    if (staging.size <= PORTION && idle.length < 4) idle.push(staging);
    else this.#memory.free(staging);
  }
}

const PORTION = 16 * 1024 * 1024;
