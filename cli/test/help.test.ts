import { hyb, hybProcess, jsonOf } from './support/hyb.js';

const COMMANDS = [
  'new',
  'check',
  'fmt',
  'explain',
  'inspect',
  'build',
  'train',
  'eval',
  'sweep',
  'tokenizer',
  'import',
  'export',
  'verify',
  'generate',
  'devices',
  'lsp',
];

test('without arguments it says what there is', async () => {
  const { code, out, err } = await hybProcess([]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  for (const command of COMMANDS) expect(out).toMatch(new RegExp(`^  ${command} `, 'm'));
  expect(out).toContain('hyb new tiny');
  expect(await hybProcess(['--help'])).toMatchObject({ code: 0, out });
});

test.each(COMMANDS)('%s --help teaches with examples', async (command) => {
  const { code, out } = await hyb([command, '--help']);
  expect(code).toBe(0);
  expect(out).toMatch(/Examples:\n {2}\$ hyb /);
  expect((await hyb(['help', command])).out).toBe(out);
});

test('the version', async () => {
  expect(await hybProcess(['--version'])).toMatchObject({ code: 0, out: '0.1.0\n' });
});

test.each([
  [['chekc'], 'Did you mean check?'],
  [['check'], "missing required argument 'files'"],
  [['check', '--jsno', 'x.hyb'], 'Did you mean --json?'],
  [['build', 'x.hyb', '--print', 'grph'], 'Allowed choices are ast, model, graph'],
  [['inspect', 'x.hyb', '--context', '-3'], 'A whole number from 1 on is wanted.'],
  [['inspect', 'x.hyb', '--context', '1e3'], 'A whole number from 1 on is wanted.'],
  [['inspect', 'x.hyb', '--bandwidth', 'fast'], 'A number such as 900G or 3.35T is wanted.'],
  [['verify', 'x', '--device', 'abacus'], 'Allowed choices are node, chromium, deno, reference'],
  [['explain', 'HYB9999'], 'There is no code HYB9999.'],
  [['explain', '\u001b[31mred'], 'There is no code "\\u001b[31mred".'],
  [['check', 'nowhere.hyb'], 'There is no file nowhere.hyb.'],
  [['check', 'models'], 'models is a folder'],
  [['inspect', 'nowhere'], 'There is no file or folder nowhere.'],
  [['build', 'models/checkpoints.hyb'], 'models/checkpoints.hyb declares no model.'],
  [['import', 'nowhere'], 'There is no folder nowhere.'],
  [['import', 'models'], 'models has no config.json.'],
  [['export', 'models/llama-3.1-8b.hyb', 'out'], 'Which weights?'],
  [['export', 'models/llama-3.1-8b.hyb', 'out', '--shard-size', '5'], 'A size such as 5GB is wanted.'],
  [['verify', 'models'], 'models has no model.safetensors'],
])('%j cannot run', async (args, message) => {
  const { code, out, err } = await hyb(args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(message);
  expect(err).not.toContain('    at ');
});

test('--debug shows where an error comes from, wherever it stands', async () => {
  expect((await hyb(['check', 'nowhere.hyb', '--debug'])).err).toMatch(/\n {4}at /);
  expect((await hyb(['--debug', 'check', 'nowhere.hyb'])).err).toMatch(/\n {4}at /);
});

test('explain', async () => {
  const { code, out } = await hyb(['explain', '2020']);
  expect(code).toBe(0);
  expect(out).toMatch(/^HYB2020: Unknown slot\n/);
  expect(await hyb(['explain', 'hyb2020'])).toMatchObject({ code: 0, out });
  const entry = jsonOf<{ code: string; example: string; fixed: string }>(await hyb(['explain', 'HYB2020', '--json']));
  expect(entry).toMatchObject({ code: 'HYB2020', example: expect.stringContaining('model') as string });
  const all = jsonOf<{ code: string }[]>(await hyb(['explain', '--json']));
  expect(all.length).toBeGreaterThan(100);
  expect((await hyb(['explain'])).out.split('\n')).toHaveLength(all.length + 1);
});

test('exit codes reach the shell', async () => {
  expect(await hybProcess(['check', 'models/llama-3.1-8b.hyb'])).toMatchObject({ code: 0 });
  expect(await hybProcess(['inspect', 'models/llama-3.1-8b.hyb', '--model', 'None'])).toMatchObject({ code: 1 });
  expect(await hybProcess(['check'])).toMatchObject({ code: 2 });
}, 30_000);

test('colours only where they are wanted', async () => {
  const escape = '\u001b[';
  expect((await hybProcess(['explain'])).out).not.toContain(escape);
  expect((await hybProcess(['explain'], { env: { NO_COLOR: '', FORCE_COLOR: '1' } })).out).toContain(escape);
  expect((await hybProcess(['explain'], { env: { FORCE_COLOR: '1' } })).out).not.toContain(escape);
}, 30_000);

test('devices', async () => {
  const { code, out } = await hyb(['devices']);
  expect(code).toBe(0);
  expect(out).toMatch(/^\* /m);
  const { adapters } = jsonOf<{ adapters: { used: boolean; limits: Record<string, number> }[] }>(
    await hyb(['devices', '--json']),
  );
  expect(adapters.filter(({ used }) => used)).toHaveLength(1);
  expect(adapters[0]!.limits['maxBufferSize']).toBeGreaterThan(0);
}, 30_000);
