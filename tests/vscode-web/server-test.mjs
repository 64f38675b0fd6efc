// The second half of `npm run test:vscode`: the packaged extension as a desktop runs it, with Node, files on a disk, terminals and
// the language server in a process of its own. Needs `npm run build`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { step } from '../../scripts/setup.mjs';
import { checks, drive } from './drive.mjs';
import { startServer } from './server.mjs';

const hyb = fileURLToPath(new URL('../../cli/bin/hyb.js', import.meta.url));
const BLOCKS = 'block Mine(rate = 2)(x: [time, width]) -> [time, width] { return rate * x }\n';
const MODEL = `use "./blocks.hyb".{Mine}

model Small {
  vocab   = 16
  width   = 8
  context = 64
  B       = Mine(rate = 3)
  layers  = [B]
  head    = { tie = true }
}
`;
const SETTINGS = { 'workbench.startupEditor': 'none', 'files.autoSave': 'off', 'hyb.command': hyb };

const start = (settings) =>
  startServer({
    'package.json': '{}',
    'blocks.hyb': BLOCKS,
    "it's one.hyb": MODEL,
    '.vscode/settings.json': JSON.stringify(settings),
  });

/** Processes below this one that run a script. */
function processes(pattern) {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n');
  const all = rows.map((row) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row).slice(1));
  const below = new Set([String(process.pid)]);
  for (let grown = true; grown;) {
    const more = all.filter(([pid, parent]) => below.has(parent) && !below.has(pid));
    for (const [pid] of more) below.add(pid);
    grown = more.length > 0;
  }
  return all.filter(([pid, , args]) => below.has(pid) && pattern.test(args)).map(([pid]) => Number(pid));
}

async function until(holds) {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 100, String(holds));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** A window with the model open, and what ends it. */
async function opened(settings) {
  let code;
  await step('Visual Studio Code with a server starts', async () => {
    code = await start(settings);
    await code.tab.locator('.explorer-folders-view .monaco-list-row', { hasText: "it's one.hyb" }).dblclick();
  });
  return { ...code, ...drive(code.tab), ...checks(code.tab, code.printed) };
}

let code = await opened(SETTINGS);
try {
  const { tab, check, line, keys, command } = code;
  const file = join(code.folder, "it's one.hyb");
  await check('it activates: its server is a process, and has read the disk', async () => {
    await tab.getByText('1 layer').first().waitFor();
    assert.equal(processes(/server-node\.js --stdio/).length, 1);
    assert.equal(await tab.locator('.squiggly-error').count(), 0);
  });
  await check('an error shows, and a repair removes it; saving formats the file on the disk', async () => {
    await line('Mine(rate = 3)').click();
    await keys('End', 'Enter');
    await tab.keyboard.type('B.raet=5');
    await tab.locator('.squiggly-error').first().waitFor();
    // What is proposed while typing takes the keys otherwise.
    await keys('Escape', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft');
    const repair = tab.locator('.action-widget .monaco-list-row', { hasText: 'rate' }).first();
    // The editor offers nothing while the language server is asked about an earlier text.
    await until(async () => {
      await keys('Escape', 'Control+.');
      return repair.waitFor({ timeout: 2000 }).then(
        () => true,
        () => false,
      );
    });
    await keys('Enter');
    await line('B.rate=5').waitFor();
    await keys('Control+S');
    await until(async () => (await readFile(file, 'utf8')).includes('  B.rate  = 5\n'));
  });
  await check('a file that changes on the disk is read again', async () => {
    await writeFile(join(code.folder, 'blocks.hyb'), BLOCKS.replaceAll('rate', 'factor'));
    await tab.locator('.squiggly-error').first().waitFor();
    await writeFile(join(code.folder, 'blocks.hyb'), BLOCKS);
    await tab.locator('.squiggly-error').first().waitFor({ state: 'detached' });
  });
  await check('Inspect runs the command line in a terminal, whatever the folder is called', async () => {
    await tab.getByText('Inspect').first().click();
    await tab.locator('.terminal-wrapper .xterm').first().waitFor();
    await until(async () => (await terminal(tab)).includes('activations'));
  });
  await check('who is made of a block: the hierarchy', async () => {
    await line('Mine(rate = 3)').click();
    const [before] = /\S.*Mi/.exec(await line('Mine(rate = 3)').textContent());
    await keys('Home', ...Array.from(before, () => 'ArrowRight'));
    await command('Peek Call Hierarchy');
    await tab.locator('.call-hierarchy .monaco-list-row', { hasText: 'Small' }).first().waitFor();
    await keys('Escape');
  });
  await check('restarting replaces the process', async () => {
    const [before] = processes(/server-node\.js --stdio/);
    await command('Hyb: Restart the language server');
    await until(() => {
      const now = processes(/server-node\.js --stdio/);
      return now.length === 1 && now[0] !== before;
    });
  });
} finally {
  code.end();
  await code.close();
}

code = await opened({ ...SETTINGS, 'hyb.server.command': hyb });
try {
  const { tab, check } = code;
  await check('another server, of the settings: hyb lsp --stdio', async () => {
    await tab.getByText('1 layer').first().waitFor();
    assert.equal(processes(/hyb\.js lsp --stdio/).length, 1);
    assert.equal(processes(/server-node\.js --stdio/).length, 0);
  });
} finally {
  code.end();
  await code.close();
}
assert.deepEqual(processes(/lsp --stdio|server-node\.js/), [], 'no server outlives its editor');

/** What a terminal shows: rows of its accessible buffer. */
async function terminal(tab) {
  return (await tab.locator('.xterm-rows, .xterm-accessibility-tree').allTextContents())
    .join('\n')
    .replaceAll('\u00a0', ' ');
}
