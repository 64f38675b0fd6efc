import { measurePeak } from '@hyb/runtime';
import type { KernelFeature } from '@hyb/runtime';
import { productKernel } from '@hyb/runtime/device/peak';
import { testDevice } from './support/model.js';

const SIDE = 64;

test.each<readonly KernelFeature[][]>([[['hardware']], [['subgroups']], [[]]])(
  'the product that is measured is one, %p',
  async (features) => {
    const device = await testDevice();
    const { gpu } = device;
    const { code, grid } = productKernel(SIDE, new Set(features));
    const pipeline = gpu.createComputePipeline({
      layout: 'auto',
      compute: { module: gpu.createShaderModule({ code }), entryPoint: 'main' },
    });
    // Small whole numbers: sums are exact.
    const [a, b] = [3, 5].map((n) => Float32Array.from({ length: SIDE * SIDE }, (_, i) => ((i * n) % 17) - 8));
    const buffers = [a!, b!, new Float32Array(SIDE * SIDE)].map((values) => {
      const buffer = gpu.createBuffer({ size: values.byteLength, usage: 0x80 | 0x8 | 0x4 });
      gpu.queue.writeBuffer(buffer, 0, values);
      return buffer;
    });
    const staging = gpu.createBuffer({ size: 4 * SIDE * SIDE, usage: 0x1 | 0x8 });
    device.record((encoder) => {
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
      pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
      pass.dispatchWorkgroups(...grid);
      pass.end();
      encoder.copyBufferToBuffer(buffers[2]!, 0, staging, 0, staging.size);
    });
    await device.wait(staging.mapAsync(1));
    const y = new Float32Array(staging.getMappedRange().slice(0));
    const expected = Float32Array.from(y, (_, i) => {
      const [row, column] = [Math.floor(i / SIDE), i % SIDE];
      let sum = 0;
      for (let k = 0; k < SIDE; k++) sum += a![k * SIDE + row]! * b![k * SIDE + column]!;
      return sum;
    });
    expect(y).toEqual(expected);
    device.dispose();
  },
);

test('a device has a peak', async () => {
  const device = await testDevice();
  const peak = await measurePeak(device);
  // More than a multiplication in JavaScript’s interpreter, less than any machine.
  expect(peak).toBeGreaterThan(1e6);
  expect(peak).toBeLessThan(1e16);
  device.dispose();
});
