// A process of the study: one recipe, compiled once. It is told what to do by a message, and sends what came of it.
import { verdict } from './criterion.mjs';
import { LADDER, readTexts } from './design.mjs';
import { search } from './search.mjs';
import { openWorkbench } from './workbench.mjs';

/** Ctrl-C reaches all processes of a terminal; the one that started this one decides what to do. */
process.on('SIGINT', () => undefined);
// Without it there is nobody to work for.
process.on('disconnect', () => process.exit(1));

process.once('message', async (job) => {
  try {
    const texts = await readTexts(job.out);
    const bench = await openWorkbench(job.recipe, texts);
    process.send({ type: 'device', name: bench.device });
    if (job.type === 'search') await searchRates(bench, job, texts);
    else await growth(bench, job);
    await bench.dispose();
    process.send({ type: 'done' }, () => process.exit(0));
  } catch (error) {
    process.send({ type: 'failed', message: error.message, stack: error.stack }, () => process.exit(1));
  }
});

/** @param job `known`: for each of its seeds, pairs of rung and outcome; `guess`: a rung that may be the answer */
async function searchRates(bench, { method, known, guess: first }, { table }) {
  let guess = first ?? undefined;
  for (const [seed, pairs] of known) {
    const outcomes = new Map(pairs);
    for (;;) {
      const { next: rung, largest } = search(outcomes, LADDER.length, guess);
      if (rung === undefined) {
        guess = Math.max(0, largest);
        break;
      }
      const rate = LADDER[rung];
      const since = performance.now();
      const { metrics, finite, heldOut } = await bench.run(
        { rate, seed },
        { givesUp: true, onStep: tell(bench.steps) },
      );
      const losses = metrics.map(({ loss }) => loss);
      const { converged, reason } = verdict({ losses, steps: bench.steps, finite, heldOut, table });
      outcomes.set(rung, converged);
      const result = {
        method,
        seed,
        rung,
        rate,
        converged,
        ...(reason === undefined ? {} : { reason }),
        steps: metrics.length,
        heldOut: heldOut ?? null,
        losses: losses.map((loss) => Number(loss.toFixed(4))),
        seconds: Number(((performance.now() - since) / 1000).toFixed(1)),
      };
      process.send({ type: 'run', result });
    }
  }
}

/** Whole runs at some rates, with what the probes measure. */
async function growth(bench, { rates, seed }) {
  for (const rate of rates) {
    const { metrics, finite } = await bench.run({ rate, seed }, { givesUp: false, onStep: tell(bench.steps) });
    process.send({ type: 'growth', rate, seed, finite, metrics: metrics.map(measured) });
  }
}

function measured({ step, loss, probes }) {
  const short = (value) => Number(value.toPrecision(6));
  const values = probes?.map((each) => ({ ...each, value: short(each.value) }));
  return { step, loss: short(loss), ...(values === undefined ? {} : { probes: values }) };
}

function tell(steps) {
  return ({ step, loss }) => {
    if (step % 5 === 0) process.send({ type: 'step', step, steps, loss });
  };
}
