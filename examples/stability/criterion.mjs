// When a run counts as converged. README.md says the same in words; both were there before the runs.

/** Share of the losses of a table of bytes that a run has to get under. */
export const SHARE_OF_TABLE = 0.95;
/** Nats by which the loss at the end may be over the lowest of the run. */
export const RISE = 0.5;
/** Over this many times the logarithm of the vocabulary, for as many steps as `PATIENCE` says, a run is given up. */
export const HOPELESS = 2;
export const PATIENCE = 10;

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Whether the losses so far, from the end of the warm-up on, show that a run has diverged. */
export function isHopeless(losses, vocab) {
  const last = losses.slice(-PATIENCE);
  return last.length === PATIENCE && mean(last) > HOPELESS * Math.log(vocab);
}

/**
 * @param curve `losses` of all steps that were done, in nats; `steps` that a whole run has; `finite`: whether all losses and
 *   gradients were; `heldOut` at the end, absent where the run ended early; `table`: what a table of bytes takes there
 * @returns whether it converged, and if not, why
 */
export function verdict({ losses, steps, finite, heldOut, table }) {
  const diverged = (reason) => ({ converged: false, reason });
  if (!finite) return diverged('not finite');
  if (losses.length < steps || heldOut === undefined) return diverged('loss out of sight');
  const tenth = Math.max(1, Math.floor(steps / 10));
  const tenths = Array.from({ length: 10 }, (_, i) => mean(losses.slice(i * tenth, (i + 1) * tenth)));
  if (mean(losses.slice(-tenth)) > Math.min(...tenths) + RISE) return diverged('loss rose again');
  // Written so that what is no number does not pass.
  if (!(heldOut < SHARE_OF_TABLE * table)) return diverged('no better than a table of bytes');
  return { converged: true };
}
