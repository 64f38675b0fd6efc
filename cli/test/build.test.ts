import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hyb, hybProcess, jsonOf, withFolder } from './support/hyb.js';
import { TINY, writeTraining } from './support/training.js';

describe('new', () => {
  test.each(['hybrid', 'transformer', 'block'])(
    'a folder from the template %s holds a model that compiles',
    (template) =>
      withFolder(async (cwd) => {
        const made = await hyb(['new', 'my-model', '--template', template], { cwd });
        expect({ code: made.code, err: made.err }).toEqual({ code: 0, err: '' });
        const folder = join(cwd, 'my-model');
        expect(await hyb(['check', 'model.hyb'], { cwd: folder })).toMatchObject({ code: 0, err: '' });
        expect(await hyb(['inspect', 'model.hyb', '--json'], { cwd: folder })).toMatchObject({ code: 0 });
        expect(await hyb(['build', 'model.hyb'], { cwd: folder })).toMatchObject({ code: 0 });
        expect(existsSync(join(folder, 'dist/index.js'))).toBe(true);
      }),
  );

  test('the way into the folder can be pasted into a shell', () =>
    withFolder(async (cwd) => {
      expect((await hyb(['new', 'my-model'], { cwd })).out).toContain('\n  cd my-model\n');
      expect((await hyb(['new', "Bob's `model`"], { cwd })).out).toContain("\n  cd 'Bob'\\''s `model`'\n");
    }));

  test('nothing that is there is touched', () =>
    withFolder(async (cwd) => {
      await mkdir(join(cwd, 'taken'));
      expect(await hyb(['new', 'taken'], { cwd })).toMatchObject({ code: 2, out: '' });
      expect(await hyb(['new', 'fresh', '--name', 'not a name'], { cwd })).toMatchObject({ code: 2, out: '' });
      expect(await readdir(cwd)).toEqual(['taken']);
    }));
});

