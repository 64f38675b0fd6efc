/** Modules with weights in every storage type, by core WGSL and by the device's own types, before the WGSL compiler. */
import { WEIGHT_FORMATS, weightsEnables, weightsPrelude } from '@hyb/runtime';
import type { StorageType } from '@hyb/runtime';
import { KernelBuilder } from '../../src/kernel/build.js';
import * as e from '../../src/kernel/expressions.js';
import { printWgsl } from '../../src/wgsl/index.js';
import { compilerMessages } from '../support/kernel-device.js';

function moduleOf(storage: StorageType, features: ReadonlySet<'shader-f16'>): string {
  const builder = new KernelBuilder();
  const weights = builder.buffer('weights', 'weights', 'read', 'a matrix');
  const out = builder.buffer('out', 'vec4f', 'read_write', 'its elements');
  out.set(e.builtin('workgroup_x'), weights.at(e.builtin('workgroup_x')));
  const kernel = builder.finish({ name: 'copy', doc: 'copies', workgroupSize: [1, 1, 1] });
  return `${weightsEnables([storage], features)}${printWgsl(kernel)}\n${weightsPrelude('weights', storage, features)}`;
}

test.each(Object.keys(WEIGHT_FORMATS) as StorageType[])('%s', async (storage) => {
  const core = moduleOf(storage, new Set());
  expect(core).not.toContain('f16');
  expect(await compilerMessages(core)).toEqual([]);
  const native = moduleOf(storage, new Set(['shader-f16']));
  expect(await compilerMessages(native)).toEqual([]);
  expect(native.includes('vec4<f16>')).toBe(storage === 'f16');
});
