/** Which variant of a kernel a device gets. */
import { chooseVariant } from '@hyb/runtime/program/kernels';
import type { KernelFeature, KernelSpec, KernelVariant } from '@hyb/runtime';
import type { DeviceLimits } from '@hyb/runtime/device/limits';

const variant = (source: string, requires: readonly KernelFeature[], threads: number, memory = 0): KernelVariant => ({
  source,
  requires,
  workgroupSize: [threads, 1, 1],
  workgroupMemory: memory,
});
const spec: KernelSpec = {
  doc: '',
  bindings: [],
  uniforms: [],
  variants: [
    variant('roomy', ['hardware', 'subgroups'], 256, 24_000),
    variant('subgroups', ['hardware', 'subgroups'], 128),
    variant('hardware', ['hardware'], 128),
    variant('core', [], 8),
  ],
};

const LIMITS: DeviceLimits = {
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
  maxStorageBuffersPerShaderStage: 8,
  maxUniformBufferBindingSize: 65_536,
  minUniformBufferOffsetAlignment: 256,
  minStorageBufferOffsetAlignment: 256,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
};

test.each<[string, readonly KernelFeature[], Partial<DeviceLimits>]>([
  ['core', [], {}],
  ['core', ['subgroups', 'shader-f16'], {}],
  ['hardware', ['hardware'], {}],
  ['subgroups', ['hardware', 'subgroups'], {}],
  ['roomy', ['hardware', 'subgroups'], { maxComputeWorkgroupStorageSize: 32_768 }],
  ['core', ['hardware', 'subgroups'], { maxComputeInvocationsPerWorkgroup: 64 }],
])('%s with %j, %j', (source, features, limits) => {
  const device = { features: new Set(features), limits: { ...LIMITS, ...limits } };
  expect(chooseVariant('k', spec, device).source).toBe(source);
});

test('a device that can run none is told what is missing', () => {
  const few = { ...spec, variants: spec.variants.slice(0, 3) };
  expect(() => chooseVariant('k', few, { features: new Set(['subgroups']), limits: LIMITS })).toThrow(
    /No variant of the kernel k runs on this device\. They need: hardware/,
  );
});
