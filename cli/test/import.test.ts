import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hyb, jsonOf, root, withFolder } from './support/hyb.js';

const LLAMA = join(root, 'tests/golden/llama_gqa');

test('writes a file that checks, and says what it has compared', () =>
  withFolder(async (cwd) => {
    const { code, out, err } = await hyb(['import', LLAMA], { cwd });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^✓ llama_gqa\.hyb: LlamaGqa, [\d,]+ parameters, 30 tensors\n$/);
    expect(await hyb(['check', 'llama_gqa.hyb'], { cwd })).toMatchObject({ code: 0, err: '' });
    const written = await readFile(join(cwd, 'llama_gqa.hyb'), 'utf8');
    expect((await hyb(['import', LLAMA, '-o', '-'], { cwd })).out).toBe(written);
    // A file that is there is replaced only if asked to.
    expect(await hyb(['import', LLAMA], { cwd })).toMatchObject({ code: 2, out: '' });
    expect(await hyb(['import', LLAMA, '--force', '--name', 'Other'], { cwd })).toMatchObject({ code: 0 });
    expect(await readFile(join(cwd, 'llama_gqa.hyb'), 'utf8')).toContain('model Other {');
    expect(await readdir(cwd)).toEqual(['llama_gqa.hyb']);
  }));

test('a checkpoint that is not what its config.json says', () =>
  withFolder(async (cwd) => {
    await cp(LLAMA, join(cwd, 'llama'), { recursive: true });
    const config = await readFile(join(cwd, 'llama/config.json'), 'utf8');
    await writeFile(
      join(cwd, 'llama/config.json'),
      config.replace('"intermediate_size": 160', '"intermediate_size": 128'),
    );
    const { code, err } = await hyb(['import', 'llama'], { cwd });
    expect(code).toBe(1);
    expect(err).toContain('model.layers.0.mlp.gate_proj.weight is [160, 96], expected [128, 96]');
    const { differences } = jsonOf<{ differences: string[] }>(
      await hyb(['import', 'llama', '-o', '-', '--json'], { cwd }),
    );
    expect(differences).toHaveLength(9);
  }));

test('without a checkpoint the usual names are taken', () =>
  withFolder(async (cwd) => {
    await cp(join(LLAMA, 'config.json'), join(cwd, 'm/config.json'));
    const { code, out, err } = await hyb(['import', 'm'], { cwd });
    expect(code).toBe(0);
    expect(out).not.toContain('tensors');
    expect(err).toContain('holds no safetensors');
  }));

test('a wrong config.json leaves nothing behind', () =>
  withFolder(async (cwd) => {
    await writeFile(join(cwd, 'config.json'), '{ "model_type": "mixtral" }');
    const { code, err } = await hyb(['import', '.'], { cwd });
    expect(code).toBe(1);
    expect(err).toContain('config.json:1:17');
    const { ok } = jsonOf<{ ok: boolean }>(await hyb(['import', '.', '--json'], { cwd }));
    expect(ok).toBe(false);
    expect(await readdir(cwd)).toEqual(['config.json']);
  }));
