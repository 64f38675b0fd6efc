/** What update rules keep of each element, by the prefixes of the tensors' names in checkpoints. */
export const MOMENTS = {
  AdamW: ['exp_avg', 'exp_avg_sq'],
  SGD: ['momentum'],
  Muon: ['momentum'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type RuleName = keyof typeof MOMENTS;

export const mostMoments = (rules: Iterable<RuleName>): number =>
  Math.max(0, ...[...rules].map((rule) => MOMENTS[rule].length));
