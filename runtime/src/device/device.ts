import { DeviceError, formatBytes } from '../errors.js';
import { messageOf } from '../messages.js';
import type { KernelFeature } from '../program/program.js';
import { effectiveLimits, limitsToRequest, type DeviceLimits } from './limits.js';

export interface DeviceOptions {
  /** Where adapters come from; without it `navigator.gpu`. In Node: `await gpu()` of `@hyb/adapter`. */
  readonly gpu?: GPU;
  /** An adapter of one's own, to open a device on. */
  readonly adapter?: GPUAdapter;
  /** A device of one's own, to be used as it is: with the limits and features it was requested with. Never destroyed here. */
  readonly device?: GPUDevice;
  readonly powerPreference?: GPUPowerPreference;
  /** Limits to stay under though the device has more. */
  readonly limits?: Partial<DeviceLimits>;
  /** Optional features that may be used, `hardware` among them; default: all there are. `[]` gives the core variants. */
  readonly features?: readonly KernelFeature[];
}

const OPTIONAL_FEATURES = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'] as const;

/** A WebGPU device with what the runtime needs to know of it: limits, features, and whether it still works. */
export class Device {
  readonly gpu: GPUDevice;
  readonly limits: DeviceLimits;
  readonly features: ReadonlySet<KernelFeature>;
  /** `vendor architecture`, as far as the adapter tells. */
  readonly name: string;
  readonly #owned: boolean;
  #failure: DeviceError | undefined;
  #lost: DeviceError | undefined;
  #disposed = false;
  readonly #onError: (event: GPUUncapturedErrorEvent) => void;

  /** Use `openDevice`. */
  constructor(gpu: GPUDevice, options: DeviceOptions, owned: boolean) {
    this.gpu = gpu;
    this.#owned = owned;
    this.limits = effectiveLimits(gpu.limits, options.limits);
    const info = (gpu.adapterInfo as GPUAdapterInfo | undefined) ?? options.adapter?.info;
    const there: KernelFeature[] = OPTIONAL_FEATURES.filter((name) => gpu.features.has(name));
    if (!isSoftware(info)) there.push('hardware');
    const { features } = options;
    this.features = new Set(features ? there.filter((name) => features.includes(name)) : there);
    this.name = [info?.vendor, info?.architecture].filter(Boolean).join(' ') || 'GPU';
    this.#onError = (event) => {
      this.#failure ??= failureOf(event.error);
    };
    gpu.addEventListener('uncapturederror', this.#onError);
    void gpu.lost.then((info) => {
      if (this.#disposed) return;
      this.#lost = new DeviceError(
        'device-lost',
        `The GPU device was lost (${info.reason || 'unknown reason'}${info.message ? `: ${info.message.trim()}` : ''}). ` +
          'Everything on it is gone: open a device anew and load the model again. If it happens again with the same ' +
          'prompt, a smaller `pieceTokens` keeps single pieces of work shorter.',
        { available: info.message },
      );
    });
  }

