/** A recipe for a model that has none, as one would write it. */
export function defaultRecipe(model: string, context: number): string {
  return `train Default of ${model} {
  sequence   = ${Math.min(128, context)}
  batch      = 4
  steps      = 100
  rate       = 3e-3
  schedule   = cosine(floor = 0.1)
  warmup     = 10 steps
  evaluation = { every = 25 steps }
}
`;
}
