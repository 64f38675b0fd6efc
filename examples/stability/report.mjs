// The report of the study: a page of markdown, a figure, and a page of HTML with all curves.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { printReport } from '@hyb/cli/train/report/page';
import { LADDER } from './design.mjs';
import { figure } from './figure.mjs';
import { curves, MAPS } from './growth.mjs';
import { METHODS, SEEDS } from './methods.mjs';
import { agreement, formatRate, formatRung, summarize } from './summary.mjs';

/** Writes `report.md`, `growth.svg` and `report.html`. @returns the path of the first */
export async function writeReport(out, runs, growth) {
  const conditions = readConditions(join(out, 'conditions.json'));
  const page = join(out, 'report.md');
  const text = markdown(runs, growth, conditions);
  writeFileSync(page, await format(text, { parser: 'markdown', printWidth: 120 }));
  if (growth.length > 0) writeFileSync(join(out, 'growth.svg'), growthFigure(growth));
  writeFileSync(join(out, 'report.html'), await html(runs, growth, conditions));
  return page;
}

function readConditions(path) {
  if (!existsSync(path)) return [];
  const { device, cores, workers, node, seconds } = JSON.parse(readFileSync(path, 'utf8'));
  return [
    ['adapter', device],
    ['machine', `${cores} cores, Node ${node}`],
    ['side by side', `${workers} processes`],
    ['wall time', `${Math.round(seconds / 60)} min`],
  ];
}

export function markdown(runs, growth, conditions) {
  const summary = summarize(runs);
  return [
    '# Report of the stability study',
    'Made by `node examples/stability/study.mjs`, which [README.md](../README.md) explains. Learning rates are in thousandths, as in the paper.',
    table(
      ['', ''],
      [...conditions, ['runs', `${runs.length}, and ${growth.length} with probes`], ['seeds', SEEDS.join(', ')]],
    ),
    '## The largest learning rate that converges',
    table(ANSWERS, summary.map(answer(summary))),
    pairs(summary),
    unfinished(summary),
    '## Each seed',
    table(['method', ...SEEDS.map((seed) => `seed ${seed}`), 'runs'], summary.map(eachSeed)),
    '## Held-out loss of every run',
    'In nats for a byte, the mean of the seeds that were run at a rate; × where a run diverged. A table of bytes takes 3.11, and 95 % of that is the limit.',
    table(['method', ...LADDER.map(formatRate)], METHODS.map(({ name }) => lossesOf(name, runs)).filter(Boolean)),
    ...(growth.length === 0 ? [] : growthText(growth)),
    '',
  ].join('\n\n');
}

const ANSWERS = [
  'method',
  'here, median',
  'lowest to highest',
  'seeds',
  '× baseline',
  'paper',
  '× baseline',
  'diverges there at',
];

function answer(summary) {
  const baseline = summary.find(({ method }) => method === 'baseline');
  return ({ method, paper, answered, median, lowest, highest }) => {
    const times =
      median === undefined || median < 0 || !(baseline?.median >= 0)
        ? '–'
        : (LADDER[median] / LADDER[baseline.median]).toFixed(2);
    return [
      method,
      median === undefined ? '–' : formatRung(median),
      lowest === undefined ? '–' : `${formatRung(lowest)} to ${formatRung(highest)}`,
      String(answered),
      times,
      formatRate(paper.converges),
      (paper.converges / METHODS[0].paper.converges).toFixed(2),
      paper.diverges === null ? 'not known' : formatRate(paper.diverges),
    ];
  };
}

function pairs(summary) {
  const { same, level, other } = agreement(summary);
  return `Of the ${same + level + other} pairs of methods that the paper puts in an order, ${same} are in the same order here, ${level} level, and ${other} the other way round.`;
}

function unfinished(summary) {
  const cells = summary.flatMap(({ method, seeds }) =>
    seeds.filter(({ largest }) => largest === undefined).map(({ seed }) => `${method} with seed ${seed}`),
  );
  const absent = METHODS.filter(({ name }) => !summary.some(({ method }) => method === name)).map(({ name }) => name);
  const missing = [...cells, ...absent];
  return missing.length === 0
    ? 'All searches came to their end.'
    : `Not run, or not to the end: ${missing.join(', ')}.`;
}

function eachSeed({ method, seeds }) {
  const cells = seeds.map(({ largest }) => (largest === undefined ? '–' : formatRung(largest)));
  return [method, ...cells, String(seeds.reduce((sum, { runs }) => sum + runs, 0))];
}

function lossesOf(method, runs) {
  const own = runs.filter((run) => run.method === method);
  if (own.length === 0) return undefined;
  return [
    method,
    ...LADDER.map((_, rung) => {
      const there = own.filter((run) => run.rung === rung);
      if (there.length === 0) return '';
      const losses = there.flatMap(({ heldOut }) => (heldOut === null ? [] : [heldOut]));
      const mean = losses.length === 0 ? '' : (losses.reduce((a, b) => a + b, 0) / losses.length).toFixed(2);
      const failed = there.filter(({ converged }) => !converged).length;
      return `${mean}${failed === 0 ? '' : ` ×${failed === there.length ? '' : ` ${failed}/${there.length}`}`}`.trim();
    }),
  ];
}

