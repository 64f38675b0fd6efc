// `npm run package -w vscode`: the .vsix, in vscode/. The first time, the tool that makes it is installed beside it.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from './build.mjs';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const packaging = join(here, 'packaging');

/** A lockfile of its own: the tool is larger than all that the rest of the repository needs to build. */
async function install() {
  if (existsSync(join(packaging, 'node_modules/@vscode/vsce'))) return;
  console.log('Installing the packaging tool');
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: packaging,
    shell: process.platform === 'win32',
  });
}

/** @returns path of the .vsix */
export async function makePackage(folder = here) {
  const { name, version } = JSON.parse(await readFile(join(here, 'package.json'), 'utf8'));
  await install();
  await build();
  await copyFile(join(here, '../LICENSE'), join(here, 'LICENSE'));
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}-${version}.vsix`);
  await rm(path, { force: true });
  const vsce = join(packaging, 'node_modules/@vscode/vsce/vsce');
  // Everything is bundled, and there is no repository whose address links in the README could begin with.
  const options = ['--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links', '--out', path];
  await run(process.execPath, [vsce, 'package', ...options], { cwd: here });
  return path;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await makePackage());
