/** Curves of one or more runs, as plain data for a page. */
import type { StepMetrics } from '@hyb/runtime';

export interface RunMetrics {
  readonly name: string;
  readonly metrics: readonly StepMetrics[];
}

export interface Series {
  readonly label: string;
  /** As many as the chart has places; null where the series has none. */
  readonly values: readonly (number | null)[];
  /** Points instead of a line. */
  readonly points?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly unit?: string;
  readonly logarithmic?: boolean;
  readonly steps: readonly number[];
  readonly series: readonly Series[];
}

/** Points that a chart of a screen's width can show. */
const MOST_POINTS = 1500;

export function chartsOf(runs: readonly RunMetrics[]): readonly Chart[] {
  const many = runs.length > 1;
  const label = (run: RunMetrics, what: string): string => (many ? run.name : what);
  const curve = (
    title: string,
    of: (m: StepMetrics) => number | null | undefined,
    more: Partial<Chart> = {},
  ): Chart[] => {
    const series = runs.map((run) => ({
      label: label(run, title),
      points: run.metrics.map((m) => [m.step, of(m)] as const),
    }));
    return series.some(({ points }) => points.some(([, y]) => y !== undefined)) ? [chart(title, series, more)] : [];
  };
  return [
    ...curve('loss', (m) => m.loss, { unit: 'nats' }),
    ...curve('held-out loss', (m) => m.evaluation?.loss, { unit: 'nats' }),
    ...curve('bits per byte', (m) => m.evaluation?.bitsPerByte),
    ...curve('learning rate', (m) => m.rate),
    ...curve('norm of the gradients', (m) => m.gradientNorm, { logarithmic: true }),
    ...curve('norm of the parameters', (m) => m.parameterNorm),
    ...curve('tokens per second', (m) => m.tokensPerSecond),
    ...curve('share of the device’s matrix products', (m) => m.share && 100 * m.share, { unit: '%' }),
    ...curve('memory', (m) => m.memory / 2 ** 20, { unit: 'MiB' }),
    ...curve('loss scale', (m) => m.lossScale, { logarithmic: true }),
    ...runs.flatMap((run) => probeCharts(run, many ? `${run.name}: ` : '')),
  ];
}

const PROBES = {
  outputs: 'norm of outputs',
  gradients: 'norm of input gradients',
  logits: 'largest attention logit',
  entropy: 'entropy of attention',
} as const;

/** One chart for what is measured of each kind of map, with a line a layer, as the stability paper has them. */
function probeCharts({ metrics }: RunMetrics, prefix: string): readonly Chart[] {
  const charts = new Map<string, Map<string, [number, number][]>>();
  for (const { step, probes = [] } of metrics) {
    for (const { probe, layer, of, value } of probes) {
      const title = `${prefix}${PROBES[probe]}: ${of}`;
      const lines = charts.get(title) ?? new Map<string, [number, number][]>();
      charts.set(title, lines);
      const line = lines.get(`layer ${layer}`) ?? [];
      lines.set(`layer ${layer}`, line);
      line.push([step, value]);
    }
  }
  return [...charts].map(([title, lines]) =>
    chart(
      title,
      [...lines].map(([label, points]) => ({ label, points })),
      { logarithmic: !title.includes('entropy') },
    ),
  );
}

interface Line {
  readonly label: string;
  readonly points: readonly (readonly [step: number, value: number | null | undefined])[];
}

function chart(title: string, lines: readonly Line[], more: Partial<Chart>): Chart {
  const thinned = lines.map(({ label, points }) => ({
    label,
    points: thin(points.filter(([, y]) => y !== undefined)),
  }));
  const steps = [...new Set(thinned.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const places = new Map(steps.map((step, i) => [step, i]));
  const series = thinned.map(({ label, points }): Series => {
    const values: (number | null)[] = steps.map(() => null);
    for (const [x, y] of points) values[places.get(x)!] = Number.isFinite(y) ? y! : null;
    return { label, values };
  });
  return { title, steps, series, ...more };
}

/** Of long curves, the means of neighbours: what is left is at equal steps in all of a chart's curves of equal length. */
function thin(points: Line['points']): Line['points'] {
  const group = Math.ceil(points.length / MOST_POINTS);
  if (group <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / group) }, (_, i) => {
    const some = points.slice(i * group, (i + 1) * group);
    const good = some.flatMap(([, y]) => (Number.isFinite(y) ? [y!] : []));
    const mean = good.length === 0 ? null : good.reduce((sum, y) => sum + y, 0) / good.length;
    return [some.at(-1)![0], mean] as const;
  });
}