const GROWN = [
  ...MAPS.map(({ name, of }) => ({ title: `${name} outputs`, probe: 'outputs', of })),
  ...MAPS.map(({ name, of }) => ({ title: `${name} input gradients`, probe: 'gradients', of: [of.join(', '), of[0]] })),
  { title: 'largest attention logit', probe: 'logits', of: ['attend'] },
  { title: 'entropy of attention', probe: 'entropy', of: ['attend'] },
];

function growthText(growth) {
  const rows = GROWN.map(({ title, probe, of }) => [
    title,
    ...growth.map(({ metrics }) => change([...curves(metrics, probe, of).values()], probe === 'entropy' ? -1 : 1)),
  ]);
  return [
    '## What grows',
    `The baseline with seed ${growth[0].seed} at ${growth.map(({ rate }) => formatRate(rate)).join(', ')}: L2 norms over the 128 tokens of a step, measured every second step. The paper saw outputs of QKV, Proj and FC2 more than double and input gradients of QKV and FC1 explode in a run that diverges.`,
    '![Norms of the outputs of QKV, Proj and FC2 over the steps, on a logarithmic axis](growth.svg)',
    'From the first measurement to the last one, of the layer in which it grows most (entropy: falls most); in brackets how many times the first value that is:',
    table(['', ...growth.map(({ rate }) => formatRate(rate))], rows),
    'All curves, layer by layer, are in `report.html`.',
  ];
}

/** @param sign -1: of the line that falls most */
function change(lines, sign) {
  const ends = lines
    .map((line) => [line[0]?.value, line.at(-1)?.value])
    .filter(([first, last]) => typeof first === 'number' && typeof last === 'number');
  if (ends.length === 0) return '–';
  const [first, last] = ends.reduce((most, each) => (sign * (each[1] / each[0] - most[1] / most[0]) > 0 ? each : most));
  return `${first.toPrecision(3)} → ${last.toPrecision(3)} (${(last / first).toPrecision(3)})`;
}

function growthFigure(growth) {
  const panels = MAPS.filter(({ name }) => name !== 'FC1').map(({ name, of }) => ({
    title: name,
    lines: growth.flatMap(({ rate, metrics }) =>
      [...curves(metrics, 'outputs', of).values()].map((points) => ({ label: formatRate(rate), points })),
    ),
  }));
  return figure(panels, { title: 'Norms of the outputs of QKV, Proj and FC2 of the baseline, a line a layer' });
}

async function html(runs, growth, conditions) {
  const summary = summarize(runs);
  return printReport({
    title: 'The stability study',
    facts: [...conditions, ['runs', String(runs.length)], ['seeds', SEEDS.join(', ')]],
    tables: [{ title: 'The largest learning rate that converges', head: ANSWERS, rows: summary.map(answer(summary)) }],
    charts: [
      ...growth.map(({ rate, metrics }) => lossChart(`loss of the baseline, rate ${formatRate(rate)}`, metrics)),
      ...GROWN.map(({ title, probe, of }) => probeChart(title, probe, of, growth)),
      ...METHODS.flatMap(({ name }) => methodChart(name, runs)),
    ].filter(({ series }) => series.length > 0),
    texts: [{ title: 'Beside it', text: `${pairs(summary)}\n${unfinished(summary)}` }],
  });
}

function lossChart(title, metrics) {
  return {
    title,
    unit: 'nats',
    steps: metrics.map(({ step }) => step),
    series: [{ label: 'loss', values: metrics.map(({ loss }) => loss) }],
  };
}

function probeChart(title, probe, of, growth) {
  const lines = growth.flatMap(({ rate, metrics }) =>
    [...curves(metrics, probe, of)].map(([layer, points]) => ({
      label: `${formatRate(rate)}, layer ${layer}`,
      points,
    })),
  );
  const steps = [...new Set(lines.flatMap(({ points }) => points.map(({ step }) => step)))].sort((a, b) => a - b);
  const series = lines.map(({ label, points }) => {
    const values = new Map(points.map(({ step, value }) => [step, value]));
    return { label, values: steps.map((step) => values.get(step) ?? null) };
  });
  return { title, steps, series, logarithmic: probe !== 'entropy' };
}

/** Losses of a method's runs with the first seed. */
function methodChart(name, runs) {
  const own = runs.filter(({ method, seed }) => method === name && seed === SEEDS[0]);
  const steps = Array.from({ length: Math.max(0, ...own.map(({ losses }) => losses.length)) }, (_, i) => i + 1);
  const series = [...own]
    .sort((a, b) => a.rung - b.rung)
    .map(({ rate, losses }) => ({ label: formatRate(rate), values: steps.map((_, i) => losses[i] ?? null) }));
  return [{ title: `${name}: training loss, seed ${SEEDS[0]}`, unit: 'nats', steps, series }];
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
