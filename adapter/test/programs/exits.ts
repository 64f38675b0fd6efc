// Adds numbers on the adapter and then ends in the way that its argument names.
import { gpu } from '@hyb/adapter';
import { addOnGPU } from '../../../tests/support/compute.js';

const way = process.argv[2];
const collectGarbage = async (): Promise<void> => {
  (globalThis as { gc?: () => void }).gc?.();
  await new Promise((resolve) => setTimeout(resolve, 5));
  (globalThis as { gc?: () => void }).gc?.();
};

console.log((await addOnGPU(await gpu(), [1, 2, 3], [4, 5, 6])).join());
await collectGarbage();
if (way !== 'quietly') {
  const device = await (await (await gpu()).requestAdapter())!.requestDevice();
  await collectGarbage();
  const buffer = device.createBuffer({ size: 1 << 18, usage: 0x80 });
  if (way === 'with work in flight' || way === 'by process.exit') {
    const code = `
      @group(0) @binding(0) var<storage, read_write> x: array<f32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        var v = x[id.x];
        for (var i = 0u; i < 20000u; i++) { v = v * 1.0001 + 1.0; }
        x[id.x] = v;
      }`;
    const module = device.createShaderModule({ code });
    const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
    const entries = [{ binding: 0, resource: { buffer } }];
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(1024);
    pass.end();
    device.queue.submit([encoder.finish()]);
  }
  if (way === 'with a pending readback') {
    void device.createBuffer({ size: 16, usage: 0x9 }).mapAsync(1);
    process.exit(0);
  }
  if (way === 'by process.exit') process.exit(0);
}
