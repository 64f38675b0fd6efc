import { cp, mkdir, readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readBytes, readCheckpoint, readFolder, writeCheckpoint } from './support/checkpoint.js';
import { hyb, jsonOf, root, withFolder } from './support/hyb.js';

const GOLDENS = ['nh_a_gqa_g2', 'nh_c_realinit_g1', 'llama_gqa'];
const goldenOf = (name: string): string => join(root, 'tests/golden', name);

interface Written {
  readonly ok: boolean;
  readonly type: string;
  readonly files: readonly { file: string; bytes: number }[];
  readonly bytes: number;
  readonly tensors: readonly { name: string; shape: number[]; dtype: string }[];
}

/** `config.json` as an object: what Python writes for infinity is no JSON. */
async function configOf(folder: string): Promise<Record<string, unknown>> {
  const text = await readFile(join(folder, 'config.json'), 'utf8');
  return JSON.parse(
    text.replace(/\{\s*"__float__":\s*"Infinity"\s*\}/g, '"Infinity"').replace(/\bInfinity\b(?!")/g, '"Infinity"'),
  ) as Record<string, unknown>;
}

/** Fields of the recorded files that say nothing of what is computed, or only what defaults say as well. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  attention_dropout: 0,
  hidden_dropout: 0,
  num_logits_to_keep: 1,
  use_mamba_kernels: undefined,
  mamba_proj_bias: false,
  sliding_window: null,
  transformers_version: undefined,
  time_step_limit: [0, 'Infinity'],
  pretraining_tp: 1,
  rope_scaling: null,
  rope_parameters: undefined,
};

describe.each(GOLDENS)('%s', (name) => {
  test('import after export is the identity', () =>
    withFolder(async (cwd) => {
      const source = goldenOf(name);
      const written = jsonOf<Written>(await hyb(['export', source, name, '--json'], { cwd }));
      expect(written.ok).toBe(true);
      const folder = join(cwd, name);
      expect((await readdir(folder)).sort()).toEqual(['config.json', 'model.safetensors']);

      const before = await readCheckpoint(join(source, 'model.safetensors'));
      expect(await readCheckpoint(join(folder, 'model.safetensors'))).toEqual(before);
      expect(written.tensors.map((tensor) => tensor.name).sort()).toEqual([...before.keys()].sort());

      const [original, exported] = [await configOf(source), await configOf(folder)];
      for (const [field, value] of Object.entries(original)) {
        // Sizes of heads go before it in transformers too.
        if (field === 'expand') continue;
        if (field in exported) expect({ [field]: exported[field] }).toEqual({ [field]: value });
        else if (DEFAULTS[field] !== undefined) expect({ [field]: value }).toEqual({ [field]: DEFAULTS[field] });
        else expect(Object.keys(DEFAULTS)).toContain(field);
      }

      const [first, again] = [
        (await hyb(['import', source, '-o', '-'])).out,
        (await hyb(['import', name, '-o', '-'], { cwd })).out,
      ];
      expect(again).toBe(first);
      // From the .hyb file, with the weights named apart.
      await writeFile(join(cwd, 'model.hyb'), first);
      const args = ['export', 'model.hyb', 'second', '--weights', join(source, 'model.safetensors')];
      expect(await hyb(args, { cwd })).toMatchObject({ code: 0 });
      const [second, other] = [join(cwd, 'second/model.safetensors'), join(folder, 'model.safetensors')];
      expect((await readFile(second)).equals(await readFile(other))).toBe(true);
    }));
});

test('several files with an index, which import and verify take', () =>
  withFolder(async (cwd) => {
    const source = goldenOf('llama_gqa');
    const args = ['export', source, 'out', '--shard-size', '300kB', '--json'];
    const { files, bytes } = jsonOf<Written>(await hyb(args, { cwd }));
    const shards = files.filter(({ file }) => /^model-0000\d-of-00004\.safetensors$/.test(file));
    expect(shards).toHaveLength(4);
    const index = JSON.parse(await readFile(join(cwd, 'out/model.safetensors.index.json'), 'utf8')) as {
      metadata: { total_size: number };
      weight_map: Record<string, string>;
    };
    expect(index.metadata.total_size).toBe(bytes);
    const before = await readCheckpoint(join(source, 'model.safetensors'));
    const after = await readFolder(
      join(cwd, 'out'),
      shards.map(({ file }) => file),
    );
    expect([...after].sort()).toEqual([...before].sort());
    for (const [tensor, file] of Object.entries(index.weight_map)) {
      expect((await readCheckpoint(join(cwd, 'out', file))).has(tensor)).toBe(true);
    }
    await cp(join(source, 'golden.safetensors'), join(cwd, 'out/golden.safetensors'));
    expect(await hyb(['verify', 'out', '--device', 'reference'], { cwd })).toMatchObject({ code: 0 });
    expect(await hyb(['import', 'out'], { cwd })).toMatchObject({ code: 0 });
  }));

test('another type: values are rounded once, and the configuration says so', () =>
  withFolder(async (cwd) => {
    const args = ['export', goldenOf('llama_gqa'), 'half', '--dtype', 'bf16'];
    expect(await hyb(args, { cwd })).toMatchObject({ code: 0 });
    const [original, half] = [join(goldenOf('llama_gqa'), 'model.safetensors'), join(cwd, 'half/model.safetensors')];
    for (const { dtype } of (await readCheckpoint(half)).values()) expect(dtype).toBe('BF16');
    for (const name of ['lm_head.weight', 'model.layers.1.self_attn.k_proj.weight', 'model.norm.weight']) {
      const exact = new Float32Array(await readBytes(original, name));
      const bits = Uint32Array.from(new Uint16Array(await readBytes(half, name)), (each) => each << 16);
      const rounded = new Float32Array(bits.buffer);
      expect(rounded).toHaveLength(exact.length);
      // Half of the last of 8 binary digits.
      expect(exact.every((value, i) => Math.abs(value - rounded[i]!) <= 2 ** -8 * Math.abs(value))).toBe(true);
    }
    expect((await configOf(join(cwd, 'half')))['torch_dtype']).toBe('bfloat16');
  }));

test("a model of one's own block goes out and comes in with its weight map", () =>
  withFolder(async (cwd) => {
    const source = join(root, 'examples/blocks/short-conv.hyb');
    const { tensors } = jsonOf<{ tensors: { name: string; shape: number[] }[] }>(
      await hyb(['inspect', source, '--json']),
    );
    expect(tensors.map(({ name }) => name)).toContain('model.layers.0.conv.in_proj.weight');
    await writeCheckpoint(join(cwd, 'liquid.safetensors'), tensors);
    const weights = ['--weights', 'liquid.safetensors'];
    const refused = await hyb(['export', source, 'liquid', ...weights], { cwd });
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('HYB7021');
    expect(refused.err).toContain('--type hyb');
    expect(await readdir(cwd)).toEqual(['liquid.safetensors']);

    const written = await hyb(['export', source, 'liquid', ...weights, '--type', 'hyb'], { cwd });
    expect(written).toMatchObject({ code: 0 });
    expect(await readCheckpoint(join(cwd, 'liquid/model.safetensors'))).toEqual(
      await readCheckpoint(join(cwd, 'liquid.safetensors')),
    );
    expect(await hyb(['import', 'liquid'], { cwd })).toMatchObject({ code: 0 });
    expect(await readFile(join(cwd, 'liquid.hyb'), 'utf8')).toBe(await readFile(source, 'utf8'));
    // The folder is a source like any other, and exporting it gives the same again.
    expect(await hyb(['inspect', 'liquid', '--json'], { cwd })).toMatchObject({
      code: 0,
      out: (await hyb(['inspect', source, '--json'])).out,
    });
    expect(await hyb(['export', 'liquid', 'again'], { cwd })).toMatchObject({ code: 0 });
    expect(await readCheckpoint(join(cwd, 'again/model.safetensors'))).toEqual(
      await readCheckpoint(join(cwd, 'liquid/model.safetensors')),
    );
    const texts = async (folder: string): Promise<string> => readFile(join(cwd, folder, 'config.json'), 'utf8');
    expect(await texts('again')).toBe(await texts('liquid'));
  }));

test.each([
  ['which source', { model_type: 'hyb' }],
  ['is no .hyb file', { model_type: 'hyb', hyb: { source: '../../secret.hyb', model: 'M' } }],
  ['is no .hyb file', { model_type: 'hyb', hyb: { source: '/etc/passwd', model: 'M' } }],
])('a folder of our own kind that lies: %s', (message, config) =>
  withFolder(async (cwd) => {
    await mkdir(join(cwd, 'm/source'), { recursive: true });
    await writeFile(join(cwd, 'secret.hyb'), 'model M { }');
    await writeFile(join(cwd, 'm/config.json'), JSON.stringify(config));
    for (const command of ['import', 'inspect']) {
      const { code, out, err } = await hyb([command, 'm'], { cwd });
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(message);
    }
  }),
);

test('names in a checkpoint reach the terminal without what it would act on', () =>
  withFolder(async (cwd) => {
    await writeCheckpoint(join(cwd, 'odd.safetensors'), [{ name: '\u001b[31mred', shape: [1] }]);
    const { code, err } = await hyb(['export', goldenOf('llama_gqa'), 'out', '-w', 'odd.safetensors'], { cwd });
    expect(code).toBe(2);
    expect(err).toContain('\u241b[31mred');
    expect(err).not.toContain('\u001b');
  }));

test('what cannot be exported leaves nothing behind', () =>
  withFolder(async (cwd) => {
    const golden = goldenOf('llama_gqa');
    expect((await hyb(['import', golden], { cwd })).code).toBe(0);
    await cp(join(golden, 'model.safetensors'), join(cwd, 'cut.safetensors'));
    await truncate(join(cwd, 'cut.safetensors'), 40_000);
    const entries = ['cut.safetensors', 'llama_gqa.hyb'];
    const other = join(goldenOf('nh_a_gqa_g2'), 'model.safetensors');
    for (const [args, message] of [
      [[], 'Which weights?'],
      [['-w', 'nowhere'], 'There is no checkpoint nowhere.'],
      [['-w', 'cut.safetensors'], 'cut off'],
      [['-w', other], 'Missing (29)'],
    ] as const) {
      const { code, out, err } = await hyb(['export', 'llama_gqa.hyb', 'out', ...args], { cwd });
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(message);
      expect(await readdir(cwd)).toEqual(entries);
    }
  }));

test('a checkpoint that is there is replaced only if asked to, and other files stay', () =>
  withFolder(async (cwd) => {
    const golden = goldenOf('llama_gqa');
    await mkdir(join(cwd, 'out'));
    await writeFile(join(cwd, 'out/notes.txt'), 'mine');
    expect(await hyb(['export', golden, 'out', '--shard-size', '300kB'], { cwd })).toMatchObject({ code: 0 });
    expect(await hyb(['export', golden, 'out'], { cwd })).toMatchObject({ code: 2, out: '' });
    expect(await hyb(['export', golden, 'out', '--force'], { cwd })).toMatchObject({ code: 0 });
    // Files of the earlier export are gone: with them there would be two checkpoints in the folder.
    expect((await readdir(join(cwd, 'out'))).sort()).toEqual(['config.json', 'model.safetensors', 'notes.txt']);
    expect((await stat(join(cwd, 'out/model.safetensors'))).size).toBeGreaterThan(1_000_000);
  }));

test("the tokenizer's files and the ids of special tokens go along", () =>
  withFolder(async (cwd) => {
    await cp(goldenOf('llama_gqa'), join(cwd, 'in'), { recursive: true });
    await writeFile(join(cwd, 'in/tokenizer.json'), '{}');
    const config = await readFile(join(cwd, 'in/config.json'), 'utf8');
    await writeFile(join(cwd, 'in/config.json'), config.replace(/"eos_token_id": \d+/, '"eos_token_id": [2, 7]'));
    expect(await hyb(['export', 'in', 'out'], { cwd })).toMatchObject({ code: 0 });
    expect(await readFile(join(cwd, 'out/tokenizer.json'), 'utf8')).toBe('{}');
    expect((await configOf(join(cwd, 'out')))['eos_token_id']).toEqual([2, 7]);
  }));
