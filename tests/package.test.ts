/**
 * Compiled packages as a user has them: the runtime and three packages packed by npm, installed in a folder outside the
 * repository, type-checked there, bundled, and run in Node, Chromium and Deno against the recorded originals.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './support/bundle.js';
import { installConsumer } from './support/consumer.js';
import type { Consumer } from './support/consumer.js';
import { environments, type EnvironmentName } from './support/environments.js';
import { GOLDENS, goldenPackage } from './support/golden-package.js';

const TOLERANCE = 1e-4;
let consumer: Consumer;
let bundled: string;

beforeAll(async () => {
  const packages = new Map(await Promise.all(GOLDENS.map(async (name) => [name, await goldenPackage(name)] as const)));
  consumer = await installConsumer(packages, 'tests/consumer/main.ts');
  bundled = await consumer.bundle();
}, 300_000);

afterAll(() => consumer?.remove());

test('the installed packages depend on the runtime alone', async () => {
  expect((await readdir(join(consumer.folder, 'node_modules/@hyb'))).sort()).toEqual(['runtime']);
});

test('they type-check against their declarations, strictly', () => consumer.typeCheck(), 120_000);

test.each(Object.keys(environments) as EnvironmentName[])(
  'they compute in %s what the originals computed',
  async (name) => {
    const environment = await environments[name]({ serve: { '/golden': join(root, 'tests/golden') } });
    try {
      const results = await environment.runBundle<
        Record<string, { prompt: number; decode: number; dispatches: number; generated: boolean }>
      >(bundled, { timeout: 400_000 });
      expect(Object.keys(results)).toEqual([...GOLDENS]);
      for (const result of Object.values(results)) {
        expect(result.prompt).toBeLessThan(TOLERANCE);
        expect(result.decode).toBeLessThan(TOLERANCE);
        expect(result.generated).toBe(true);
      }
    } finally {
      await environment.close();
    }
  },
  420_000,
);
