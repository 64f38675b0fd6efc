/** What update rules keep of each element, by the prefixes of the tensors' names in checkpoints. */
export const MOMENTS = {
  AdamW: ['exp_avg', 'exp_avg_sq'],
  SGD: ['momentum'],
  Muon: ['momentum'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type RuleName = keyof typeof MOMENTS;

const OF_MOMENT = new RegExp(`^(${[...new Set(Object.values(MOMENTS).flat())].join('|')})\\.(.*)$`);

/** Whether a tensor's name in checkpoints is that of a moment, and the parameter that it belongs to. */
export function momentOf(name: string): { readonly moment: string | undefined; readonly path: string } {
  const [, moment, path = name] = OF_MOMENT.exec(name) ?? [];
  return { moment, path };
}

/** The kernel of the update for state in a format. */
export function stateKernel(name: string, format: 'f32' | 'bf16'): string {
  return format === 'f32' ? name : `${name}.state_${format}`;
}

export const mostMoments = (rules: Iterable<RuleName>): number =>
  Math.max(0, ...[...rules].map((rule) => MOMENTS[rule].length));
