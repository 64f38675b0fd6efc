// Everything that a fresh clone needs before its first command: packages, build, adapter. Uses only what Node has.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
export const green = (text) => paint(32, text);
export const red = (text) => paint(31, text);
export const dim = (text) => paint(2, text);

/** A command that failed, with what it printed. */
export class CommandError extends Error {
  constructor(command, output) {
    super(`${command} failed`);
    this.output = output;
  }
}

/** Runs Node with arguments in the root of the repository and returns what it printed. */
export function node(args, options = {}) {
  return run(process.execPath, args, options);
}

/** Runs npm, the one that runs this if there is one. */
export function npm(args, options = {}) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith('.js')) return run(process.execPath, [cli, ...args], options);
  return run('npm', args, { ...options, shell: process.platform === 'win32' });
}

function run(command, args, { shell = false, cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, shell, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new CommandError([command, ...args].join(' '), output));
    });
  });
}

/** Shows that a step runs, for how long, and how it ended. `work` may return a remark for the end of the line. */
export async function step(title, work) {
  const start = performance.now();
  const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  const live = process.stdout.isTTY;
  const timer = setInterval(
    () => {
      if (live) process.stdout.write(`\r… ${title} ${dim(seconds())}\x1b[K`);
      // A log has no line to redraw, but should show that something goes on.
      else console.log(`… ${title} ${seconds()}`);
    },
    live ? 200 : 15_000,
  );
  try {
    const remark = await work();
    clearInterval(timer);
    console.log(
      `${live ? '\r' : ''}${green('✓')} ${title}${remark ? `: ${remark}` : ''} ${dim(seconds())}${live ? '\x1b[K' : ''}`,
    );
  } catch (error) {
    clearInterval(timer);
    console.log(`${live ? '\r' : ''}${red('✗')} ${title} ${dim(seconds())}${live ? '\x1b[K' : ''}`);
    throw error;
  }
}

/** Packages as the lockfile says. Nothing happens when they are there. */
async function install() {
  const lockfile = join(root, 'package-lock.json');
  const installed = join(root, 'node_modules/.package-lock.json');
  const stamp = join(root, 'node_modules/.cache/hyb/lockfile');
  const wanted = createHash('sha256').update(readFileSync(lockfile)).digest('hex');
  const stamped = existsSync(stamp) && existsSync(installed) && readFileSync(stamp, 'utf8') === wanted;
  if (stamped) return;
  // Somebody who ran npm by hand has what the lockfile says too.
  const byHand = existsSync(installed) && statSync(installed).mtimeMs >= statSync(lockfile).mtimeMs;
  if (!byHand) {
    await step('Install packages (npm ci)', async () => {
      // Some set NODE_ENV=production or omit=dev for all their shells.
      await npm(['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund']);
    });
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

export const tsc = 'node_modules/typescript/bin/tsc';

async function build() {
  await step('Build', async () => {
    await node([tsc, '-b']);
    await node(['scripts/bundle.mjs']);
  });
}

/** Unpacks the software adapter if it is the one to use, so that later commands start at once. */
async function adapter() {
  await step('Adapter', async () => {
    const { adapterKind, listAdapters } = await import('../adapter/dist/index.js');
    const software = (await adapterKind()) === 'software';
    const used = (await listAdapters()).find((each) => each.software === software);
    return used ? `${used.description || used.device} (${software ? 'software' : 'GPU'})` : undefined;
  });
}

/** Prints what a failed step printed, and ends with the exit code 1. */
export function fail(error) {
  console.error(error instanceof CommandError ? `${error.output.trim()}\n\n${error.message}` : error);
  process.exit(1);
}

export async function setup({ build: building = true } = {}) {
  const [major] = process.versions.node.split('.').map(Number);
  if (major < 20) throw new Error(`Hyb needs Node 20 or later; this is ${process.version}.`);
  await install();
  if (!building) return;
  await build();
  await adapter();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setup().catch(fail);
