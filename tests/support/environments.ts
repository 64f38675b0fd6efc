/** Environments of `@hyb/cli` that bundle a test's program from its sources. */
import { startEnvironment } from '@hyb/cli/environments/environment';
import type {
  Environment as BundleEnvironment,
  EnvironmentName,
  EnvironmentOptions,
  RunOptions,
} from '@hyb/cli/environments/environment';
import { bundle } from './bundle.js';

export type {
  Context,
  EnvironmentName,
  EnvironmentOptions,
  Program,
  RunOptions,
} from '@hyb/cli/environments/environment';

export interface Environment extends BundleEnvironment {
  /** Bundles a module from its sources, calls its default export there and returns the result, which must be JSON. */
  run<Result>(entry: string, options?: RunOptions): Promise<Result>;
}

async function start(name: EnvironmentName, options?: EnvironmentOptions): Promise<Environment> {
  const environment = await startEnvironment(name, options);
  return {
    ...environment,
    run: async (entry, run) => environment.runBundle(await bundle(entry, { platform: 'browser' }), run),
  };
}

export const environments: Readonly<Record<EnvironmentName, (options?: EnvironmentOptions) => Promise<Environment>>> = {
  node: (options) => start('node', options),
  chromium: (options) => start('chromium', options),
  deno: (options) => start('deno', options),
};
