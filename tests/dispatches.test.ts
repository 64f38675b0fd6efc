/** Dispatches of a decoding step as the runtime encodes them, counted on a WebGPU device that records and computes nothing. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile } from '@hyb/compiler';
import { Device } from '../runtime/src/device/device.js';
import { DeviceMemory } from '../runtime/src/memory/device-memory.js';
import { sizesOf } from '../runtime/src/program/batch.js';
import { Executor } from '../runtime/src/program/executor.js';
import { Kernels } from '../runtime/src/program/kernels.js';
import type { Program } from '../runtime/src/program/program.js';
import { makeBanks } from '../runtime/src/state/banks.js';
import { placeWeights } from '../runtime/src/weights/placement.js';

/** The limits that every WebGPU device has (https://www.w3.org/TR/webgpu/#limits). */
const DEFAULT_LIMITS = {
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxBufferSize: 256 * 2 ** 20,
  maxStorageBuffersPerShaderStage: 8,
  maxUniformBufferBindingSize: 64 * 2 ** 10,
  minUniformBufferOffsetAlignment: 256,
  minStorageBufferOffsetAlignment: 256,
  maxComputeWorkgroupStorageSize: 16 * 2 ** 10,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65_535,
};

/** A device whose buffers hold nothing, which checks what it is bound to and counts calls of `dispatchWorkgroups`. */
function recorder(): { gpu: GPUDevice; count: { dispatches: number } } {
  const count = { dispatches: 0 };
  const pass = {
    setPipeline: () => undefined,
    setBindGroup: () => undefined,
    dispatchWorkgroups: () => void count.dispatches++,
    end: () => undefined,
  };
  const checkBinding = ({ resource }: GPUBindGroupEntry): void => {
    const { buffer, size = buffer.size } = resource as GPUBufferBinding;
    expect(size).toBeLessThanOrEqual(DEFAULT_LIMITS.maxStorageBufferBindingSize);
  };
  const gpu = {
    limits: DEFAULT_LIMITS,
    features: new Set<string>(),
    adapterInfo: { vendor: '', architecture: '', device: '', description: '', isFallbackAdapter: false },
    lost: new Promise(() => undefined),
    queue: { writeBuffer: () => undefined, submit: () => undefined },
    addEventListener: () => undefined,
    pushErrorScope: () => undefined,
    popErrorScope: () => Promise.resolve(null),
    createBuffer: ({ size }: GPUBufferDescriptor) => ({ size, destroy: () => undefined }),
    createShaderModule: () => ({}),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createComputePipelineAsync: () => Promise.resolve({}),
    createBindGroup: ({ entries }: { entries: readonly GPUBindGroupEntry[] }) => {
      entries.forEach(checkBinding);
      return {};
    },
    createCommandEncoder: () => ({ beginComputePass: () => pass, finish: () => ({}) }),
  };
  return { gpu: gpu as unknown as GPUDevice, count };
}

const root = fileURLToPath(new URL('../', import.meta.url));
const host = { read: (path: string): string => readFileSync(`${root}${path}`, 'utf8') };

function programOf(file: string): { program: Program; sources: Record<string, string> } {
  const { program, kernels } = compile(host, `models/${file}.hyb`).compiled!.plan;
  return { program, sources: Object.fromEntries([...kernels.keys()].map((name) => [name, ''])) };
}

/** One token of one sequence through all layers and the sampler, in bf16. */
async function decodeOnce(file: string): Promise<number> {
  const { program, sources } = programOf(file);
  const { gpu, count } = recorder();
  const device = new Device(gpu, {}, false);
  const memory = new DeviceMemory(device);
  const weights = placeWeights(program, 'bf16', device, memory);
  const executor = new Executor(program, device, memory, new Kernels(program, sources, device), weights);
  await executor.compile();
  const [bank] = makeBanks(program.states, 1, 1024, 1, memory);
  const buffers = executor.makeBuffers();
  const sizes = sizesOf([{ tokens: [1], slot: 0, position: 1000, rows: 'last' }], bank!);
  executor.submit([executor.plan('decode', sizes, bank!, buffers), executor.samplePlan(sizes, bank!, buffers)]);
  return count.dispatches;
}

test('the 8B decodes a token in at most 230 dispatches on default limits, embedding, head and sampling included', async () => {
  const dispatches = await decodeOnce('nemotron-h-8b');
  // 8 parts each of embedding and head; Mamba-2: 2 parts of the in-projection, recurrence, out-projection; MLP: 2 parts of
  // both products; attention: product with cache, splits, merging, out-projection; sampling: 4.
  expect(dispatches).toBe(8 + 24 * (2 + 1 + 1) + 24 * (2 + 2) + 4 * 4 + 8 + 4);
  expect(dispatches).toBeLessThanOrEqual(230);
});

test('rotary embedding and the cache take no dispatches of their own', async () => {
  const { program } = programOf('llama-3.1-8b');
  const stage = program.stages.find(({ id }) => id === program.schedule[1]!.stage)!;
  expect(stage.decode).toHaveLength(4);
});
