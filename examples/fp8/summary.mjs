// What the runs come to, by the criteria of README.md.

/** Recipes with a wrong scale. */
export const CONTROLS = ['WrongScale', 'WrongEverywhere'];

/** Bounds of README.md: shares of the loss, and standard deviations between seeds. */
export const AIM = 0.005;
export const CLEARLY = 0.02;
export const CLEARLY_IN_DEVIATIONS = 3;

export const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;

/** Standard deviation of a sample. */
export function deviation(values) {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, each) => sum + (each - centre) ** 2, 0) / (values.length - 1));
}

/**
 * @param runs of `Bf16`, `Fp8` and the controls: recipe, seed, `heldOut` by block as trained, and `inBf16` of the same weights
 */
export function summarize(runs) {
  const of = (recipe) => runs.filter((run) => run.recipe === recipe).sort((a, b) => a.seed - b.seed);
  const loss = ({ heldOut }) => mean(heldOut);
  const partner = ({ seed }) => of('Bf16').find((run) => run.seed === seed);
  const paired = (run, blocks) => {
    const differences = blocks.map((each, i) => (each - partner(run).heldOut[i]) / loss(partner(run)));
    return { difference: mean(differences), noise: deviation(differences) / Math.sqrt(differences.length) };
  };
  const pairs = of('Fp8').map((run) => ({
    seed: run.seed,
    bf16: loss(partner(run)),
    fp8: loss(run),
    ...paired(run, run.heldOut),
    inBf16: paired(run, run.inBf16).difference,
  }));
  const losses = of('Bf16').map(loss);
  const spread = deviation(losses) / mean(losses);
  const differences = pairs.map((pair) => pair.difference);
  const controls = CONTROLS.map((recipe) => {
    const [run] = of(recipe);
    const { difference, noise } = paired(run, run.heldOut);
    const clearlyWorse = difference > CLEARLY && difference > CLEARLY_IN_DEVIATIONS * spread;
    return {
      recipe,
      seed: run.seed,
      loss: loss(run),
      difference,
      noise,
      inBf16: paired(run, run.inBf16).difference,
      clearlyWorse,
    };
  });
  return {
    pairs,
    bf16: mean(losses),
    fp8: mean(of('Fp8').map(loss)),
    spread,
    spreadFp8: deviation(of('Fp8').map(loss)) / mean(of('Fp8').map(loss)),
    difference: mean(differences),
    differenceDeviation: deviation(differences),
    noise: Math.max(...pairs.map((pair) => pair.noise)),
    withinAim: Math.abs(mean(differences)) <= AIM,
    controls,
  };
}
