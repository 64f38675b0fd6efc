// All checks of the repository after its set-up. The last line says how many passed and failed. Arguments go to jest.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, fail, node, root, setup, step, tsc } from './setup.mjs';

await setup({ build: false }).catch(fail);
let passed = 0;
let failed = 0;

/** A check that counts as one test. */
async function check(title, work) {
  try {
    await step(title, work);
    passed++;
  } catch (error) {
    console.error(error instanceof CommandError ? error.output.trim() : error);
    failed++;
  }
}

// The type check emits what it has checked: it is the build.
await check('Types', async () => {
  await node([tsc, '-b', 'tsconfig.json', 'tests/tsconfig.json']);
});
await check('Bundle', async () => {
  await node(['scripts/bundle.mjs']);
});
await check('Lint', async () => {
  const output = await node(['node_modules/eslint/bin/eslint.js', '.']);
  return output.trim() ? `warnings\n${output.trim()}\n` : undefined;
});
await check('Format', async () => {
  const cache = ['--cache', '--cache-location', 'node_modules/.cache/hyb/prettier'];
  await node(['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', ...cache, '.']);
});

const report = join(root, `node_modules/.cache/hyb/jest-${process.pid}.json`);
const jest = ['node_modules/jest/bin/jest.js', '--json', `--outputFile=${report}`, ...process.argv.slice(2)];
await new Promise((resolve, reject) => {
  // With --json jest prints the report on stdout too; people read what it prints on stderr.
  const child = spawn(process.execPath, ['--experimental-vm-modules', '--no-warnings=ExperimentalWarning', ...jest], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --no-warnings=ExperimentalWarning`.trim() },
  });
  child.on('error', reject).on('close', resolve);
});
try {
  const results = JSON.parse(readFileSync(report, 'utf8'));
  passed += results.numPassedTests;
  // A file that does not load has no tests to count.
  failed += results.numFailedTests + results.numRuntimeErrorTestSuites;
  if (results.numPendingTests > 0) console.log(`${results.numPendingTests} skipped`);
  if (!results.success && failed === 0) failed++;
} catch {
  console.error('jest ended without a report.');
  failed++;
} finally {
  rmSync(report, { force: true });
}

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
