// Trains one model in bf16, in fp8 and, as a control, in fp8 with a wrong scale, and writes what came of it into a report.
// `node examples/fp8/study.mjs --help` says the rest.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { optionsOf } from '../../scripts/options.mjs';
import { fail, setup } from '../../scripts/setup.mjs';
import { writeText } from '../training/text.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const HELP = `Usage: node examples/fp8/study.mjs [options]

Trains the model of fp8.hyb in bf16 and in fp8 from three seeds each, and twice with a wrong scale; writes report.md,
report.html and results.json beside it. About 50 minutes of processor time without a GPU. What has been trained is kept: stopped
and started again, the study goes on with the next run.

Options:
  --quick   two seeds and 20 steps, into runs/quick: shows that all of it works, and says nothing of fp8
  --steps N instead of the recipes' 120, into runs/N-steps: for a GPU
  --json    the summary as JSON on the standard output
  --fresh   forgets what has been trained
  --help    shows this`;

const OPTIONS = {
  quick: { type: 'boolean' },
  steps: { type: 'string' },
  json: { type: 'boolean' },
  fresh: { type: 'boolean' },
  help: { type: 'boolean' },
};

async function study({ quick = false, steps, json = false, fresh = false }) {
  const { describe, keyOf, openWorkbench } = await import('./workbench.mjs');
  const { CONTROLS, summarize } = await import('./summary.mjs');
  const { writeReport } = await import('./report.mjs');
  const seeds = quick ? [1, 2] : [1, 2, 3];
  const out = quick ? join(here, 'runs/quick') : steps === undefined ? here : join(here, `runs/${steps}-steps`);
  const design = describe('Fp8', steps);
  const log = join(here, 'runs/runs.jsonl');
  mkdirSync(dirname(log), { recursive: true });
  mkdirSync(out, { recursive: true });
  if (fresh) rmSync(log, { force: true });
  const runs = existsSync(log)
    ? readFileSync(log, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];
  const wanted = [
    ...CONTROLS.map((recipe) => ({ recipe, seed: seeds[0] })),
    ...['Fp8', 'Bf16'].flatMap((recipe) => seeds.map((seed) => ({ recipe, seed }))),
  ];
  // Runs of a recipe that has changed are no runs of this one.
  const keys = Object.fromEntries(['Bf16', 'Fp8', ...CONTROLS].map((recipe) => [recipe, keyOf(recipe, steps)]));
  const find = ({ recipe, seed }) => runs.find((run) => run.key === keys[recipe] && run.seed === seed);
  const missing = wanted.filter((run) => find(run) === undefined);

  console.error(
    `${percent(design.share)} of the operations of the layers' linear maps are in fp8 (${percent(design.shareWithHead)} with the head's).`,
  );
  const texts = await writeText(join(here, 'text'));
  const progress = progressOf(missing.length * design.steps);
  const keep = (run) => {
    appendFileSync(log, `${JSON.stringify(run)}\n`);
    runs.push(run);
    progress.ran(run);
  };

  /** Two workers, so that two cores have work: one takes runs from the front, one from the back. */
  async function trainAll(queue) {
    const judge = openJudge(await openWorkbench('Bf16', texts, steps));
    const work = async (next) => {
      let bench;
      for (let run = next(); run !== undefined; run = next()) {
        const { recipe, seed } = run;
        if (bench?.recipe !== recipe) {
          await bench?.close();
          bench = await openWorkbench(recipe, texts, steps);
        }
        const since = performance.now();
        const losses = await bench.run(seed, (loss) => progress.step(`${recipe}, seed ${seed}`, loss));
        const seconds = Math.round((performance.now() - since) / 1000);
        const heldOut = await bench.evaluate();
        const inBf16 = recipe === 'Bf16' ? heldOut : await judge.evaluate(await bench.parameters());
        keep({ key: keys[recipe], recipe, seed, device: bench.device, seconds, losses, heldOut, inBf16 });
      }
      await bench?.close();
    };
    await Promise.all([work(() => queue.shift()), work(() => queue.pop())]);
    await judge.close();
    return { device: judge.device };
  }

  const { device } = missing.length === 0 ? runs[0] : await trainAll([...missing]);
  const used = wanted.map(find);
  const summary = summarize(used);
  const command = ['node examples/fp8/study.mjs', quick ? '--quick' : steps === undefined ? '' : `--steps ${steps}`];
  const conditions = { ...machine(), device, command: command.join(' ').trim() };
  const results = { design, conditions, summary, runs: used };
  writeFileSync(join(out, 'results.json'), `${JSON.stringify(results)}\n`);
  await writeReport(out, results);
  const text = json
    ? JSON.stringify({ design, conditions, summary }, null, 2)
    : relative(process.cwd(), join(out, 'report.md'));
  process.stdout.write(`${text}\n`);
}

/** Measures weights in bf16, however they were trained, one set after another. */
function openJudge(bench) {
  let last = Promise.resolve();
  return {
    device: bench.device,
    close: bench.close,
    evaluate(parameters) {
      last = last.then(async () => {
        await bench.write(parameters);
        return bench.evaluate();
      });
      return last;
    },
  };
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

/** A line that is redrawn in a terminal, and one every half minute elsewhere. */
function progressOf(steps) {
  const [live, since] = [process.stderr.isTTY, performance.now()];
  let [done, shown] = [0, 0];
  return {
    step(run, loss) {
      done += 1;
      const now = performance.now();
      if (now - shown < (live ? 200 : 30_000)) return;
      shown = now;
      const left = ((now - since) / 1000 / done) * (steps - done);
      const text = `${run}: loss ${loss.toFixed(3)}; ${done} of ${steps} steps, about ${clock(left)} left`;
      process.stderr.write(live ? `\r${text}\x1b[K` : `${text}\n`);
    },
    ran({ recipe, seed, seconds, heldOut }) {
      const loss = heldOut.reduce((sum, each) => sum + each, 0) / heldOut.length;
      process.stderr.write(
        `${live ? '\r\x1b[K' : ''}${recipe}, seed ${seed}: held-out loss ${loss.toFixed(4)} (${seconds} s)\n`,
      );
    },
  };
}

function machine() {
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    processor: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}`,
  };
}

const chosen = optionsOf(HELP, () => {
  const { values } = parseArgs({ options: OPTIONS });
  const steps = values.steps === undefined ? undefined : Number(values.steps);
  if (steps !== undefined && !(Number.isInteger(steps) && steps > 0)) throw new Error('--steps takes a whole number.');
  return { ...values, steps: steps ?? (values.quick ? 20 : undefined) };
});
try {
  // The standard output is for results.
  if (chosen.json) console.log = console.error;
  await setup();
  await study(chosen);
} catch (error) {
  fail(error);
}
