// The largest learning rate of a ladder at which a method converges, by bisection.

/**
 * What is known of a search, and where it goes on.
 *
 * Bisection takes for granted that everything under a rate that converges does so too, and everything over one that diverges
 * does not. Where outcomes contradict that, the lowest rung that diverged counts.
 *
 * @param outcomes converged or not, by rung
 * @param rungs how many the ladder has
 * @param guess a rung that may be the answer: it is looked at first, then its neighbour on the other side of the answer
 * @returns `largest`: the highest rung known to converge under all that diverge, -1 if there is none; `next`: the rung to
 *   look at, absent once the search is over
 */
export function search(outcomes, rungs, guess) {
  let high = rungs;
  for (const [rung, converged] of outcomes) if (!converged) high = Math.min(high, rung);
  let low = -1;
  for (const [rung, converged] of outcomes) if (converged && rung < high) low = Math.max(low, rung);
  if (high - low <= 1) return { largest: low };
  const near = guess === undefined ? [] : [guess, guess + 1, guess - 1];
  const next = near.find((rung) => rung > low && rung < high) ?? Math.floor((low + high) / 2);
  return { largest: low, next };
}

/** Runs that a search is likely to take from where it stands. */
export function runsLeft(outcomes, rungs, guess) {
  const { largest, next } = search(outcomes, rungs, guess);
  if (next === undefined) return 0;
  if (guess !== undefined && outcomes.size < 2) return 2 - outcomes.size;
  const diverged = [...outcomes].filter(([, converged]) => !converged).map(([rung]) => rung);
  return Math.ceil(Math.log2(Math.min(rungs, ...diverged) - largest));
}
