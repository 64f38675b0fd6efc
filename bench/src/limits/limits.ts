/** What the adapter at hand reaches with kernels that do nothing else: the limit that ours are held against. */
import { gpu } from '@hyb/adapter';
import { openDevice } from '@hyb/runtime';
import type { Contender, LimitName, Task } from '../rounds/contender.js';
import { GpuKernel, storageBuffer } from './gpu.js';
import { bestMatmul } from './matmul.js';

/** Workgroups and their invocations that keep an adapter busy, and bytes that no cache holds. */
interface Crowd {
  readonly groups: number;
  readonly threads: number;
  readonly bytes: number;
}

const CROWDS: Readonly<Record<'software' | 'hardware', Crowd>> = {
  software: { groups: 256, threads: 64, bytes: 128 * 2 ** 20 },
  hardware: { groups: 8192, threads: 256, bytes: 2 ** 30 },
};

export function limit(which: LimitName): () => Promise<Contender> {
  return async () => {
    const opened = await openDevice({ gpu: await gpu() });
    const device = opened.gpu;
    const crowd = CROWDS[opened.features.has('hardware') ? 'hardware' : 'software'];
    switch (which) {
      case 'limit-matmul':
        return { version: '', prepare: async (c) => (c.kind === 'linear' ? bestMatmul(device, c) : undefined) };
      case 'limit-arithmetic':
        return { version: '', prepare: () => arithmetic(device, crowd) };
      case 'limit-stream':
        return { version: '', prepare: () => stream(device, crowd) };
      case 'limit-dispatch':
        return { version: '', prepare: () => dispatches(device) };
    }
  };
}

/** Products and sums in registers: 32 independent chains, so that none waits for another. Amount: operations. */
async function arithmetic(device: GPUDevice, { groups: most, threads }: Crowd): Promise<Task> {
  const [steps, groups, chains] = [512, most / 4, 8];
  const names = Array.from({ length: chains }, (_, i) => `a${i}`);
  const code = `
@group(0) @binding(0) var<storage, read_write> result: array<vec4f>;
@compute @workgroup_size(${threads})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let factor = vec4f(f32(id.x) * 1e-9 + 0.999);
  let summand = vec4f(f32(id.x) * 1e-6);
  ${names.map((a, i) => `var ${a} = summand * ${i + 1}.0;`).join('\n  ')}
  for (var i = 0u; i < ${steps}u; i++) {
    ${names.map((a) => `${a} = ${a} * factor + summand;`).join('\n    ')}
  }
  result[id.x] = ${names.join(' + ')};
}`;
  const buffers = [storageBuffer(device, 16 * groups * threads)];
  const kernel = await GpuKernel.create(device, { code, buffers, grid: [groups, 1, 1] });
  return kernel.task(2 * 4 * chains * steps * groups * threads);
}

/** Reads much, once, and keeps a sum. Amount: bytes. */
async function stream(device: GPUDevice, { groups, threads, bytes: most }: Crowd): Promise<Task> {
  const bytes = Math.min(most, 2 ** Math.floor(Math.log2(device.limits.maxStorageBufferBindingSize)));
  const each = bytes / 16 / (groups * threads);
  const code = `
@group(0) @binding(0) var<storage, read> data: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  var sum = array<vec4f, 4>();
  let first = group.x * ${each * threads}u + local;
  for (var i = 0u; i < ${each / 4}u; i++) {
    let at = first + i * ${4 * threads}u;
    sum[0] += data[at];
    sum[1] += data[at + ${threads}u];
    sum[2] += data[at + ${2 * threads}u];
    sum[3] += data[at + ${3 * threads}u];
  }
  result[group.x * ${threads}u + local] = sum[0] + sum[1] + sum[2] + sum[3];
}`;
  const buffers = [storageBuffer(device, bytes), storageBuffer(device, 16 * groups * threads)];
  const kernel = await GpuKernel.create(device, { code, buffers, grid: [groups, 1, 1] });
  return kernel.task(bytes);
}

/** Dispatches that do next to nothing, in one pass. Amount: dispatches. */
async function dispatches(device: GPUDevice): Promise<Task> {
  const code = `
@group(0) @binding(0) var<storage, read_write> result: array<u32>;
@compute @workgroup_size(1)
fn main() {
  result[0] = 1u;
}`;
  const kernel = await GpuKernel.create(device, { code, buffers: [storageBuffer(device, 16)], grid: [1, 1, 1] });
  const each = 1000;
  return {
    amount: each,
    run: (repetitions) => {
      for (let i = 0; i < repetitions; i++) kernel.dispatch(each, 'one pass');
      return kernel.finished();
    },
  };
}
