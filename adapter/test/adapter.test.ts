import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { adapterKind, describeAdapter, gpu, installGPU, listAdapters, softwareEnvironment } from '@hyb/adapter';
import { addOnGPU } from '../../tests/support/compute.js';
import { bundle } from '../../tests/support/bundle.js';

const run = promisify(execFile);

test('a compute shader runs in Node', async () => {
  expect(await addOnGPU(await gpu(), [1, 2, 3], [10, 20, 30])).toEqual([11, 22, 33]);
});

test('the same instance serves the whole process, also after its first user is gone', async () => {
  expect(await gpu()).toBe(await gpu());
  expect(await gpu({ flags: ['enable-dawn-features=allow_unsafe_apis'] })).not.toBe(await gpu());
});

test('adapters are listed with what they can do', async () => {
  const adapters = await listAdapters();
  expect(adapters.at(-1)).toMatchObject({ vendor: 'google', architecture: 'swiftshader', software: true });
  expect(adapters.at(-1)!.features).toContain('subgroups');
  for (const { limits } of adapters) expect(limits.maxStorageBuffersPerShaderStage).toBeGreaterThanOrEqual(8);
  const used = await (await gpu()).requestAdapter();
  expect(describeAdapter(used!).software).toBe((await adapterKind()) === 'software');
});

test('what browsers define globally can be defined in Node', async () => {
  const instance = await installGPU();
  expect(navigator.gpu).toBe(instance);
  expect(navigator.userAgent).toMatch(/^Node\.js/);
  expect(GPUBufferUsage.STORAGE).toBe(0x80);
});

test('an unknown kind of adapter is refused', async () => {
  process.env.HYB_ADAPTER = 'fast';
  try {
    await expect(gpu()).rejects.toThrow("HYB_ADAPTER is 'fast'");
  } finally {
    delete process.env.HYB_ADAPTER;
  }
});

test('other programs are told where the driver is', async () => {
  const { VK_DRIVER_FILES } = await softwareEnvironment();
  expect(VK_DRIVER_FILES).toMatch(/vk_swiftshader_icd\.json$/);
});

describe('in processes of their own', () => {
  let folder: string;
  let script: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hyb-adapter-'));
    script = await bundle(join(import.meta.dirname, 'programs/exits.ts'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const node = (way: string, environment: NodeJS.ProcessEnv = {}) =>
    run(process.execPath, ['--expose-gc', script, way], { env: { ...process.env, ...environment }, timeout: 60_000 });

  test.each(['quietly', 'without destroying', 'with work in flight', 'with a pending readback', 'by process.exit'])(
    'Node exits cleanly %s',
    async (way) => {
      const { stdout, stderr } = await node(way);
      expect(stdout).toBe('5,7,9\n');
      expect(stderr).toBe('');
    },
  );

  test('several processes unpack the driver at the same time', async () => {
    const HYB_CACHE = join(folder, 'cache');
    const outputs = await Promise.all(Array.from({ length: 4 }, () => node('quietly', { HYB_CACHE })));
    expect(outputs.map(({ stdout }) => stdout)).toEqual(Array<string>(4).fill('5,7,9\n'));
    expect(await readdir(HYB_CACHE)).toEqual([expect.stringMatching(/^swiftshader-[\d.]+$/)]);
  });

  test('a broken driver is passed over', async () => {
    const { stdout } = await node('quietly', { VK_DRIVER_FILES: join(folder, 'missing.json') });
    expect(stdout).toBe('5,7,9\n');
  });

  test('a driver of the system is used without a loader of the system', async () => {
    const { VK_DRIVER_FILES } = await softwareEnvironment();
    const { stdout } = await node('quietly', { VK_DRIVER_FILES, HYB_ADAPTER: 'hardware' });
    expect(stdout).toBe('5,7,9\n');
  });

  test('a worker thread has the adapter too', async () => {
    const code = await new Promise((resolve, reject) => {
      new Worker(script, { argv: ['quietly'], stdout: true }).on('exit', resolve).on('error', reject);
    });
    expect(code).toBe(0);
  });
});
