/** Runs kernels as WGSL on the WebGPU adapter of this machine, on a device with default limits. */
import { gpu } from '@hyb/adapter';
import type { Feature, Kernel } from '../../src/kernel/ir.js';
import { printWgsl } from '../../src/wgsl/index.js';
import type { Executor } from './machine.js';

// Values of the WebGPU specification; Node has no globals for them.
const USAGE = { mapRead: 0x1, copySrc: 0x4, copyDst: 0x8, uniform: 0x40, storage: 0x80 } as const;

export interface Device {
  readonly features: readonly Feature[];
  readonly execute: Executor;
  destroy(): void;
}

export async function openDevice(features: readonly Feature[] = []): Promise<Device> {
  const adapter = await (await gpu()).requestAdapter();
  const available = features.filter((f) => adapter!.features.has(f));
  const device = await adapter!.requestDevice({ requiredFeatures: available as GPUFeatureName[] });
  const pipelines = new Map<string, Promise<GPUComputePipeline>>();
  const pipelineOf = (kernel: Kernel): Promise<GPUComputePipeline> => {
    const code = printWgsl(kernel);
    let made = pipelines.get(code);
    if (!made) {
      const module = device.createShaderModule({ code });
      made = device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
      pipelines.set(code, made);
    }
    return made;
  };

  const execute: Executor = async (kernel, buffers, uniforms, grid) => {
    if (grid.includes(0)) return;
    const pipeline = await pipelineOf(kernel);
    const made: GPUBuffer[] = [];
    const upload = (data: ArrayBufferView, usage: number): GPUBuffer => {
      const buffer = device.createBuffer({ size: Math.max(16, Math.ceil(data.byteLength / 16) * 16), usage });
      device.queue.writeBuffer(buffer, 0, data as GPUAllowSharedBufferSource);
      made.push(buffer);
      return buffer;
    };
    const storage = kernel.buffers.map((b) => upload(buffers[b.name]!, USAGE.storage | USAGE.copyDst | USAGE.copySrc));
    const entries = storage.map((buffer, binding) => ({
      binding,
      resource: { buffer, size: sizeOf(buffers[kernel.buffers[binding]!.name]!) },
    }));
    if (kernel.uniforms.length > 0) {
      const words = new DataView(new ArrayBuffer(Math.ceil(kernel.uniforms.length / 4) * 16));
      kernel.uniforms.forEach(({ name, type }, i) => {
        if (type === 'f32') words.setFloat32(4 * i, uniforms[name]!, true);
        else words.setUint32(4 * i, uniforms[name]!, true);
      });
      const buffer = upload(new Uint8Array(words.buffer), USAGE.uniform | USAGE.copyDst);
      entries.push({ binding: storage.length, resource: { buffer, size: words.byteLength } });
    }
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(...grid);
    pass.end();
    const readbacks = kernel.buffers.flatMap(({ name, access }, i) => {
      const data = buffers[name]!;
      if (access === 'read' || data.byteLength === 0) return [];
      const target = device.createBuffer({ size: data.byteLength, usage: USAGE.mapRead | USAGE.copyDst });
      encoder.copyBufferToBuffer(storage[i]!, 0, target, 0, data.byteLength);
      made.push(target);
      return [{ data, target }];
    });
    device.queue.submit([encoder.finish()]);
    for (const { data, target } of readbacks) {
      await target.mapAsync(1);
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength).set(new Uint8Array(target.getMappedRange()));
    }
    for (const buffer of made) buffer.destroy();
  };
  return { features: available, execute, destroy: () => device.destroy() };
}

const sizeOf = (data: ArrayBufferView): number => Math.max(16, Math.ceil(data.byteLength / 4) * 4);
