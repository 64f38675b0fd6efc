/** Runs kernel calls on the software adapter, straight from buffers: what lowering is tested with. */
import { installTestedGPU } from './tested-adapter.js';
import type { Size } from '@hyb/runtime';
import { evaluateSize, weightsPrelude } from '@hyb/runtime';
import type { CallOperand } from '../../src/lower/call.js';
import { printWgsl } from '../../src/wgsl/index.js';
import { Operands, variantOf } from './operands.js';
import type { Run } from './operands.js';

let opened: Promise<GPUDevice> | undefined;
/** A device with default limits, shared by the tests of a file. */
export function device(): Promise<GPUDevice> {
  opened ??= (async () => {
    const adapter = await (await installTestedGPU()).requestAdapter();
    const made = await adapter!.requestDevice({ requiredFeatures: ['subgroups'] });
    made.addEventListener('uncapturederror', (event) =>
      console.error((event as GPUUncapturedErrorEvent).error.message),
    );
    return made;
  })();
  return opened;
}

export class CallRunner {
  readonly buffers = new Map<string, GPUBuffer>();
  readonly #operands: Operands;
  constructor(
    readonly gpu: GPUDevice,
    readonly run: Run,
  ) {
    this.#operands = new Operands(run);
  }

  async execute(): Promise<void> {
    const { gpu, run } = this;
    const encoder = gpu.createCommandEncoder();
    for (const call of run.calls) {
      const kernel = variantOf(run, call);
      const preludes = kernel.buffers.filter((b) => b.element === 'weights').map((b) => weightsPrelude(b.name, 'f32'));
      const code = [printWgsl(kernel), ...preludes].join('\n');
      gpu.pushErrorScope('validation');
      const pipeline = gpu.createComputePipeline({
        layout: 'auto',
        compute: { module: gpu.createShaderModule({ code }), entryPoint: 'main' },
      });
      const entries: GPUBindGroupEntry[] = kernel.buffers.map((b, i) => ({
        binding: i,
        resource: { buffer: this.buffer(call.bindings[b.name]!) },
      }));
      if (kernel.uniforms.length > 0) {
        const data = new DataView(new ArrayBuffer(Math.ceil(kernel.uniforms.length / 4) * 16));
        kernel.uniforms.forEach((u, i) => {
          const value = call.uniforms[u.name]!;
          if (typeof value === 'object' && 'f32' in value) data.setFloat32(4 * i, value.f32, true);
          else data.setUint32(4 * i, evaluateSize(value as Size, run.sizes), true);
        });
        const uniform = gpu.createBuffer({
          size: data.byteLength,
          usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
        });
        gpu.queue.writeBuffer(uniform, 0, data.buffer);
        entries.push({ binding: kernel.buffers.length, resource: { buffer: uniform } });
      }
      const group = gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
      const error = await gpu.popErrorScope();
      if (error) throw new Error(`${error.message}\n${code}`);
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      const [x, y, z] = call.grid.map((s) => evaluateSize(s, run.sizes)) as [number, number, number];
      pass.dispatchWorkgroups(x, y, z);
      pass.end();
    }
    gpu.queue.submit([encoder.finish()]);
  }

  buffer(operand: CallOperand): GPUBuffer {
    const key = JSON.stringify(operand);
    const known = this.buffers.get(key);
    if (known) return known;
    const data = this.#operands.initial(operand);
    const size = Math.max(16, typeof data === 'number' ? 4 * data : data.byteLength);
    const buffer = this.gpu.createBuffer({
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    });
    if (typeof data !== 'number')
      this.gpu.queue.writeBuffer(buffer, 0, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    this.buffers.set(key, buffer);
    return buffer;
  }

  async read(operand: CallOperand): Promise<Float32Array> {
    const source = this.buffer(operand);
    const staging = this.gpu.createBuffer({
      size: source.size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    const encoder = this.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(source, 0, staging, 0, source.size);
    this.gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    return new Float32Array(staging.getMappedRange().slice(0));
  }
}
