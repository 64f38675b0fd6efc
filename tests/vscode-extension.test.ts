/** The extension's manifest, snippets and package; the extension at work is in tests/vscode-web. */
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, hasErrors, memoryHost } from '@hyb/compiler';
import { renderDiagnostic } from '@hyb/grammar';
import { build, BUILT } from '../vscode/build.mjs';

const folder = join(import.meta.dirname, '../vscode');
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');

interface Pattern {
  readonly regexp: string;
  readonly severity?: number;
  readonly code?: number;
  readonly message?: number;
  readonly file?: number;
  readonly line?: number;
  readonly column?: number;
}
const manifest = JSON.parse(read('package.json')) as {
  readonly files: readonly string[];
  readonly main: string;
  readonly browser: string;
  readonly icon: string;
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly grammars: readonly { readonly path: string }[];
    readonly languages: readonly { readonly configuration: string; readonly icon: Readonly<Record<string, string>> }[];
    readonly problemMatchers: readonly { readonly pattern: readonly Pattern[] }[];
    readonly walkthroughs: readonly { readonly steps: readonly { readonly media: { readonly markdown: string } }[] }[];
  };
};
test('every file that the manifest speaks of is built or there, and goes into the package', async () => {
  const built = await mkdtemp(join(tmpdir(), 'hyb-vscode-'));
  try {
    await build({ outdir: built });
    const { contributes, main, browser, icon } = manifest;
    const named = [
      ...[main, browser, icon],
      ...contributes.grammars.map(({ path }) => path),
      ...contributes.languages.flatMap((each) => [each.configuration, ...Object.values(each.icon)]),
      ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.markdown)),
    ];
    for (const file of named) {
      const path = file.replace(/^\.\//, '');
      const inside = path.startsWith('dist/') ? join(built, path.slice('dist/'.length)) : join(folder, path);
      expect((await readFile(inside)).length).toBeGreaterThan(0);
      expect(manifest.files.some((entry) => path === entry || path.startsWith(`${entry}/`))).toBe(true);
    }
    // The .vsix itself is made and compared by `npm run test:vscode`.
    const listed = read('packaging/contents.txt').trim().split('\n');
    const inDist = listed.filter((path) => path.startsWith('extension/dist/')).map((path) => path.slice(15));
    expect(inDist).toEqual((await readdir(built)).sort());
    // Nothing is needed beside the scripts but the editor and what Node has.
    for (const file of Object.keys(BUILT).filter((name) => name.endsWith('.js'))) {
      const script = await readFile(join(built, file), 'utf8');
      const required = [...script.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name!);
      const foreign = [...new Set(required)].filter((name) => !isBuiltin(name));
      expect(foreign).toEqual(file.startsWith('extension') ? ['vscode'] : []);
    }
  } finally {
    await rm(built, { recursive: true });
  }
}, 120_000);

const BASE = `use std.{MLP, RMSNorm}
model Base {
  vocab = 16
  width = 8
  context = 16
  F = MLP(inner = 16)
  norm = { pre = RMSNorm }
  layers = [F]
  head = { norm = RMSNorm, tie = true }
`;

test.each(Object.entries(JSON.parse(read('snippets.json')) as Record<string, { readonly body: readonly string[] }>))(
  'the snippet %s compiles as it comes',
  (name, { body }) => {
    const text = body
      .join('\n')
      .replace(/\$\{\d+\|([^,|]*)[^}]*\}/g, '$1')
      .replace(/\$\{\d+:([^}]*)\}/g, '$1')
      .replaceAll('$0', '');
    const whole =
      name === 'Precision' ? `${BASE}${text}\n}\n` : name === 'Derived model' ? `${BASE}}\n${text}\n` : text;
    const { diagnostics } = check(memoryHost({ 'x.hyb': whole }), 'x.hyb');
    expect(hasErrors(diagnostics)).toBe(false);
    expect(whole).not.toMatch(/\$\{/);
  },
);

test('the problem matcher reads what hyb check prints', () => {
  const text = 'model X {\n  vocab = 16\n  width = 8.5\n}\n';
  const { diagnostics } = check(memoryHost({ 'a folder/x.hyb': text }), 'a folder/x.hyb');
  const [first, second] = manifest.contributes.problemMatchers[0]!.pattern;
  expect(diagnostics.length).toBeGreaterThan(0);
  for (const diagnostic of diagnostics) {
    const lines = renderDiagnostic(diagnostic, () => text).split('\n');
    const head = new RegExp(first!.regexp).exec(lines[0]!)!;
    expect([head[first!.severity!], head[first!.code!]]).toEqual([diagnostic.severity, diagnostic.code]);
    expect(head[first!.message!]).not.toBe('');
    const place = new RegExp(second!.regexp).exec(lines[1]!)!;
    const before = text.slice(0, diagnostic.span.start).split('\n');
    const found = [place[second!.file!], Number(place[second!.line!]), Number(place[second!.column!])];
    expect(found).toEqual(['a folder/x.hyb', before.length, before.at(-1)!.length + 1]);
  }
});

test('commands that are declared are those that are registered', () => {
  const sources = ['src/commands.ts', 'src/activate.ts'].map(read).join('\n');
  const registered = [...sources.matchAll(/registerCommand\('([^']+)'/g)].map(([, name]) => name);
  expect(manifest.contributes.commands.map(({ command }) => command).sort()).toEqual(registered.sort());
});