describe('build', () => {
  test('the same package each time, and nothing else on disk', () =>
    withFolder(async (cwd) => {
      await hyb(['new', 'm'], { cwd });
      const folder = join(cwd, 'm');
      const before = await readdir(folder);
      const first = jsonOf<{ files: string[]; kernels: number }>(
        await hyb(['build', 'model.hyb', '--json'], { cwd: folder }),
      );
      expect(first.kernels).toBeGreaterThan(5);
      expect(first.files).toEqual(
        expect.arrayContaining(['package.json', 'index.js', 'index.d.ts', 'README.md', 'source/model.hyb']),
      );
      const texts = () => Promise.all(first.files.map((file) => readFile(join(folder, 'dist', file), 'utf8')));
      const once = await texts();
      // Files of the user's own stay; those of an earlier build go.
      await writeFile(join(folder, 'dist/notes.txt'), 'mine');
      await writeFile(join(folder, 'dist/kernels/old.wgsl'), 'old');
      expect(await hyb(['build', 'model.hyb'], { cwd: folder })).toMatchObject({ code: 0 });
      expect(await texts()).toEqual(once);
      expect(await readFile(join(folder, 'dist/notes.txt'), 'utf8')).toBe('mine');
      expect(existsSync(join(folder, 'dist/kernels/old.wgsl'))).toBe(false);
      expect((await readdir(folder)).sort()).toEqual([...before, 'dist'].sort());
    }));

  test('into the folder that one works in, which stays the same folder', () =>
    withFolder(async (cwd) => {
      await hyb(['new', 'm'], { cwd });
      const folder = join(cwd, 'm');
      const source = await readFile(join(folder, 'model.hyb'), 'utf8');
      await mkdir(join(cwd, 'here'));
      await writeFile(join(cwd, 'here/model.hyb'), source);
      await writeFile(join(cwd, 'here/notes.txt'), 'mine');
      const { ino } = await stat(join(cwd, 'here'));
      for (let i = 0; i < 2; i++) {
        const args = ['build', 'model.hyb', '-o', '.'];
        expect(await hybProcess(args, { cwd: join(cwd, 'here') })).toMatchObject({ code: 0 });
      }
      expect((await stat(join(cwd, 'here'))).ino).toBe(ino);
      const entries = await readdir(join(cwd, 'here'));
      expect(entries).toEqual(expect.arrayContaining(['index.js', 'kernels', 'model.hyb', 'notes.txt']));
      expect((await readdir(cwd)).sort()).toEqual(['here', 'm']);
    }));

  test('a place where nothing can be written ends at once', async () => {
    const { code, out, err } = await hyb(['build', 'demo/tiny-hybrid.hyb', '-o', '/proc/nowhere/package']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('/proc');
    expect(err).not.toContain('    at ');
  });

  test('errors leave nothing behind', () =>
    withFolder(async (cwd) => {
      await writeFile(join(cwd, 'bad.hyb'), 'model Bad { width = }');
      expect(await hyb(['build', 'bad.hyb'], { cwd })).toMatchObject({ code: 1, out: '' });
      const { code, out } = await hyb(['build', 'bad.hyb', '--json'], { cwd });
      expect(code).toBe(1);
      expect(JSON.parse(out)).toMatchObject({ ok: false });
      expect(await readdir(cwd)).toEqual(['bad.hyb']);
    }));

  test("somebody else's files are not replaced", () =>
    withFolder(async (cwd) => {
      await hyb(['new', 'm'], { cwd });
      const target = join(cwd, 'site');
      await mkdir(target);
      await writeFile(join(target, 'index.js'), 'precious');
      const args = ['build', 'm/model.hyb', '-o', 'site'];
      const refused = await hyb(args, { cwd });
      expect(refused.code).toBe(2);
      expect(refused.err).toContain('--force');
      expect(await readFile(join(target, 'index.js'), 'utf8')).toBe('precious');
      expect(await hyb([...args, '--force'], { cwd })).toMatchObject({ code: 0 });
      expect(await readFile(join(target, 'index.js'), 'utf8')).not.toBe('precious');
      expect(await hyb([...args, '--package', 'Not A Name'], { cwd })).toMatchObject({ code: 2 });
    }));

  test('a package that trains, as a recipe says', () =>
    withFolder(async (cwd) => {
      await writeTraining(cwd);
      const made = jsonOf<{ files: string[]; recipe: string }>(
        await hyb(['build', 'model.hyb', '--recipe', 'Small', '--json'], { cwd }),
      );
      expect(made.recipe).toBe('Small');
      expect(made.files).toEqual(expect.arrayContaining(['recipe.js', 'training.js', 'training-kernels.js']));
      expect(await readFile(join(cwd, 'dist/index.d.ts'), 'utf8')).toContain('export declare function train(');
      // A later build without it takes what trains away.
      const plain = jsonOf<{ files: string[] }>(await hyb(['build', 'model.hyb', '--json'], { cwd }));
      expect(existsSync(join(cwd, 'dist/training.js'))).toBe(false);
      expect(plain.files.filter((file) => /training|recipe/.test(file))).toEqual([]);
      await writeFile(join(cwd, 'plain.hyb'), TINY.slice(0, TINY.indexOf('train Run')));
      for (const [args, message] of [
        [['build', 'model.hyb', '--recipe', 'Rum'], 'model.hyb has no recipe Rum.'],
        [['build', 'plain.hyb', '--train'], 'plain.hyb declares no recipe.'],
        [['build', 'plain.hyb', '--recipe', 'Rum'], 'It declares none.'],
      ] as const) {
        const { code, out, err } = await hyb(args, { cwd });
        expect({ code, out }).toEqual({ code: 2, out: '' });
        expect(err).toContain(message);
      }
    }));

  test.each([
    ['ast', /"kind": "SourceFile"/],
    ['model', /^model NemotronH8B/],
    ['graph', /ssd/],
    ['plan', /^schedule$/m],
    ['program', /"format": 1/],
    ['wgsl', /@compute/],
  ])('--print %s writes nothing', (stage, expected) =>
    withFolder(async (cwd) => {
      const source = join(import.meta.dirname, '../../models/nemotron-h-8b.hyb');
      const { code, out, err } = await hyb(['build', source, '--print', stage], { cwd });
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(expected);
      expect(await readdir(cwd)).toEqual([]);
    }),
  );
});
