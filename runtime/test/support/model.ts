import { gpu } from '@hyb/adapter';
import {
  createModel,
  openDevice,
  type CreateOptions,
  type Device,
  type DeviceOptions,
  type Model,
  type Program,
} from '@hyb/runtime';
import { tinyWeights, type TinyWeights } from './reference.js';
import { f32, writeSafetensors } from './safetensors.js';
import { tinySources } from './tiny-program.js';

export async function testDevice(options: DeviceOptions = {}): Promise<Device> {
  return openDevice({ gpu: await gpu(), ...options });
}

export function checkpointOf(program: Program, weights: TinyWeights): Uint8Array {
  const tensors = program.parameters.map(({ path, shape }) => [path, f32(weights.get(path)!, shape)] as const);
  return writeSafetensors(Object.fromEntries(tensors));
}

export async function tinyModel(
  program: Program,
  device: Device,
  options: Partial<CreateOptions> = {},
  weights = tinyWeights(program),
): Promise<Model> {
  return createModel(program, tinySources, { device, weights: checkpointOf(program, weights), ...options });
}

/** Largest difference, relative to the largest expected value. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  let scale = 1e-30;
  for (let i = 0; i < expected.length; i++) {
    const delta = Math.abs(actual[i]! - expected[i]!);
    worst = Number.isNaN(delta) ? Infinity : Math.max(worst, delta);
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return worst / scale;
}
