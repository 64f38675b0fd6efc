/** The built command: what `npx hyb` runs. Needs `npm run build`. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
const BIN = join(root, 'cli/bin/hyb.js');

export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly milliseconds: number;
}

export interface Surroundings {
  readonly cwd?: string;
}

/** Runs a command in a process of its own. */
export function hybProcess(
  args: readonly string[],
  {
    cwd = root,
    env = {},
    input,
  }: Surroundings & { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<Result> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], { cwd, env: { ...environment(), NO_COLOR: '1', ...env } });
    let out = '';
    let err = '';
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err, milliseconds: performance.now() - start }));
    child.stdin.end(input ?? '');
  });
}

/** Jest's own flags for Node are none of the command's business. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  return inherited;
}

let driver: { readonly child: ChildProcess; readonly waiting: ((line: string) => void)[] } | undefined;

/** Runs a command of the bundle in a process that the tests of a file share: a start costs more than most commands. */
export function hyb(args: readonly string[], { cwd = root }: Surroundings = {}): Promise<Result> {
  driver ??= startDriver();
  const { child, waiting } = driver;
  return new Promise((resolve) => {
    waiting.push((line) => resolve(JSON.parse(line) as Result));
    child.stdin!.write(`${JSON.stringify({ args, cwd })}\n`);
  });
}

function startDriver(): NonNullable<typeof driver> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'driver.mjs')], {
    env: environment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line));
  child.on('close', () => {
    for (const each of waiting) each('{"code":null,"out":"","err":"the process ended","milliseconds":0}');
    driver = undefined;
  });
  return { child, waiting };
}

afterAll(() => {
  driver?.child.kill();
});

/** JSON that a command printed, and nothing else. */
export function jsonOf<T>({ out }: Result): T {
  return JSON.parse(out) as T;
}

/** A folder for a test's files, gone afterwards. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'hyb-test-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
