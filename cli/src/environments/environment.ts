/** Places where a compiled model can run, each given a bundle: one ES module without imports. */

/** What the module's default export is called with besides its own arguments. */
export interface Context {
  readonly environment: EnvironmentName;
  /** Where the files of `EnvironmentOptions.serve` are: `http://127.0.0.1:PORT`. */
  readonly base: string;
}

/** The default export of a module that `Environment.runBundle` runs. `navigator.gpu` is there. */
export type Program<Arguments = unknown, Result = unknown> = (
  args: Arguments,
  context: Context,
) => Promise<Result> | Result;

export type EnvironmentName = 'node' | 'chromium' | 'deno';

export interface EnvironmentOptions {
  /** URL paths and the folders or files behind them, as `{ '/golden': folder }`. */
  readonly serve?: Readonly<Record<string, string>>;
}

export interface RunOptions {
  /** JSON. */
  readonly args?: unknown;
  /** Milliseconds; two minutes if not given. */
  readonly timeout?: number;
}

export interface Environment {
  readonly name: EnvironmentName;
  /** Calls the default export of a bundle and returns the result, which must be JSON. */
  runBundle<Result>(file: string, options?: RunOptions): Promise<Result>;
  close(): Promise<void>;
}

/** Starts an environment; what it needs is loaded then. */
export async function startEnvironment(name: EnvironmentName, options: EnvironmentOptions = {}): Promise<Environment> {
  switch (name) {
    case 'chromium':
      return (await import('./chromium.js')).chromium(options);
    case 'node':
      return (await import('./processes.js')).node(options);
    case 'deno':
      return (await import('./processes.js')).deno(options);
  }
}
