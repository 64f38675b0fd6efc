// What runs came to, put together.
import { LADDER } from './design.mjs';
import { METHODS, SEEDS } from './methods.mjs';
import { search } from './search.mjs';

/**
 * For each method of which there are runs: the answer of each seed, and their median.
 *
 * A seed's `largest` is a rung, -1 where even the lowest diverges, absent while its search goes on. `median` is of the seeds that
 * have an answer; of an even number of them, the lower of the two in the middle.
 */
export function summarize(runs) {
  return METHODS.flatMap(({ name, paper }) => {
    const own = runs.filter(({ method }) => method === name);
    if (own.length === 0) return [];
    const seeds = SEEDS.map((seed) => {
      const outcomes = new Map(own.filter((run) => run.seed === seed).map((run) => [run.rung, run.converged]));
      const { largest, next } = search(outcomes, LADDER.length);
      return { seed, runs: outcomes.size, ...(next === undefined ? { largest, rate: rateOf(largest) } : {}) };
    });
    const answers = seeds.flatMap(({ largest }) => (largest === undefined ? [] : [largest])).sort((a, b) => a - b);
    const middle = answers[Math.floor((answers.length - 1) / 2)];
    const found = answers.length === 0 ? {} : { lowest: answers[0], median: middle, highest: answers.at(-1) };
    return [{ method: name, paper, seeds, answered: answers.length, ...found }];
  });
}

/** Null under the ladder. */
function rateOf(rung) {
  return rung < 0 ? null : LADDER[rung];
}

/** For people: the top of the ladder is where the search ends, not the method. */
export function formatRung(rung) {
  if (rung < 0) return `under ${formatRate(LADDER[0])}`;
  return `${rung === LADDER.length - 1 ? '≥ ' : ''}${formatRate(LADDER[rung])}`;
}

/** In thousandths, as the paper has them. */
export function formatRate(rate) {
  return `${Number((1000 * rate).toPrecision(3))}e-3`;
}

/** Pairs of methods that the paper puts in an order: how many are in the same one here, in the other, or level. */
export function agreement(summary) {
  const known = summary.filter(({ median }) => median !== undefined);
  const count = { same: 0, level: 0, other: 0 };
  known.forEach((a, i) => {
    for (const b of known.slice(i + 1)) {
      const wanted = Math.sign(a.paper.converges - b.paper.converges);
      const found = Math.sign(a.median - b.median);
      if (wanted !== 0) count[found === 0 ? 'level' : found === wanted ? 'same' : 'other'] += 1;
    }
  });
  return count;
}
