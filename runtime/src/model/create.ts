import { Device, openDevice, type DeviceOptions } from '../device/device.js';
import { UsageError } from '../errors.js';
import { DeviceMemory } from '../memory/device-memory.js';
import { Executor } from '../program/executor.js';
import { Kernels } from '../program/kernels.js';
import type { Program, WgslSources } from '../program/program.js';
import { checkProgram } from '../program/check.js';
import { openCheckpoint } from '../weights/checkpoint.js';
import { streamWeights } from '../weights/load.js';
import { matchCheckpoint } from '../weights/match.js';
import { placeWeights } from '../weights/placement.js';
import { LoadedModel } from './loaded-model.js';
import type { LoadOptions, Model } from './types.js';

export interface CreateOptions extends LoadOptions {
  /** Default: one is opened with `openDevice()`, and destroyed with the model. */
  readonly device?: Device | GPUDevice | undefined;
}

const PIECE_TOKENS = 1024;

/**
 * Loads a compiled program's weights and kernels on a device. Packages call this; their `load` is the same with the
 * program filled in.
 *
 * @param sources WGSL by the names that the program's kernel variants say
 * @throws DeviceError, ProgramError, WeightsError; the signal's reason if aborted. Nothing stays on the device then.
 */
export async function createModel(program: Program, sources: WgslSources, options: CreateOptions): Promise<Model> {
  const { signal, storage, nonFinite = 'error', unexpected = 'error', pieceTokens = PIECE_TOKENS } = options;
  const warn = options.onWarning ?? ((message: string) => console.warn(message));
  if (!Number.isSafeInteger(pieceTokens) || pieceTokens < 1) {
    throw new UsageError('bad-argument', `pieceTokens has to be a positive integer, not ${pieceTokens}.`);
  }
  signal?.throwIfAborted();
  checkProgram(program);

  const owned: { dispose(): void }[] = [];
  const failed = new AbortController();
  const checkpoint = await openCheckpoint(options.weights, signal);
  let memory: DeviceMemory | undefined;
  try {
    const found = matchCheckpoint(program, checkpoint, { unexpected, warn });
    const device = await deviceOf(options.device, owned);
    memory = new DeviceMemory(device);
    const weights = placeWeights(program, storage, device, memory);
    await memory.settle();
    const kernels = new Kernels(program, sources, device);
    const executor = new Executor(program, device, memory, kernels, weights);
    // Pipelines compile while weights arrive.
    const compiled = executor.compile(failed.signal);
    compiled.catch(() => undefined);
    const { onProgress } = options;
    await streamWeights(program, found, weights, device, { storage, nonFinite, warn, onProgress, signal });
    await compiled;
    await executor.prepare();
    return new LoadedModel({ executor, kernels, tokenizer: options.tokenizer, pieceTokens, owned });
  } catch (error) {
    failed.abort();
    memory?.freeAll();
    for (const disposable of owned) disposable.dispose();
    throw error;
  } finally {
    await checkpoint.close();
  }
}

async function deviceOf(device: Device | GPUDevice | undefined, owned: { dispose(): void }[]): Promise<Device> {
  if (device instanceof Device) return device;
  const opened = await openDevice(device ? ownDevice(device) : {});
  owned.push(opened);
  return opened;
}

/** A GPUDevice, or the `Device` of another copy of this runtime: each package may have been installed with its own. */
function ownDevice(device: Device | GPUDevice): DeviceOptions {
  if (!('gpu' in device)) return { device };
  return { device: device.gpu, limits: device.limits, features: [...device.features] };
}
