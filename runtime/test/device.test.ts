import { Device, openDevice, type DeviceError } from '@hyb/runtime';
import { gpu } from '@hyb/adapter';
import { testDevice, tinyModel } from './support/model.js';
import { tinyProgram } from './support/tiny-program.js';

const program = tinyProgram();
const failure = (promise: Promise<unknown>): Promise<DeviceError> =>
  promise.then(
    () => {
      throw new Error('it worked');
    },
    (error: unknown) => error as DeviceError,
  );

describe('opening', () => {
  test('asks for all limits that matter', async () => {
    const adapter = (await (await gpu()).requestAdapter())!;
    const device = await openDevice({ adapter });
    expect(device.limits.maxStorageBufferBindingSize).toBe(adapter.limits.maxStorageBufferBindingSize);
    expect(device.limits.maxStorageBuffersPerShaderStage).toBe(adapter.limits.maxStorageBuffersPerShaderStage);
    expect(device.limits.maxComputeWorkgroupStorageSize).toBe(adapter.limits.maxComputeWorkgroupStorageSize);
    expect(device.limits.minUniformBufferOffsetAlignment).toBe(adapter.limits.minUniformBufferOffsetAlignment);
    device.dispose();
  });

  test('limits can be forced down, not up', async () => {
    const device = await testDevice({ limits: { maxStorageBufferBindingSize: 1 << 20, maxBufferSize: 2 ** 50 } });
    expect(device.limits.maxStorageBufferBindingSize).toBe(1 << 20);
    expect(device.limits.maxBufferSize).toBe(device.gpu.limits.maxBufferSize);
    device.dispose();
  });

  test('features are used as far as they are there and allowed', async () => {
    const all = await testDevice();
    expect(all.features.has('subgroups')).toBe(all.gpu.features.has('subgroups'));
    const software = all.gpu.adapterInfo.isFallbackAdapter;
    expect(all.features.has('hardware')).toBe(!software);
    const none = await testDevice({ features: [] });
    expect([...none.features]).toEqual([]);
    expect(none.gpu.features.has('subgroups' as GPUFeatureName)).toBe(false);
    const some = await testDevice({ features: ['subgroups', 'shader-f16'] });
    expect([...some.features].every((name) => name !== 'hardware')).toBe(true);
    for (const device of [all, none, some]) device.dispose();
  });

  test('a device of one’s own is used as it is, and stays', async () => {
    const adapter = (await (await gpu()).requestAdapter())!;
    const own = await adapter.requestDevice();
    const device = await openDevice({ device: own });
    expect(device.limits.maxStorageBufferBindingSize).toBe(128 * 1024 * 1024);
    device.dispose();
    own.createBuffer({ size: 16, usage: 8 }).destroy();
    const again = new Device(own, {}, false);
    const model = await tinyModel(program, again);
    await model.logits([[1]]);
    model.dispose();
    own.destroy();
  });

  test('so is the device of another copy of the runtime', async () => {
    const theirs = await testDevice();
    const { gpu: opened, limits, features } = theirs;
    const model = await tinyModel(program, { gpu: opened, limits, features } as Device);
    const [logits] = await model.logits([[1]]);
    expect(logits!.length).toBe(program.model.vocab);
    model.dispose();
    theirs.check();
    theirs.dispose();
  });

  test('without WebGPU, what to do is said', async () => {
    const error = await failure(openDevice());
    expect(error).toMatchObject({ code: 'no-webgpu', needed: 'WebGPU' });
    expect(error.message).toContain("import { gpu } from '@hyb/adapter'");
  });

  test('without an adapter too', async () => {
    const nothing = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
    const error = await failure(openDevice({ gpu: nothing }));
    expect(error).toMatchObject({ code: 'no-adapter' });
    expect(error.message).toContain('@hyb/adapter');
  });

  test('an adapter that gives no device', async () => {
    const real = (await (await gpu()).requestAdapter())!;
    const broken = {
      limits: real.limits,
      features: real.features,
      info: real.info,
      requestDevice: () => Promise.reject(new Error('used up')),
    } as unknown as GPUAdapter;
    expect((await failure(openDevice({ adapter: broken }))).message).toContain('used up');
  });
});

