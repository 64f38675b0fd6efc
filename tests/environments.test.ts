import { join } from 'node:path';
import { root } from './support/bundle.js';
import { environments, type Environment, type EnvironmentName } from './support/environments.js';

describe.each(Object.keys(environments) as EnvironmentName[])('%s', (name) => {
  let environment: Environment;
  beforeAll(async () => {
    environment = await environments[name]({ serve: { '/files': root } });
  }, 120_000);
  afterAll(() => environment.close());

  test('runs a compute shader and reads files by range', async () => {
    const args = { a: [1, 2, 3], b: [0.5, 0.25, 40] };
    const result = await environment.run(join(import.meta.dirname, 'programs/add.ts'), { args });
    expect(result).toEqual({ environment: name, sum: [1.5, 2.25, 43], status: 206, text: '{\n  ' });
  }, 60_000);

  test('says why a program failed and what it printed', async () => {
    const failing = environment.run(join(import.meta.dirname, 'programs/fail.ts'));
    await expect(failing).rejects.toThrow(/TypeError: This program fails\.|before it[^]*This program fails\./);
    await expect(failing).rejects.toThrow('before it');
  }, 60_000);
});
