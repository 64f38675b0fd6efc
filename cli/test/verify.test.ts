import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hyb, jsonOf, root, withFolder } from './support/hyb.js';

const GOLDENS = ['nh_a_gqa_g2', 'nh_c_realinit_g1', 'llama_gqa'];
const folderOf = (name: string): string => join(root, 'tests/golden', name);

interface Verified {
  readonly ok: boolean;
  readonly checks: readonly { name: string; largest: number; allowed: number; compared: number }[];
  readonly layers: readonly { name: string; largest: number; allowed: number }[];
}

const VOCAB: Readonly<Record<string, number>> = { nh_a_gqa_g2: 256, nh_c_realinit_g1: 176, llama_gqa: 256 };

describe.each(GOLDENS)('%s', (name) => {
  test.each([
    ['reference', []],
    ['node', []],
    ['node', ['--no-fuse']],
  ])(
    '%s %j',
    async (device, more) => {
      const result = await hyb(['verify', folderOf(name), '--device', device, '--json', ...more]);
      expect(result).toMatchObject({ code: 0 });
      const { ok, checks, layers } = jsonOf<Verified>(result);
      expect(ok).toBe(true);
      expect(checks.map((check) => check.name)).toEqual([
        'prompt, every token',
        'prompt into the cache',
        'states after the prompt',
        'decoding 16 tokens',
        'states after decoding',
      ]);
      const vocab = VOCAB[name]!;
      expect(checks[0]!.compared).toBe(37 * vocab);
      expect(checks[3]!.compared).toBe(16 * vocab);
      for (const { largest, allowed } of [...checks, ...layers]) expect(largest).toBeLessThan(allowed);
      // The recorded logits are f64 rounded to f32; states and layers were computed in f32.
      if (device === 'reference') expect(checks[0]!.largest).toBeLessThan(1e-6);
      expect(layers.length).toBe(1 + { nh_a_gqa_g2: 5, nh_c_realinit_g1: 4, llama_gqa: 3 }[name]!);
    },
    60_000,
  );
});

test.each(['chromium', 'deno'])(
  'in %s',
  async (device) => {
    const { code, out } = await hyb(['verify', folderOf('nh_a_gqa_g2'), '--device', device]);
    expect(code).toBe(0);
    expect(out).toContain(`on ${device}`);
    expect(out.match(/✓/g)).toHaveLength(5);
  },
  120_000,
);

test.each([
  ['llama_gqa', ['--device', 'node']],
  ['nh_a_gqa_g2', ['--device', 'node', '--no-fuse']],
  ['nh_c_realinit_g1', ['--device', 'chromium']],
])(
  'training of %s, %j',
  async (name, more) => {
    const result = await hyb(['verify', folderOf(name), '--train', '--json', ...more]);
    expect(result).toMatchObject({ code: 0 });
    const { ok, checks } = jsonOf<Verified>(result);
    expect(ok).toBe(true);
    const tensors = checks.filter((check) => check.name.startsWith('gradient of '));
    expect(tensors.length).toBeGreaterThan(25);
    expect(checks.map((check) => check.name)).toEqual([
      'loss',
      ...tensors.map((check) => check.name),
      'losses of 20 steps',
      'norms of their gradients',
      'weights after them',
    ]);
    for (const { largest, allowed } of checks) expect(largest).toBeLessThan(allowed);
  },
  180_000,
);

/** A copy of a checkpoint with one number changed. */
async function changed(folder: string, tensor: string, value: number): Promise<void> {
  await cp(folderOf('nh_a_gqa_g2'), folder, { recursive: true });
  const path = join(folder, 'model.safetensors');
  const bytes = await readFile(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, { data_offsets: number[] }>;
  bytes.writeFloatLE(value, 8 + length + header[tensor]!.data_offsets[0]!);
  await writeFile(path, bytes);
}

test.each(['reference', 'node'])('a wrong weight is found in its layer (%s)', (device) =>
  withFolder(async (folder) => {
    await changed(folder, 'backbone.layers.2.mixer.D', 9);
    const { code, out, err } = await hyb(['verify', folder, '--device', device]);
    expect(code).toBe(1);
    expect(out).toContain('✗ prompt, every token');
    expect(err).toContain('The first to differ is layer 2');
  }),
);

test('a wrong output matrix is told from a wrong layer', () =>
  withFolder(async (folder) => {
    await changed(folder, 'lm_head.weight', 9);
    const { code, err } = await hyb(['verify', folder, '--device', 'reference']);
    expect(code).toBe(1);
    expect(err).toContain('All layers agree');
  }));

test('NaN does not pass', () =>
  withFolder(async (folder) => {
    await changed(folder, 'backbone.layers.0.mixer.D', NaN);
    expect(await hyb(['verify', folder, '--device', 'reference'])).toMatchObject({ code: 1 });
    // Loading refuses such weights: then nothing was compared.
    expect(await hyb(['verify', folder])).toMatchObject({ code: 2, out: '' });
  }));

test('what cannot be verified ends with 2', () =>
  withFolder(async (folder) => {
    await cp(folderOf('llama_gqa'), folder, { recursive: true });
    const run = async (): Promise<string> => {
      const { code, err, out } = await hyb(['verify', folder, '--device', 'reference']);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      return err;
    };
    const config = await readFile(join(folder, 'config.json'), 'utf8');
    await writeFile(join(folder, 'config.json'), config.replace('"hidden_size": 96', '"hidden_size": "96"'));
    expect(await run()).toContain('HYB7004');
    await writeFile(join(folder, 'config.json'), config.slice(0, 200));
    expect(await run()).toContain('HYB7001');
    await writeFile(join(folder, 'config.json'), config);
    const weights = await readFile(join(folder, 'model.safetensors'));
    await writeFile(join(folder, 'model.safetensors'), weights.subarray(0, 5000));
    expect(await run()).toContain('cut off');
    await writeFile(join(folder, 'model.safetensors'), weights);
    await rm(join(folder, 'golden.safetensors'));
    expect(await run()).toContain('has no golden.safetensors');
  }));