  /** Throws what has gone wrong on the device since it was opened. Call after waiting for it. */
  check(): void {
    if (this.#disposed) throw new DeviceError('disposed', 'The device was disposed.');
    if (this.#lost) throw this.#lost;
    if (this.#failure) throw this.#failure;
  }

  /** Waits for `promise`, a result of the device; if the device failed meanwhile, that is what is thrown. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    try {
      const value = await promise;
      this.check();
      return value;
    } catch (error) {
      // `lost` resolves after what it made fail.
      await Promise.resolve();
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.check();
      throw error;
    }
  }

  /** Waits until everything submitted so far is done. */
  async idle(): Promise<void> {
    await this.wait(this.gpu.queue.onSubmittedWorkDone());
  }

  /** Records commands and submits them. */
  record(commands: (encoder: GPUCommandEncoder) => void): void {
    const encoder = this.gpu.createCommandEncoder();
    commands(encoder);
    this.gpu.queue.submit([encoder.finish()]);
  }

  /** Destroys the device if it was opened here. Models on it are gone with it. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.gpu.removeEventListener('uncapturederror', this.#onError);
    if (this.#owned) this.gpu.destroy();
  }
}

/** Whether an adapter computes on the CPU, where other kernels are fast. */
function isSoftware(info: GPUAdapterInfo | undefined): boolean {
  if (!info) return false;
  const names = [info.vendor, info.architecture, info.device, info.description].join(' ');
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(names);
}

function failureOf(error: GPUError): DeviceError {
  const outOfMemory = error.constructor.name === 'GPUOutOfMemoryError';
  return outOfMemory
    ? new DeviceError('out-of-memory', `The GPU is out of memory: ${error.message}`, { cause: error })
    : new DeviceError(
        'gpu-failure',
        `The GPU refused a command, which is a fault of this program rather than of yours: ${error.message}`,
        { cause: error },
      );
}

/**
 * Opens a device with all limits and features that the adapter has and kernels can use.
 *
 * @throws DeviceError `no-webgpu`, `no-adapter`, `missing-feature`
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  if (options.device) return new Device(options.device, options, false);
  const adapter = options.adapter ?? (await requestAdapter(options));
  const allowed: readonly KernelFeature[] = options.features ?? OPTIONAL_FEATURES;
  const requiredFeatures = OPTIONAL_FEATURES.filter((name) => allowed.includes(name) && adapter.features.has(name));
  try {
    const device = await adapter.requestDevice({
      // The types do not know experimental ones.
      requiredFeatures: requiredFeatures as GPUFeatureName[],
      requiredLimits: limitsToRequest(adapter.limits),
    });
    return new Device(device, { ...options, adapter }, true);
  } catch (error) {
    throw new DeviceError('no-adapter', `The adapter gave no device: ${messageOf(error)}`, { cause: error });
  }
}

async function requestAdapter(options: DeviceOptions): Promise<GPUAdapter> {
  const gpu = options.gpu ?? (globalThis.navigator as Navigator | undefined)?.gpu;
  if (!gpu) throw new DeviceError('no-webgpu', noWebGPU(), { needed: 'WebGPU', available: 'none' });
  const { powerPreference = 'high-performance' } = options;
  const adapter = await gpu.requestAdapter({ powerPreference });
  if (adapter) return adapter;
  throw new DeviceError(
    'no-adapter',
    'WebGPU is here but offers no adapter: there is no GPU that it can use, or its driver is too old. ' +
      'In Node the package `@hyb/adapter` computes on the CPU instead; Chrome does so with `--enable-unsafe-swiftshader`.',
    { needed: 'a WebGPU adapter', available: 'none' },
  );
}

function noWebGPU(): string {
  const where = globalThis as { process?: { versions?: { node?: string } }; Deno?: unknown; isSecureContext?: boolean };
  if (where.Deno) return 'Deno has WebGPU behind a flag in this version: run `deno run --unstable-webgpu …`.';
  if (where.process?.versions?.node) {
    return (
      'Node has no WebGPU of its own. Install `@hyb/adapter` and hand its GPU over: ' +
      "`import { gpu } from '@hyb/adapter'; openDevice({ gpu: await gpu() })`, " +
      'or call its `installGPU()` once, which defines `navigator.gpu`.'
    );
  }
  if (where.isSecureContext === false) return 'Browsers offer WebGPU to pages from https and localhost only.';
  return 'This browser has no WebGPU: Chrome and Edge 113, Safari 26 and Firefox 141 or newer do.';
}

/** A limit that cannot be kept by splitting. */
export function overLimit(what: string, limit: keyof DeviceLimits, needed: number, limits: DeviceLimits): DeviceError {
  const bytes = /Size$/.test(limit) && !/WorkgroupSize/.test(limit);
  const show = (value: number): string => (bytes ? formatBytes(value) : String(value));
  return new DeviceError(
    'over-limit',
    `${what} needs ${show(needed)}, but this device's ${limit} is ${show(limits[limit])}.`,
    { needed, available: limits[limit] },
  );
}
