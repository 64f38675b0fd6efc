/** What runs in a browser or in Deno for `hyb verify`: bundled by `npm run build`, without any compiler in it. */
import { createModel, openDevice } from '@hyb/runtime';
import type { Program, WgslSources } from '@hyb/runtime';
import type { Context } from '../environments/environment.js';
import { deviceRunner } from './device-runner.js';
import { measure } from './measure.js';
import type { LayerNumbers, Measurement } from './measure.js';
import { measureTraining } from './measure-training.js';
import { openRecorded } from './recorded.js';

export interface PageArguments {
  readonly program: Program;
  readonly kernels: WgslSources;
  readonly numbers: LayerNumbers;
  /** Compares training instead. */
  readonly training: boolean;
}

export default async function verifyHere(
  { program, kernels, numbers, training }: PageArguments,
  { base, environment }: Context,
): Promise<Measurement> {
  const device = await openDevice();
  const weights = `${base}/checkpoint/`;
  if (training) {
    const recorded = await openRecorded(`${base}/checkpoint/golden.safetensors`);
    try {
      const name = `${environment}: ${device.name}`;
      return await measureTraining({ program, kernels, device, weights, name }, recorded);
    } finally {
      await recorded.close();
      device.dispose();
    }
  }
  const model = await createModel(program, kernels, { device, weights, storage: 'f32', unexpected: 'ignore' });
  const recorded = await openRecorded(`${base}/checkpoint/golden.safetensors`);
  try {
    return await measure(deviceRunner(model, `${environment}: ${device.name}`), recorded, numbers);
  } finally {
    await recorded.close();
    model.dispose();
    device.dispose();
  }
}