describe('a lost device', () => {
  test('is what everything says afterwards', async () => {
    const device = await testDevice();
    const model = await tinyModel(program, device);
    const state = await model.state();
    await model.prefill(state, [[1, 2, 3]]);
    device.gpu.destroy();
    await device.gpu.lost;
    for (const use of [
      () => model.decode(state, [1]),
      () => model.state(),
      () => model.logits([[1]]),
      () => model.generate([1]).all(),
      () => tinyModel(program, device),
    ]) {
      const error = await failure((async () => use())());
      expect(error).toMatchObject({ name: 'DeviceError', code: 'device-lost' });
      expect(error.message).toContain('load the model again');
    }
    model.dispose();
    device.dispose();
  });

  test('is noticed by what is under way', async () => {
    const device = await testDevice();
    const model = await tinyModel(program, device);
    const tokens = Array.from({ length: 3000 }, (_, i) => i % 50);
    const call = model.logits([tokens]);
    setTimeout(() => device.gpu.destroy(), 5);
    expect(await failure(call)).toMatchObject({ code: 'device-lost' });
    const another = await testDevice();
    const second = await tinyModel(program, another);
    const run = async (): Promise<void> => {
      let count = 0;
      for await (const _ of second.generate([1], { maxTokens: 1000, window: 4 })) {
        if (++count === 5) another.gpu.destroy();
      }
    };
    expect(await failure(run())).toMatchObject({ code: 'device-lost' });
    for (const gone of [device, another]) gone.dispose();
  });

  test('that was disposed of is another matter', async () => {
    const device = await testDevice();
    const model = await tinyModel(program, device);
    device.dispose();
    expect(await failure((async () => model.logits([[1]]))())).toMatchObject({ code: 'disposed' });
  });
});

describe('out of memory', () => {
  /** A device on which buffers whose label matches get no memory. */
  async function crowded(matching: RegExp): Promise<{ device: Device; live: () => number }> {
    const real = await testDevice();
    const scopes: boolean[] = [];
    const live = new Set<GPUBuffer>();
    const handler: ProxyHandler<GPUDevice> = {
      get(target, key) {
        if (key === 'pushErrorScope') {
          return (filter: GPUErrorFilter) => {
            scopes.push(false);
            target.pushErrorScope(filter);
          };
        }
        if (key === 'createBuffer') {
          return (descriptor: GPUBufferDescriptor) => {
            if (matching.test(descriptor.label ?? '')) scopes[scopes.length - 1] = true;
            const buffer = target.createBuffer(descriptor);
            live.add(buffer);
            const destroy = buffer.destroy.bind(buffer);
            buffer.destroy = () => {
              live.delete(buffer);
              return destroy();
            };
            return buffer;
          };
        }
        if (key === 'popErrorScope') {
          const failed = scopes.pop();
          return async () => {
            const error = await target.popErrorScope();
            return failed ? ({ message: 'no room' } as GPUError) : error;
          };
        }
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value as (...a: unknown[]) => unknown).bind(target) : value;
      },
    };
    return { device: new Device(new Proxy(real.gpu, handler), {}, false), live: () => live.size };
  }

  test('weights: says what for and how much, and frees the rest', async () => {
    const { device, live } = await crowded(/matrix head/);
    expect(await failure(tinyModel(program, device))).toMatchObject({
      code: 'out-of-memory',
      needed: 50 * 32 * 4,
      message: expect.stringContaining('no room on the GPU for matrix head (6.25 KiB)') as string,
    });
    expect(live()).toBe(0);
  });

  test('states: fail to be made or to grow, and stay usable', async () => {
    const { device } = await crowded(/^state mean/);
    const model = await tinyModel(program, device);
    expect(await failure(model.state())).toMatchObject({ code: 'out-of-memory' });
    expect(model.memory.states).toBe(0);
    model.dispose();

    let full = false;
    const growing = await crowded({ test: () => full } as unknown as RegExp);
    const other = await tinyModel(program, growing.device);
    const state = await other.state({ capacity: 64 });
    const prompt = Array.from({ length: 60 }, (_, i) => i % 50);
    await other.prefill(state, [prompt]);
    const before = await state.serialize();
    full = true;
    expect(await failure(other.prefill(state, [prompt]))).toMatchObject({ code: 'out-of-memory' });
    full = false;
    expect(await state.serialize()).toEqual(before);
    const [logits] = await other.prefill(state, [prompt]);
    const [expected] = await other.logits([[...prompt, ...prompt]]);
    expect(logits).toEqual(expected!.slice(-50));
    other.dispose();
  });

  test('activations: the call fails, the next smaller one works', async () => {
    let full = false;
    const { device } = await crowded({
      test: (label: string) => full && label.startsWith('activation'),
    } as unknown as RegExp);
    const model = await tinyModel(program, device);
    const expected = await model.logits([[1, 2]]);
    full = true;
    expect(await failure(model.logits([Array.from({ length: 200 }, () => 3)]))).toMatchObject({
      code: 'out-of-memory',
    });
    full = false;
    expect(await model.logits([[1, 2]])).toEqual(expected);
    expect(model.memory.states).toBe(0);
    model.dispose();
  });
});
