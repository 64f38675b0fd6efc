import { chromium } from './chromium.js';
import { deno, node } from './processes.js';
import type { Served } from './server.js';

/** What a program under test is called with besides its own arguments. */
export interface Context {
  readonly environment: EnvironmentName;
  /** Where the files of `EnvironmentOptions.serve` are: `http://127.0.0.1:PORT`. */
  readonly base: string;
}

/** The default export of a module that `Environment.run` runs. `navigator.gpu` is there. */
export type Program<Arguments = unknown, Result = unknown> = (
  args: Arguments,
  context: Context,
) => Promise<Result> | Result;

export type EnvironmentName = 'node' | 'chromium' | 'deno';

export interface EnvironmentOptions {
  readonly serve?: Served;
}

export interface RunOptions {
  /** JSON. */
  readonly args?: unknown;
  /** Milliseconds; two minutes if not given. */
  readonly timeout?: number;
}

/** Somewhere a package can run. */
export interface Environment {
  readonly name: EnvironmentName;
  /** Bundles a module from its sources, calls its default export there and returns the result, which must be JSON. */
  run<Result>(entry: string, options?: RunOptions): Promise<Result>;
  /** The same for a bundle that is made already: one ES module without imports. */
  runBundle<Result>(file: string, options?: RunOptions): Promise<Result>;
  close(): Promise<void>;
}

export const environments: Readonly<Record<EnvironmentName, (options?: EnvironmentOptions) => Promise<Environment>>> = {
  node,
  chromium,
  deno,
};
