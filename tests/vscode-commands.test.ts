/** What the extension's commands and tasks run. The extension in a real editor is in tests/vscode-web. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { fakeVscode, ProcessExecution, ShellExecution, Uri } from './support/fake-vscode.js';
import type { Task } from './support/fake-vscode.js';

/** Of the extension's files TypeScript thinks as of the bundles that they become, which are no modules. */
const source = (file: string): string => join(import.meta.dirname, '../vscode/src', file);

interface Tasks {
  provideTasks(): Promise<readonly Task[]>;
  resolveTask(task: { readonly definition: object }): Promise<Task | undefined>;
}

async function extension(folder: string | undefined) {
  const { api, state } = fakeVscode(folder === undefined ? undefined : Uri.file(folder));
  jest.resetModules();
  jest.unstable_mockModule('vscode', () => ({ ...api, default: api }), { virtual: true });
  const { registerCommands } = (await import(source('commands.ts'))) as { registerCommands(): void };
  const { HybTasks } = (await import(source('tasks.ts'))) as { HybTasks: new () => Tasks };
  registerCommands();
  return { state, tasks: new HybTasks() };
}

const commandLine = ({ execution }: Task): readonly string[] =>
  execution instanceof ProcessExecution
    ? [execution.process, ...execution.args]
    : [execution.command, ...execution.args].map(({ value }) => value);

const FOLDER = '/home/me/its "own" models\' $(touch x)';
const FILE = `${FOLDER}/a 'b'; "c".hyb`;
const uri = Uri.file(FILE).toString();

test.each([
  ['hyb.build', ['build', FILE, '--model', 'Tiny']],
  ['hyb.inspect', ['inspect', FILE, '--model', 'Tiny']],
  ['hyb.train', ['train', FILE, '--recipe', 'Tiny']],
])('the lens %s runs the command line in the folder, without a shell', async (command, args) => {
  const { state } = await extension(FOLDER);
  await state.call(command, uri, 'Tiny');
  const [task] = state.tasks;
  expect(commandLine(task!)).toEqual(['npx', '--no', 'hyb', ...args]);
  expect(task!.execution).toBeInstanceOf(ProcessExecution);
  expect(task!.execution.options).toEqual({ cwd: FOLDER });
  expect(task!.problemMatchers).toBe('$hyb');
  expect(task!.definition).toMatchObject({ type: 'hyb', command: args[0], file: FILE.slice(FOLDER.length + 1) });
  expect(task!.group).toBe(command === 'hyb.build' ? 'build' : undefined);
});

test('the palette runs on the file of the active editor', async () => {
  const { state } = await extension(FOLDER);
  await state.call('hyb.inspect');
  expect(state.told).toEqual(['Open a .hyb file first.']);
  state.active = Uri.file(FILE);
  await state.call('hyb.inspect');
  expect(state.tasks.map(commandLine)).toEqual([['npx', '--no', 'hyb', 'inspect', FILE]]);
});

test('the program is that of the settings, or the folder’s own', async () => {
  const { state } = await extension(FOLDER);
  state.existing.add(`${FOLDER}/node_modules/.bin/hyb`);
  await state.call('hyb.build', uri);
  state.settings['hyb.command'] = '/opt/my tools/hyb';
  await state.call('hyb.build', uri);
  expect(state.tasks.map((task) => commandLine(task)[0])).toEqual([
    `${FOLDER}/node_modules/.bin/hyb`,
    '/opt/my tools/hyb',
  ]);
});

test('what stands in the editor is saved before', async () => {
  const { state } = await extension(FOLDER);
  const order: string[] = [];
  const document = (file: string) => ({
    uri: Uri.file(file),
    isDirty: true,
    save: async () => order.push(`saved, ${state.tasks.length} tasks`) > 0,
  });
  state.documents = [document(`${FOLDER}/other.hyb`), document(FILE)];
  await state.call('hyb.build', uri);
  expect(order).toEqual(['saved, 0 tasks']);
  expect(state.tasks).toHaveLength(1);
});

test('files that are on no disk are refused with a reason', async () => {
  const { state } = await extension(undefined);
  await state.call('hyb.train', 'memfs:/work/a.hyb', 'Run');
  expect(state.told).toEqual([expect.stringContaining('npx hyb train')]);
  expect(state.tasks).toEqual([]);
});

test('the layer map is shown, and a new model begins with the snippet', async () => {
  const { state } = await extension(FOLDER);
  await state.call('hyb.showModel');
  await state.call('hyb.newModel');
  expect(state.opened).toEqual([{ language: 'hyb', content: '' }]);
  const snippets = JSON.parse(readFileSync(join(import.meta.dirname, '../vscode/snippets.json'), 'utf8')) as object;
  expect(Object.keys(snippets)).toContain('Model');
  expect(state.executed).toEqual([
    ['hyb.model.focus'],
    ['editor.action.insertSnippet', { langId: 'hyb', name: 'Model' }],
  ]);
});

test('tasks of a tasks.json: files of the folder, absolute ones, and nothing without a file', async () => {
  const { state, tasks } = await extension(FOLDER);
  const resolve = async (definition: object) => {
    const task = await tasks.resolveTask({ definition });
    return task && commandLine(task);
  };
  const before = ['npx', '--no', 'hyb'];
  expect(await resolve({ command: 'check', file: "it's.hyb" })).toEqual([...before, 'check', `${FOLDER}/it's.hyb`]);
  expect(await resolve({ command: 'fmt', file: '/a.hyb', args: ['--check'] })).toEqual([
    ...before,
    'fmt',
    '/a.hyb',
    '--check',
  ]);
  expect(await resolve({ command: 'check' })).toBeUndefined();
  expect(await tasks.provideTasks()).toEqual([]);
  state.active = Uri.file(FILE);
  const provided = await tasks.provideTasks();
  expect(provided.map((task) => commandLine(task)[3])).toEqual(['check', 'build']);
});

test('on Windows npm’s scripts need a shell, which is told each word in quotes', async () => {
  const folder = 'c:\\my models';
  const { state } = await extension(`/${folder}`);
  await state.call('hyb.build', "file:///c:/my%20models/it's.hyb", 'Tiny');
  const { execution } = state.tasks[0]!;
  expect(execution).toBeInstanceOf(ShellExecution);
  expect(execution.options).toMatchObject({ executable: 'cmd.exe', cwd: folder });
  expect(commandLine(state.tasks[0]!).slice(3)).toEqual(['build', `${folder}\\it's.hyb`, '--model', 'Tiny']);
  const { command, args } = execution as ShellExecution;
  expect([command, ...args].every(({ quoting }) => quoting === 2)).toBe(true);
});

test('such a task reaches the command line word by word', async () => {
  const place = mkdtempSync(join(tmpdir(), 'hyb-vscode-'));
  try {
    const folder = join(place, `its "own" models' $HOME`);
    mkdirSync(folder);
    const file = join(folder, "it's; exit 3.hyb");
    writeFileSync(file, 'model X {\n  vocab = 16\n  width = 8.5\n}\n');
    const { state } = await extension(folder);
    state.settings['hyb.command'] = join(import.meta.dirname, '../cli/bin/hyb.js');
    await state.call('hyb.inspect', Uri.file(file).toString(), 'X');
    const { process: program, args, options } = state.tasks[0]!.execution as ProcessExecution;
    const { status, stderr } = spawnSync(program, [...args], { ...options, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain("it's; exit 3.hyb:3:11");
  } finally {
    rmSync(place, { recursive: true });
  }
});
