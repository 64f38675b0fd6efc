/** The smallest thing that proves an adapter: adds pairs of numbers on it. Used in Node, in Chromium and in Deno. */
export async function addOnGPU(gpu: GPU, a: readonly number[], b: readonly number[]): Promise<number[]> {
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error('No adapter.');
  const device = await adapter.requestDevice();
  const size = a.length * 4;
  const [STORAGE, COPY_SRC, COPY_DST, MAP_READ] = [0x80, 0x4, 0x8, 0x1];
  const upload = (values: readonly number[]): GPUBuffer => {
    const buffer = device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
    device.queue.writeBuffer(buffer, 0, new Float32Array(values));
    return buffer;
  };
  const left = upload(a);
  const right = upload(b);
  const readback = device.createBuffer({ size, usage: COPY_DST | MAP_READ });
  const module = device.createShaderModule({
    code: `
      @group(0) @binding(0) var<storage, read_write> left: array<f32>;
      @group(0) @binding(1) var<storage, read> right: array<f32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        if (id.x < arrayLength(&left)) { left[id.x] += right[id.x]; }
      }`,
  });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [left, right].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(Math.ceil(a.length / 64));
  pass.end();
  encoder.copyBufferToBuffer(left, 0, readback, 0, size);
  device.queue.submit([encoder.finish()]);
  await readback.mapAsync(1);
  const sum = [...new Float32Array(readback.getMappedRange())];
  device.destroy();
  return sum;
}
