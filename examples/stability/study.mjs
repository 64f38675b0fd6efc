// The study of learning rates from one command: see README.md, or --help.
import { fork } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { optionsOf } from '../../scripts/options.mjs';
import { CommandError, root, setup } from '../../scripts/setup.mjs';
import { LADDER } from './design.mjs';
import { METHODS, QUICK, SEEDS } from './methods.mjs';
import { Progress } from './progress.mjs';
import { designKey, Results } from './results.mjs';
import { runsLeft, search } from './search.mjs';
import { summarize } from './summary.mjs';

const HELP = `node examples/stability/study.mjs [options]

For each method of "Methods of Improving LLM Training Stability" the largest learning rate of a ladder at which a small
Transformer converges, by bisection, with three seeds. README.md beside this file says how, and what counts as converged.

  --quick        the baseline, QK_norm and QKV_norm only
  --method NAME  this method only; may be given again: ${METHODS.map(({ name }) => name).join(', ')}
  --out DIR      where results and report go (build/stability)
  --workers N    processes that train side by side (as many as there are cores, 2 at most)
  --fresh        forgets the results that are there; without it, the study goes on from them
  --report       makes the report of the results that are there, and trains nothing
  --json         what came out, as JSON on stdout
  --help         this

Ctrl-C ends the study; what has been trained to its end is kept, and the same command goes on from there.
Exit codes: 0 done; 2 it could not run; 130 ended by Ctrl-C.
`;

const here = dirname(fileURLToPath(import.meta.url));
const INTERRUPTED = 130;

function options() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      method: { type: 'string', multiple: true, default: [] },
      out: { type: 'string', default: join(root, 'build/stability') },
      workers: { type: 'string', default: String(Math.min(2, availableParallelism())) },
      fresh: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const workers = Number(values.workers);
  if (!(Number.isInteger(workers) && workers > 0)) throw new RangeError('--workers takes a whole number.');
  const unknown = values.method.find((name) => !METHODS.some((method) => method.name === name));
  if (unknown !== undefined) throw new RangeError(`There is no method ${unknown}.`);
  const wanted = values.method.length > 0 ? values.method : values.quick ? QUICK : METHODS.map(({ name }) => name);
  return { ...values, workers, out: resolve(values.out), methods: METHODS.filter(({ name }) => wanted.includes(name)) };
}

/** Everything that decides what a run comes to. */
function design() {
  const files = ['stability.hyb', 'criterion.mjs', 'design.mjs', 'workbench.mjs'];
  return designKey(files.map((file) => readFileSync(join(here, file), 'utf8')));
}

class Study {
  #options;
  #results;
  #growth;
  #progress;
  #children = new Set();
  #interrupted = false;
  device;

  constructor(chosen, progress) {
    this.#options = chosen;
    this.#progress = progress;
    const key = design();
    this.#results = new Results(join(chosen.out, 'results.jsonl'), key);
    this.#growth = new Results(join(chosen.out, 'growth.jsonl'), key);
  }

  get results() {
    return this.#results.runs;
  }

  get growth() {
    return this.#growth.runs;
  }

  get interrupted() {
    return this.#interrupted;
  }

  /** All methods with the first seed, then with the others, so that a study that was ended early compares all of them. */
  *#jobs() {
    const [first, ...others] = SEEDS;
    for (const seeds of [[first], others]) {
      for (const method of this.#options.methods) {
        const left = this.#left(method.name, seeds) > 0;
        // What grows is looked at in the baseline, as soon as its rates are known.
        const grows = method.name === 'baseline' && seeds[0] === first;
        if (!left && !grows) continue;
        yield async () => {
          if (left) await this.#search(method, seeds);
          if (grows && !this.#interrupted) await this.#measureGrowth();
        };
      }
    }
  }

