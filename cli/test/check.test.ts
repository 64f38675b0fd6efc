import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hyb, jsonOf, withFolder } from './support/hyb.js';

const GOOD = `use std.{MLP, RMSNorm}
model Tiny {
  vocab = 64  width = 16  context = 32
  F = MLP(inner = 32)
  norm = { pre = RMSNorm }
  layers = [F F]
}
`;

/** Runs in a folder with these files. */
function inFolder<T>(files: Readonly<Record<string, string | Uint8Array>>, work: (folder: string) => Promise<T>) {
  return withFolder(async (folder) => {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    return work(folder);
  });
}

test('a good file', () =>
  inFolder({ 'tiny.hyb': GOOD }, async (cwd) => {
    const { code, out, err } = await hyb(['check', 'tiny.hyb'], { cwd });
    // embedding + 2 (up + down + norm) + head
    const parameters = 64 * 16 + 2 * (2 * 16 * 32 + 16) + 64 * 16;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(`✓ tiny.hyb: Tiny (2 layers, ${parameters.toLocaleString('en-US')} parameters)\n`);
    const json = jsonOf<object>(await hyb(['check', 'tiny.hyb', '--json'], { cwd }));
    expect(json).toEqual({ ok: true, files: [{ file: 'tiny.hyb', models: ['Tiny'], recipes: [], diagnostics: [] }] });
  }));

test('all findings of all files in one run, with places and fixes', () =>
  inFolder(
    { 'a.hyb': GOOD.replace('inner = 32', 'iner = 32'), 'b.hyb': GOOD.replace('[F F]', '[F G]'), 'c.hyb': GOOD },
    async (cwd) => {
      const { code, out, err } = await hyb(['check', 'a.hyb', 'b.hyb', 'c.hyb'], { cwd });
      expect(code).toBe(1);
      expect(out).toMatch(/^✓ c\.hyb/);
      expect(err).toContain('a.hyb:4:11');
      expect(err).toContain('inner');
      expect(err).toContain('b.hyb:6:15');
      const json = await hyb(['check', 'a.hyb', 'b.hyb', 'c.hyb', '--json'], { cwd });
      expect({ code: json.code, err: json.err }).toEqual({ code: 1, err: '' });
      const { ok, files } = jsonOf<{
        ok: boolean;
        files: { diagnostics: { code: string; start: object; fixes: { edits: object[] }[] }[] }[];
      }>(json);
      expect(ok).toBe(false);
      expect(files.map(({ diagnostics }) => diagnostics.map(({ code: each }) => each))).toEqual([
        ['HYB2010'],
        ['HYB2030'],
        [],
      ]);
      expect(files[0]!.diagnostics[0]).toMatchObject({
        start: { line: 4, column: 11 },
        fixes: [{ edits: [{ text: 'inner' }] }],
      });
    },
  ));

test('`use` stays in the project', () =>
  inFolder({ 'secret.hyb': GOOD, 'project/package.json': '{}', 'project/a.hyb': GOOD }, async (folder) => {
    const project = join(folder, 'project');
    const using = (path: string) =>
      writeFile(join(project, 'b.hyb'), `use ${JSON.stringify(path)}.{Tiny}\nmodel B = Tiny with { width = 32 }\n`);
    await using('./a.hyb');
    expect(await hyb(['check', 'b.hyb'], { cwd: project })).toMatchObject({ code: 0 });
    await using('../secret.hyb');
    const outside = await hyb(['check', 'b.hyb'], { cwd: project });
    expect(outside.code).toBe(1);
    expect(outside.err).toContain('HYB1002');
    // The same file through a link inside the project.
    await symlink(join(folder, 'secret.hyb'), join(project, 'link.hyb'));
    await using('./link.hyb');
    expect((await hyb(['check', 'b.hyb'], { cwd: project })).err).toContain('HYB1001');
    // With a wider root it is inside.
    await using('../secret.hyb');
    expect(await hyb(['check', 'project/b.hyb', '--root', '.'], { cwd: folder })).toMatchObject({ code: 0 });
    expect(await hyb(['check', 'secret.hyb', '--root', 'project'], { cwd: folder })).toMatchObject({ code: 2 });
  }));

describe('bad input gives a clear error', () => {
  const parentheses = '('.repeat(50_000);
  test.each<[string, string | Uint8Array, number]>([
    ['empty', '', 0],
    ['half-written', GOOD.slice(0, 90), 1],
    ['keywords as names', 'model model { width = width }', 1],
    ['nested parentheses', `model M { width = ${parentheses} }`, 1],
    ['a billion layers', GOOD.replace('[F F]', '[F*1_000_000_000]'), 1],
    ['one long line', `${'F '.repeat(200_000)}`, 1],
    ['control characters', 'model \u001b[2J\u001b]0;title\u0007 { }', 1],
    ['bytes that are no text', Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919 + (i >> 3)) % 256), 2],
    ['too large', ' '.repeat(5_000_000), 2],
  ])('%s', (_, content, expected) =>
    inFolder({ 'bad.hyb': content }, async (cwd) => {
      const { code, err, milliseconds } = await hyb(['check', 'bad.hyb'], { cwd });
      expect(code).toBe(expected);
      expect(err).not.toContain('went wrong');
      expect(err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
      expect(err.length).toBeLessThan(100_000);
      // A second on a machine of its own; tests share it.
      expect(milliseconds).toBeLessThan(10_000);
    }),
  );
});
