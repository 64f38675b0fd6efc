// Visual Studio Code's server, as remote desktops have it: extensions run in a process with Node, on files of a disk, and a
// browser shows the window. An extension's `main` runs there as in a desktop.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, symlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { launchChromium } from '../../cli/dist/environments/chromium.js';
import { makePackage } from '../../vscode/package.mjs';
import { install, openTab } from './harness.mjs';

const run = promisify(execFile);
const modules = fileURLToPath(new URL('node_modules', import.meta.url));
const code = join(modules, 'code-server/lib/vscode');

/** The server's packages are those of our lockfile, its terminals come compiled. */
function link() {
  const links = [
    [modules, join(code, 'node_modules')],
    [join(modules, '@lydell/node-pty'), join(modules, 'node-pty')],
  ];
  for (const [to, from] of links) if (!existsSync(from)) symlinkSync(to, from, 'junction');
}

/**
 * @param workspace texts by path in a folder whose name shells would misread
 * @returns the page of an editor that has started, the folder, what was printed, and what ends it all
 */
export async function startServer(workspace) {
  await install();
  link();
  const place = await mkdtemp(join(tmpdir(), 'hyb-vscode-'));
  const folder = join(place, `its "own" models' $HOME`);
  for (const [path, text] of Object.entries(workspace)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const data = join(place, 'data');
  const options = ['--server-data-dir', data, '--accept-server-license-terms'];
  const main = join(code, 'out/server-main.js');
  await run(process.execPath, [main, ...options, '--install-extension', await makePackage(place)]);
  const token = randomBytes(16).toString('hex');
  const listening = ['--host', '127.0.0.1', '--port', '0', '--connection-token', token];
  const quiet = ['--telemetry-level', 'off', '--disable-workspace-trust'];
  const server = spawn(process.execPath, [main, ...options, ...listening, ...quiet], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const port = await new Promise((resolve, reject) => {
    createInterface(server.stdout).on('line', (line) => {
      const [, found] = /agent listening on (\d+)/.exec(line) ?? [];
      if (found !== undefined) resolve(found);
    });
    server.once('exit', (status) => reject(new Error(`Visual Studio Code's server ended with ${status}.`)));
  });
  const browser = await launchChromium();
  const url = `http://127.0.0.1:${port}/?tkn=${token}&folder=${encodeURIComponent(folder)}`;
  const { tab, printed } = await openTab(browser, url);
  return {
    tab,
    printed,
    folder,
    close: async () => {
      await browser.close();
      server.kill();
      await ended;
      await rm(place, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