  async run() {
    const jobs = this.#jobs();
    const work = async () => {
      for (const job of jobs) {
        if (this.#interrupted) return;
        await job();
      }
    };
    await Promise.all(Array.from({ length: this.#options.workers }, work));
  }

  /** What is trained to its end is on the disk already. */
  interrupt() {
    this.#interrupted = true;
    for (const child of this.#children) child.kill('SIGKILL');
  }

  /** Runs that a method is likely to take yet. */
  #left(method, seeds = SEEDS) {
    let guess;
    let left = 0;
    for (const seed of SEEDS) {
      const outcomes = this.#results.outcomes(method, seed);
      if (seeds.includes(seed)) left += runsLeft(outcomes, LADDER.length, guess);
      guess ??= Math.max(0, search(outcomes, LADDER.length).largest);
    }
    return left;
  }

  #answer(method, seed) {
    return search(this.#results.outcomes(method, seed), LADDER.length);
  }

  #search({ name, recipe }, seeds) {
    const known = seeds.map((seed) => [seed, [...this.#results.outcomes(name, seed)]]);
    const guess = seeds[0] === SEEDS[0] ? undefined : Math.max(0, this.#answer(name, SEEDS[0]).largest);
    return this.#work({ type: 'search', method: name, recipe, known, guess }, name, ({ result }) => {
      this.#results.add(result);
      const left = this.#options.methods.reduce((sum, method) => sum + this.#left(method.name), 0);
      this.#progress.ran(result, left / this.#options.workers);
    });
  }

  /** The baseline at its largest rate, at twice that, and at the top of the ladder. */
  async #measureGrowth() {
    const { largest, next } = this.#answer('baseline', SEEDS[0]);
    if (next !== undefined) return;
    const top = LADDER.length - 1;
    const rungs = new Set([Math.max(0, largest), Math.min(top, largest + 2), top]);
    const rates = [...rungs]
      .map((rung) => LADDER[rung])
      .filter((rate) => !this.growth.some((run) => run.rate === rate));
    if (rates.length === 0) return;
    const job = { type: 'growth', recipe: 'GrowthRun', rates, seed: SEEDS[0] };
    await this.#work(job, 'growth', ({ type: _, ...run }) => this.#growth.add(run));
  }

  #work(job, name, onResult) {
    return new Promise((resolvePromise, reject) => {
      const child = fork(join(here, 'method.mjs'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      this.#children.add(child);
      let failed;
      child.on('message', (message) => {
        if (message.type === 'device') this.device = message.name;
        else if (message.type === 'step') this.#progress.at(name, message);
        else if (message.type === 'failed')
          failed = Object.assign(new Error(message.message), { stack: message.stack });
        else if (message.type !== 'done') onResult(message);
      });
      child.on('exit', (code) => {
        this.#children.delete(child);
        this.#progress.left(name);
        if (code === 0 || this.#interrupted) resolvePromise();
        else reject(failed ?? new Error(`The process for ${name} ended with ${code ?? 'a signal'}.`));
      });
      child.send({ ...job, out: this.#options.out });
    });
  }
}

/** Of earlier calls that this one went on from. */
function secondsIn(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).seconds : 0;
}

async function main(chosen, print) {
  await setup();
  const { writeReport } = await import('./report.mjs');
  mkdirSync(chosen.out, { recursive: true });
  if (chosen.fresh)
    for (const file of ['results.jsonl', 'growth.jsonl']) rmSync(join(chosen.out, file), { force: true });
  const progress = new Progress(process.stderr);
  const study = new Study(chosen, progress);
  const interrupt = () => study.interrupt();
  process.on('SIGINT', interrupt);
  const conditions = join(chosen.out, 'conditions.json');
  try {
    if (!chosen.report) {
      const since = performance.now();
      await study.run();
      if (study.device !== undefined) {
        const seconds = Math.round((performance.now() - since) / 1000);
        const { node } = process.versions;
        const facts = { device: study.device, cores: cpus().length, workers: chosen.workers, node };
        writeFileSync(conditions, `${JSON.stringify({ ...facts, seconds: seconds + secondsIn(conditions) })}\n`);
      }
    }
  } catch (error) {
    study.interrupt();
    throw error;
  } finally {
    process.off('SIGINT', interrupt);
    progress.stop();
  }
  const page = await writeReport(chosen.out, study.results, study.growth);
  print(chosen.json ? JSON.stringify({ ok: !study.interrupted, methods: summarize(study.results) }, null, 2) : page);
  return study.interrupted ? INTERRUPTED : 0;
}

const chosen = optionsOf(HELP, options);
// Only JSON on stdout: what set-up tells goes elsewhere.
const { log } = console;
if (chosen.json) console.log = console.error;
try {
  process.exit(await main(chosen, log));
} catch (error) {
  console.error(error instanceof CommandError ? `${error.output.trim()}\n\n${error.message}` : error.message);
  process.exit(2);
}
