// The report of a study: report.md to read beside the page, report.html with the curves.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printReport } from '@hyb/cli/train/report/page';
import { AIM, CLEARLY, CLEARLY_IN_DEVIATIONS, mean } from './summary.mjs';

const SMOOTH = 10;
const nats = (loss) => loss.toFixed(4);
const percent = (share, digits = 2) => `${(100 * share).toFixed(digits)} %`;
const signed = (share) => `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`;

const HEAD = ['seed', 'bf16', 'fp8', 'fp8 beside bf16', 'noise of the text', 'weights of fp8, computed in bf16'];
const rowsOf = ({ pairs }) =>
  pairs.map(({ seed, bf16, fp8, difference, noise, inBf16 }) => [
    String(seed),
    nats(bf16),
    nats(fp8),
    signed(difference),
    percent(noise),
    signed(inBf16),
  ]);

export async function writeReport(folder, { design, conditions, summary, runs }) {
  const facts = factsOf(design, conditions);
  const findings = findingsOf(summary);
  writeFileSync(join(folder, 'report.md'), markdown(facts, findings, summary));
  const page = await printReport({
    title: 'fp8 beside bf16',
    facts,
    tables: [{ title: 'Held-out loss, nats for a byte', head: HEAD, rows: rowsOf(summary) }],
    charts: charts(runs),
    texts: [{ title: 'What came of it', text: findings.join('\n\n') }],
  });
  writeFileSync(join(folder, 'report.html'), page);
}

function factsOf(design, { date, node, processor, device, command }) {
  const { layers, width, operations, head, share, shareWithHead, steps, batch, sequence, rate, heldOutTokens } = design;
  return [
    ['command', command],
    [
      'model',
      `${layers} layers of width ${width}, ${operations} operations of linear maps for a token, ${head} more in the head`,
    ],
    ['in fp8', `${percent(share, 1)} of the layers' linear maps, ${percent(shareWithHead, 1)} with the head's`],
    ['a run', `${steps} steps of ${batch} × ${sequence} bytes, peak rate ${rate}`],
    ['held-out text', `${heldOutTokens} bytes, in blocks of ${batch * sequence}`],
    ['device', `${device}; ${processor}`],
    ['Node', node],
    ['date', date],
  ];
}

function findingsOf({ difference, differenceDeviation, spread, spreadFp8, noise, withinAim, controls, pairs }) {
  const size = Math.abs(difference) < spread ? 'smaller' : 'larger';
  return [
    `fp8 ends ${signed(difference)} beside bf16, the mean of ${pairs.length} seeds (standard deviation ${percent(differenceDeviation)}): ${withinAim ? 'within' : 'outside'} the aim of ${percent(AIM, 1)}. It is ${size} than the spread between seeds, a standard deviation of ${percent(spread)} in bf16 and ${percent(spreadFp8)} in fp8. The held-out text is long enough to tell such a difference to ${percent(noise)} (standard error).`,
    ...controls.map(
      ({ recipe, seed, loss, difference: worse, inBf16, clearlyWorse }) =>
        `${recipe}, seed ${seed}, ends ${signed(worse)} beside bf16 (loss ${nats(loss)}; its weights computed in bf16: ${signed(inBf16)}): ${clearlyWorse ? 'clearly worse' : 'not clearly worse'} by the criterion of over ${percent(CLEARLY, 0)} and over ${CLEARLY_IN_DEVIATIONS} standard deviations between seeds.`,
    ),
  ];
}

function markdown(facts, findings, summary) {
  const table = (head, rows) =>
    [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return `# fp8 beside bf16: what came of it

Written by the study; the criteria are in [README.md](README.md), the curves in [report.html](report.html), all numbers in
[results.json](results.json).

${table(['', ''], facts)}

Held-out loss in nats for a byte; differences are shares of the loss in bf16.

${table(HEAD, rowsOf(summary))}

${findings.join('\n\n')}
`;
}

/** Means of the last steps, so that curves can be told apart. */
function smooth(losses) {
  return losses.map((_, i) => mean(losses.slice(Math.max(0, i + 1 - SMOOTH), i + 1)));
}

function charts(runs) {
  const steps = runs[0].losses.map((_, i) => i + 1);
  const of = (recipe, seed) => runs.find((run) => run.recipe === recipe && run.seed === seed);
  const difference = ({ recipe, seed, losses }) => {
    const [own, other] = [smooth(losses), smooth(of('Bf16', seed).losses)];
    return { label: `${recipe}, seed ${seed}`, values: own.map((loss, i) => (100 * (loss - other[i])) / other[i]) };
  };
  return [
    {
      title: `training loss, mean of ${SMOOTH} steps`,
      unit: 'nats',
      steps,
      series: runs.map(({ recipe, seed, losses }) => ({ label: `${recipe}, seed ${seed}`, values: smooth(losses) })),
    },
    {
      title: 'beside bf16 of the same seed',
      unit: '%',
      steps,
      series: runs.filter(({ recipe }) => recipe !== 'Bf16').map(difference),
    },
  ];
}
