/** What update rules keep of each element, by the prefixes of the tensors' names in checkpoints. */
export const MOMENTS = {
  AdamW: ['exp_avg', 'exp_avg_sq'],
  SGD: ['momentum'],
  Muon: ['momentum'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type RuleName = keyof typeof MOMENTS;

/** The kernel of the update for state in a format. */
export function stateKernel(name: string, format: 'f32' | 'bf16'): string {
  return format === 'f32' ? name : `${name}.state_${format}`;
}

export const mostMoments = (rules: Iterable<RuleName>): number =>
  Math.max(0, ...[...rules].map((rule) => MOMENTS[rule].length));
