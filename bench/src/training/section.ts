/** Training steps, beside what the adapter can do and beside other libraries. */
import { formatBytes, formatScaled, threeDigits } from '@hyb/compiler/inspect/units';
import { CASES } from '../kernels/cases.js';
import { basisOf } from '../report/conditions.js';
import type { Conditions } from '../report/conditions.js';
import { spreadText, table } from '../report/markdown.js';
import type { Section, SectionContext } from '../report/section.js';
import type { ContenderName } from '../rounds/contender.js';
import { compareEach, rateBy } from '../rounds/rounds.js';
import type { Basis, Entrant, Result } from '../rounds/rounds.js';
import { TRAINING_CASES } from './cases.js';

const PEERS: readonly ContenderName[] = ['jax-js-training', 'tensorflow-js'];

/** Results of one case; the first is Hyb's, the last the adapter's limit. */
type CaseResults = readonly Result[];

function training({ parts, rounds, turn, onProgress }: SectionContext): Promise<readonly CaseResults[]> {
  const cases = TRAINING_CASES.filter(({ id }) => parts.size === 0 || parts.has(id));
  const entrants = cases.map((c): readonly Entrant[] => [
    { contender: 'hyb-training', case: c },
    ...(c.transformer ? PEERS : []).map((contender) => ({ contender, case: c })),
    { contender: 'limit-matmul', case: CASES[0]! },
  ]);
  return compareEach(entrants, { rounds, turn, onProgress });
}

const NAMES: Readonly<Partial<Record<ContenderName, string>>> = {
  'hyb-training': 'Hyb',
  'jax-js-training': 'jax-js',
  'tensorflow-js': 'TensorFlow.js',
};

const HEADINGS = [
  '',
  'steps/s',
  'tokens/s',
  'ms a step',
  'CPU ms a step',
  'share of the limit',
  "times Hyb's time",
  "times Hyb's CPU time",
];

function report(all: readonly CaseResults[], { adapter }: Conditions): string {
  const basis = basisOf(adapter);
  return all
    .map((results) => {
      const [hyb] = results;
      const limit = results.find(({ contender }) => contender === 'limit-matmul')!;
      const by = (each: Basis): number => rateBy(limit, each) ?? NaN;
      const { tokens = NaN, operations = NaN, memory = NaN } = hyb!.facts ?? {};
      const rows = results
        .filter((result) => result !== limit)
        .map((result): readonly string[] => {
          const { contender, version, milliseconds, cpu, rate, slower, cpuSlower, failure } = result;
          const name = `${NAMES[contender]} ${version}`;
          if (!milliseconds || !cpu || rate === undefined)
            return [name, failure ?? 'not measured', '', '', '', '', '', ''];
          const share = operations / by(basis) / (result[basis]!.median / 1e3);
          const ratios = result === hyb ? ['', ''] : [slower, cpuSlower].map((s) => (s ? spreadText(s) : ''));
          return [
            name,
            rate.toPrecision(3),
            threeDigits(rate * tokens),
            spreadText(milliseconds),
            spreadText(cpu),
            `${threeDigits(100 * share)} %`,
            ...ratios,
          ];
        });
      const about = `**${hyb!.case.title}**: ${formatScaled(operations, 'op')} a step; Hyb’s device buffers take ${formatBytes(memory)}. The adapter's best matrix product by hand: ${formatScaled(by('milliseconds'), 'op/s')}, ${formatScaled(by('cpu'), 'op')} per second of CPU time.`;
      return `${about}\n\n${table(HEADINGS, rows)}`;
    })
    .join('\n\n');
}

export const TRAINING: Section<readonly CaseResults[]> = {
  name: 'training',
  title: 'Training steps, beside other libraries',
  about: `Steps of AdamW in f32, always on the same batch: a Transformer as jax-js (\`jit\` over loss, gradients and update) and TensorFlow.js
(\`minimize\` of Adam, which has no weight decay there) compute it too, all with WebGPU on the same adapter, and hybrids of some 10 and 100
million parameters. Each fails if its loss does not fall. The share of the limit is a step's operations, forwards and
backwards, over what the best matrix product of 512³ by hand reaches; where the adapter is a software one, in CPU time.`,
  parts: TRAINING_CASES.map(({ id }) => id),
  onAdapter: true,
  peers: true,
  seconds: 600,
  run: training,
  report,
};
