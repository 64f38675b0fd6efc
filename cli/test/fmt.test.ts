import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hyb, hybProcess, jsonOf, root, withFolder } from './support/hyb.js';

const LOOSE = `use std.{MLP}
// a note
model   Tiny{vocab=64 width=16, context=32   F=MLP(inner=32)
layers=[F F]}
`;

test('formats in place, keeps comments, and is content the second time', () =>
  withFolder(async (cwd) => {
    await writeFile(join(cwd, 'a.hyb'), LOOSE);
    expect(await hyb(['fmt', '--check', 'a.hyb'], { cwd })).toMatchObject({ code: 1, out: 'not formatted: a.hyb\n' });
    expect(await readFile(join(cwd, 'a.hyb'), 'utf8')).toBe(LOOSE);
    expect(await hyb(['fmt', 'a.hyb'], { cwd })).toMatchObject({ code: 0, out: 'a.hyb\n', err: '' });
    const text = await readFile(join(cwd, 'a.hyb'), 'utf8');
    expect(text).toContain('// a note\nmodel Tiny {');
    expect(await hyb(['fmt', 'a.hyb'], { cwd })).toMatchObject({ code: 0, out: '' });
    expect(await hyb(['fmt', '--check', 'a.hyb'], { cwd })).toMatchObject({ code: 0, out: '' });
    expect(await hyb(['check', 'a.hyb'], { cwd })).toMatchObject({ code: 0 });
    expect(await readdir(cwd)).toEqual(['a.hyb']);
  }));

test('what checkpoints of runs hold stays as it is, or they would no longer be whole', () =>
  withFolder(async (cwd) => {
    const checkpoint = join(cwd, 'runs/Run/checkpoints/step-000004');
    await mkdir(join(checkpoint, 'source'), { recursive: true });
    await writeFile(join(checkpoint, 'training.json'), '{}');
    await writeFile(join(checkpoint, 'source/a.hyb'), LOOSE);
    await writeFile(join(cwd, 'a.hyb'), LOOSE);
    expect(await hyb(['fmt', '.'], { cwd })).toMatchObject({ code: 0, out: 'a.hyb\n', err: '' });
    expect(await readFile(join(checkpoint, 'source/a.hyb'), 'utf8')).toBe(LOOSE);
  }));

test('a file with errors stays as it is', () =>
  withFolder(async (cwd) => {
    const broken = 'model Tiny { width = }\n';
    await writeFile(join(cwd, 'a.hyb'), broken);
    await writeFile(join(cwd, 'b.hyb'), LOOSE);
    const { code, out, err } = await hyb(['fmt', 'a.hyb', 'b.hyb'], { cwd });
    expect({ code, out }).toEqual({ code: 1, out: 'b.hyb\n' });
    expect(err).toContain('a.hyb:1:');
    expect(await readFile(join(cwd, 'a.hyb'), 'utf8')).toBe(broken);
    const { ok, files } = jsonOf<{ ok: boolean; files: { diagnostics: object[] }[] }>(
      await hyb(['fmt', 'a.hyb', '--json'], { cwd }),
    );
    expect(ok).toBe(false);
    expect(files[0]!.diagnostics).toHaveLength(1);
    expect(await hyb(['fmt', 'c.hyb'], { cwd })).toMatchObject({ code: 2, out: '' });
  }));

test('all files in a folder', () =>
  withFolder(async (cwd) => {
    await mkdir(join(cwd, 'models/more'), { recursive: true });
    await writeFile(join(cwd, 'models/a.hyb'), LOOSE);
    await writeFile(join(cwd, 'models/more/b.hyb'), LOOSE);
    await writeFile(join(cwd, 'models/notes.txt'), LOOSE);
    const names = 'models/a.hyb\nmodels/more/b.hyb\n';
    expect(await hyb(['fmt', 'models'], { cwd })).toMatchObject({ code: 0, out: names });
    expect(await hyb(['fmt', '--check', 'models'], { cwd })).toMatchObject({ code: 0, out: '' });
    await mkdir(join(cwd, 'empty'));
    expect(await hyb(['fmt', 'empty'], { cwd })).toMatchObject({ code: 2 });
    const deep = 'models/1/2/3/4/5/6/7/8';
    await mkdir(join(cwd, deep), { recursive: true });
    await writeFile(join(cwd, deep, 'c.hyb'), LOOSE);
    const out = `not formatted: ${deep}/c.hyb\n`;
    expect(await hyb(['fmt', '--check', 'models'], { cwd })).toMatchObject({ code: 1, out });
  }));

test('the models and examples of the repository are formatted', async () => {
  const files = ['models', 'examples', 'compiler/std', 'demo', 'bench/models'];
  expect(await hyb(['fmt', '--check', ...files], { cwd: root })).toMatchObject({ code: 0, out: '', err: '' });
});

test('standard input to standard output', async () => {
  const { code, out } = await hybProcess(['fmt', '-'], { input: LOOSE });
  expect(code).toBe(0);
  expect(out).toContain('model Tiny { vocab');
  expect(await hybProcess(['fmt', '--check', '-'], { input: out })).toMatchObject({ code: 0, out: '' });
  expect(await hyb(['fmt', '-', 'a.hyb'])).toMatchObject({ code: 2 });
});

test('what is imported is formatted', () =>
  withFolder(async (cwd) => {
    for (const name of ['nh_a_gqa_g2', 'nh_c_realinit_g1', 'llama_gqa']) {
      await hyb(['import', join(root, 'tests/golden', name)], { cwd });
      expect(await hyb(['fmt', '--check', `${name}.hyb`], { cwd })).toMatchObject({ code: 0, out: '' });
    }
  }));
