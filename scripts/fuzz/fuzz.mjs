// Runs the tests' properties for a given time instead of a given number of times. Needs `npm run setup`.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { optionsOf, refuse } from '../options.mjs';
import { node, root } from '../setup.mjs';

const HELP = `Usage: npm run fuzz -- [--seconds N] [--seed N] [PATTERN …]

Runs every property of the tests on random input for a given time in all (default: 600 seconds): source texts, syntax
trees, models from source to kernels, kernels, weights, configurations, states. What fails is printed as small as it can
be made, with a seed that brings it back.

  --seconds N   time in all, shared equally by the properties; set-up and shrinking come on top
  --seed N      the same random input as a run that printed this seed (default: another one each time)
  PATTERN       only test files whose path matches, such as compiler/test/plan/random-models

Exit codes: 0 nothing found, 1 a property failed, 2 bad arguments.`;

const WORKERS = 2;

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seconds: { type: 'string', default: '600' }, seed: { type: 'string' }, help: { type: 'boolean' } },
  });
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) throw new RangeError(`--seconds ${values.seconds} is not a time.`);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  if (!Number.isInteger(seed)) throw new RangeError(`--seed ${values.seed} is not a whole number.`);
  return { help: values.help, seconds, seed, patterns: positionals };
}

const { seconds, seed, patterns } = optionsOf(HELP, options);

const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--config', 'scripts/fuzz/jest.config.js'];
const listed = await node([...jest, '--listTests', ...patterns]);
const properties = new Map();
for (const file of listed
  .trim()
  .split('\n')
  .filter((line) => line.endsWith('.ts'))) {
  const count = readFileSync(file, 'utf8').split('fc.assert(').length - 1;
  if (count > 0) properties.set(file, count);
}
if (properties.size === 0) refuse(`No test file with a property matches ${patterns.join(' ')}.`, HELP);
const total = [...properties.values()].reduce((a, b) => a + b, 0);
const each = (seconds * 1000 * Math.min(WORKERS, properties.size)) / total;
console.log(`${total} properties, ${(each / 1000).toFixed(1)} s each; --seed ${seed}`);

const child = spawn(
  process.execPath,
  [
    '--no-warnings=ExperimentalWarning',
    ...jest,
    '--maxWorkers',
    `${WORKERS}`,
    '--runTestsByPath',
    ...properties.keys(),
  ],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, HYB_FUZZ_MS: `${Math.ceil(each)}`, HYB_FUZZ_SEED: `${seed}` },
  },
);
child.on('close', (code) => (process.exitCode = code === 0 ? 0 : 1));
