/** Runs one kernel on the adapter, on the same plain arrays that the checking interpreter takes. */
import { gpu, installGPU } from '@hyb/adapter';
import { weightsPrelude } from '@hyb/runtime';
import type { BufferData, RunOptions, WeightsBuffer } from '@hyb/compiler/kernel/check/index';
import type { Kernel } from '@hyb/compiler/kernel/ir';
import { printWgsl } from '@hyb/compiler/wgsl/index';

let opened: Promise<GPUDevice> | undefined;

/** A device with default limits and what features the adapter has of those that kernels use. */
export function kernelDevice(): Promise<GPUDevice> {
  opened ??= (async () => {
    const adapter = await (await installGPU()).requestAdapter();
    if (!adapter) throw new Error('No adapter.');
    const features = (['subgroups', 'shader-f16'] as const).filter((feature) => adapter.features.has(feature));
    return adapter.requestDevice({ requiredFeatures: features });
  })();
  return opened;
}

/** The module that the runtime would make: the kernel's text and the preludes of its weights. */
export function moduleSource(kernel: Kernel, options: Pick<RunOptions, 'buffers' | 'constants'>): string {
  const preludes = kernel.buffers
    .filter((b) => b.element === 'weights')
    .map((b) => weightsPrelude(b.name, storageOf(options.buffers[b.name])));
  return [printWgsl(kernel, options.constants ? { constants: options.constants } : {}), ...preludes].join('\n');
}

let compiler: Promise<GPUDevice> | undefined;

/** A device that computes nothing and has every feature: for the front end of the WGSL compiler. */
function compilerDevice(): Promise<GPUDevice> {
  compiler ??= (async () => {
    const instance = await gpu({ flags: ['backend=null', 'enable-dawn-features=allow_unsafe_apis'] });
    const adapter = await instance.requestAdapter();
    if (!adapter) throw new Error('Dawn has no null backend.');
    return adapter.requestDevice({
      requiredFeatures: ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix' as GPUFeatureName],
    });
  })();
  return compiler;
}

/** What the WGSL compiler has against a source, errors and warnings, whatever features it needs. */
export async function compilerMessages(source: string): Promise<readonly string[]> {
  const device = await compilerDevice();
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ code: source });
  const { messages } = await module.getCompilationInfo();
  await device.popErrorScope();
  return messages.filter((m) => m.type !== 'info').map((m) => `${m.lineNum}:${m.linePos} ${m.message}`);
}

/**
 * Runs the kernel and writes the results back into the arrays that it may write.
 *
 * @throws Error with the source, when the device objects
 */
export async function runOnDevice(
  kernel: Kernel,
  options: Pick<RunOptions, 'buffers' | 'uniforms' | 'grid' | 'constants'>,
): Promise<void> {
  const device = await kernelDevice();
  const source = moduleSource(kernel, options);
  device.pushErrorScope('validation');
  const buffers = kernel.buffers.map(({ name }) => upload(device, bytesOf(options.buffers[name])));
  const entries = [...buffers];
  if (kernel.uniforms.length > 0) entries.push(uploadUniforms(device, kernel, options.uniforms ?? {}));
  const { layout, pipeline } = pipelineOf(device, kernel, source);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({ layout, entries: entries.map((buffer, binding) => ({ binding, resource: { buffer } })) }),
  );
  pass.dispatchWorkgroups(...options.grid);
  pass.end();
  const readbacks = kernel.buffers.map((b, i) => {
    if (b.access === 'read') return undefined;
    const { size } = buffers[i]!;
    const readback = device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
    encoder.copyBufferToBuffer(buffers[i]!, 0, readback, 0, size);
    return { name: b.name, readback };
  });
  device.queue.submit([encoder.finish()]);
  const error = await device.popErrorScope();
  if (error) throw new Error(`${error.message}\n${source}`);
  for (const each of readbacks) {
    if (!each) continue;
    await each.readback.mapAsync(GPUMapMode.READ);
    const target = bytesOf(options.buffers[each.name]);
    target.set(new Uint8Array(each.readback.getMappedRange(), 0, target.length));
    each.readback.destroy();
  }
  for (const buffer of entries) buffer.destroy();
}

interface Made {
  readonly layout: GPUBindGroupLayout;
  readonly pipeline: GPUComputePipeline;
}
const pipelines = new Map<string, Made>();

/** The same text is compiled once: on a software adapter that takes longer than running it. */
function pipelineOf(device: GPUDevice, kernel: Kernel, source: string): Made {
  const known = pipelines.get(source);
  if (known) return known;
  const types: GPUBufferBindingType[] = kernel.buffers.map((b) =>
    b.access === 'read' ? 'read-only-storage' : 'storage',
  );
  if (kernel.uniforms.length > 0) types.push('uniform');
  const layout = device.createBindGroupLayout({
    entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
  });
  const pipeline = device.createComputePipeline({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module: device.createShaderModule({ code: source }), entryPoint: 'main' },
  });
  const made = { layout, pipeline };
  pipelines.set(source, made);
  return made;
}

function storageOf(data: BufferData | undefined): WeightsBuffer['storage'] {
  return data !== undefined && 'storage' in data ? data.storage : 'f32';
}

function bytesOf(data: BufferData | undefined): Uint8Array {
  if (data === undefined) throw new Error('Nothing is bound.');
  const view = 'storage' in data ? data.data : data;
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function upload(device: GPUDevice, bytes: Uint8Array): GPUBuffer {
  const size = Math.max(16, Math.ceil(bytes.length / 16) * 16);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffer = device.createBuffer({ size, usage, mappedAtCreation: true });
  new Uint8Array(buffer.getMappedRange()).set(bytes);
  buffer.unmap();
  return buffer;
}

function uploadUniforms(device: GPUDevice, kernel: Kernel, values: Readonly<Record<string, number>>): GPUBuffer {
  const size = Math.ceil(kernel.uniforms.length / 4) * 16;
  const buffer = device.createBuffer({ size, usage: GPUBufferUsage.UNIFORM, mappedAtCreation: true });
  const view = new DataView(buffer.getMappedRange());
  kernel.uniforms.forEach(({ name, type }, i) => {
    const value = values[name]!;
    if (type === 'f32') view.setFloat32(4 * i, value, true);
    else if (type === 'i32') view.setInt32(4 * i, value, true);
    else view.setUint32(4 * i, value, true);
  });
  buffer.unmap();
  return buffer;
}
