/** As little as it takes to run a kernel many times. */
import type { Task } from '../rounds/contender.js';

const USAGE = { STORAGE: 0x80, COPY_DST: 0x8, COPY_SRC: 0x4, MAP_READ: 0x1, UNIFORM: 0x40 } as const;

export function storageBuffer(device: GPUDevice, contents: Float32Array | Uint16Array | number): GPUBuffer {
  const size = typeof contents === 'number' ? contents : contents.byteLength;
  const buffer = device.createBuffer({ size, usage: USAGE.STORAGE | USAGE.COPY_DST | USAGE.COPY_SRC });
  if (typeof contents !== 'number') {
    device.queue.writeBuffer(buffer, 0, contents.buffer as ArrayBuffer, contents.byteOffset, contents.byteLength);
  }
  return buffer;
}

export async function readBuffer(device: GPUDevice, source: GPUBuffer): Promise<ArrayBuffer> {
  const staging = device.createBuffer({ size: source.size, usage: USAGE.MAP_READ | USAGE.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(source, 0, staging, 0, source.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(USAGE.MAP_READ);
  const copy = staging.getMappedRange().slice(0);
  staging.destroy();
  return copy;
}

export interface KernelDescription {
  readonly code: string;
  /** Bound in order; uniforms (u32) after them. */
  readonly buffers: readonly GPUBuffer[];
  readonly uniforms?: readonly number[];
  readonly grid: readonly [number, number, number];
}

export class GpuKernel {
  private constructor(
    readonly device: GPUDevice,
    readonly pipeline: GPUComputePipeline,
    readonly group: GPUBindGroup,
    readonly grid: readonly [number, number, number],
  ) {}

  static async create(
    device: GPUDevice,
    { code, buffers, uniforms = [], grid }: KernelDescription,
  ): Promise<GpuKernel> {
    const pipeline = await device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
    });
    const bound = [...buffers];
    if (uniforms.length > 0) {
      const size = 16 * Math.ceil(uniforms.length / 4);
      const buffer = device.createBuffer({ size, usage: USAGE.UNIFORM | USAGE.COPY_DST });
      device.queue.writeBuffer(buffer, 0, Uint32Array.from(uniforms));
      bound.push(buffer);
    }
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: bound.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    return new GpuKernel(device, pipeline, group, grid);
  }

  /** Submits so many dispatches, one after another. A pass each: dispatches of one pass may overlap on some devices. */
  dispatch(repetitions: number, passes: 'one pass' | 'a pass each' = 'a pass each'): void {
    const encoder = this.device.createCommandEncoder();
    const each = passes === 'one pass' ? repetitions : 1;
    for (let i = 0; i < repetitions; i += each) {
      const pass = encoder.beginComputePass();
      pass.setPipeline(this.pipeline);
      pass.setBindGroup(0, this.group);
      for (let j = 0; j < each; j++) pass.dispatchWorkgroups(...this.grid);
      pass.end();
    }
    this.device.queue.submit([encoder.finish()]);
  }

  async finished(): Promise<void> {
    await this.device.queue.onSubmittedWorkDone();
  }

  /** @param amount of one dispatch */
  task(amount: number): Task {
    return {
      amount,
      run: (repetitions) => {
        this.dispatch(repetitions);
        return this.finished();
      },
    };
  }
}
