// `npm run bench`: set-up, the packages that Hyb is measured beside, and the benchmarks.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { optionsOf } from '../scripts/options.mjs';
import { fail, node, npm, root, setup, step, tsc } from '../scripts/setup.mjs';

const HELP = `npm run bench -- [options]

Measures how long models take to compile, how fast a small model runs on the adapter at hand beside what the adapter can do,
matrix products beside jax-js and ONNX Runtime Web, and training steps beside jax-js and TensorFlow.js. Without options
everything is measured (some 25 minutes where there is no GPU) and docs/benchmarks.md is updated.

  --only NAME    a part only; may be given again: compile, editor, model (decode, prefill), kernels (matmul, matmul-prompt, matvec,
                 matvec-bf16, matvec-small), training (train-transformer-10m, train-hybrid-10m, train-hybrid-100m);
                 and, only where it is named, model-8b (decode-8b, prefill-8b): takes 17 GB of a GPU's memory
  --rounds N     rounds of each measurement (7)
  --quick        few and short rounds, to see that everything works; the page stays as it is
  --json         the numbers as JSON on stdout
  --no-page      leave docs/benchmarks.md as it is
  --page FILE    another file than docs/benchmarks.md
  --help         this

HYB_ADAPTER=hardware or software chooses the adapter.
`;

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      page: { type: 'string' },
      'no-page': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
    throw new Error('--rounds takes a whole number.');
  const usual = values['no-page'] || values.quick ? undefined : join(root, 'docs/benchmarks.md');
  return { ...values, rounds, only: values.only.flatMap((name) => name.split(',')), page: values.page ?? usual };
}

/** Packages of bench/peers, as their own lockfile says. */
async function installPeers() {
  const folder = join(root, 'bench/peers');
  const installed = join(folder, 'node_modules/.package-lock.json');
  const lockfile = join(folder, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lockfile).mtimeMs) return;
  // Their install scripts are not needed.
  await step('Install what Hyb is measured beside', () =>
    npm(['ci', '--ignore-scripts'], { cwd: folder }).then(() => undefined),
  );
}

const chosen = optionsOf(HELP, options);
// Only JSON on stdout.
const { log } = console;
if (chosen.json) console.log = console.error;
try {
  await setup();
  await step('Build the benchmarks', () => node([tsc, '-b', 'bench/tsconfig.json']).then(() => undefined));
  const { choose, main } = await import('./dist/main.js');
  if (choose(chosen.only).some(({ section }) => section.peers)) await installPeers();
  console.log = log;
  await main(chosen);
} catch (error) {
  if (error instanceof RangeError) {
    console.error(error.message);
    process.exit(2);
  }
  fail(error);
}
