import { installGPU } from '@hyb/adapter';

/** WebGPU for tests: the software adapter, also where there is a GPU, unless HYB_ADAPTER=hardware asks for that. */
export function installTestedGPU(): Promise<GPU> {
  return installGPU({ kind: process.env['HYB_ADAPTER'] === 'hardware' ? 'hardware' : 'software' });
}
