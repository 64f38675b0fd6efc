import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { softwareEnvironment } from '@hyb/adapter';
import type { Context, Environment, EnvironmentOptions, RunOptions } from './environment.js';
import { packageFolder } from './packages.js';
import { serve } from './server.js';

/** Node processes with the adapter of `@hyb/adapter`. */
export function node(options: EnvironmentOptions = {}): Promise<Environment> {
  const adapter = pathToFileURL(join(packageFolder('@hyb/adapter'), 'dist/index.js')).href;
  const prelude = `import { installGPU } from '${adapter}';\nawait installGPU();`;
  return processes('node', options, prelude, async (script) => ({
    command: process.execPath,
    args: [script],
    env: {},
  }));
}

/** Deno processes with its own WebGPU implementation (wgpu), on SwiftShader. */
export function deno(options: EnvironmentOptions = {}): Promise<Environment> {
  return processes('deno', options, '', async (script) => {
    const folder = packageFolder('deno');
    const args = [
      'run',
      '--quiet',
      '--no-config',
      '--no-lock',
      '--no-remote',
      '--no-npm',
      '--allow-all',
      '--unstable-webgpu',
      script,
    ];
    const env = {
      ...(process.env.HYB_ADAPTER === 'hardware' ? {} : await softwareEnvironment()),
      DENO_DIR: join(tmpdir(), `hyb-deno-${process.getuid?.() ?? 0}`),
      DENO_NO_UPDATE_CHECK: '1',
      NO_COLOR: '1',
    };
    const binary = join(folder, 'deno');
    if (existsSync(binary)) return { command: binary, args, env };
    return { command: process.execPath, args: [join(folder, 'bin.cjs'), ...args], env };
  });
}

interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

async function processes(
  name: 'node' | 'deno',
  options: EnvironmentOptions,
  prelude: string,
  commandFor: (script: string) => Promise<Command>,
): Promise<Environment> {
  const server = await serve(new Map(Object.entries(options.serve ?? {})));
  const runBundle = async <Result>(file: string, run: RunOptions = {}): Promise<Result> => {
    // Whatever else the program prints, this line is ours.
    const marker = `result-${randomBytes(8).toString('hex')}:`;
    const context: Context = { environment: name, base: server.base };
    const folder = await mkdtemp(join(tmpdir(), 'hyb-'));
    try {
      const script = join(folder, 'run.mjs');
      await writeFile(
        script,
        `${prelude}
const { default: program } = await import('${pathToFileURL(file).href}');
const result = await program(${JSON.stringify(run.args ?? null)}, ${JSON.stringify(context)});
console.log('\\n${marker}' + JSON.stringify(result ?? null));
`,
      );
      const output = await execute(await commandFor(script), run.timeout ?? 120_000);
      return resultOf<Result>(output, marker);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  return { name, runBundle, close: () => server.close() };
}

function resultOf<Result>(output: string, marker: string): Result {
  const line = output.split('\n').find((each) => each.startsWith(marker));
  if (line === undefined) throw new Error(`The program ended without a result.\n${output}`);
  return JSON.parse(line.slice(marker.length)) as Result;
}

function execute({ command, args, env }: Command, timeout: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], timeout });
    let output = '';
    let errors = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`The process ended with ${signal ?? `code ${code}`}.\n${output}${errors}`));
    });
  });
}
