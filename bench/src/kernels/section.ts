/** Matrix products as the compiler makes them, beside those of other libraries on the same adapter. */
import { formatScaled, threeDigits } from '@hyb/compiler/inspect/units';
import { spreadText, table } from '../report/markdown.js';
import type { Section, SectionContext } from '../report/section.js';
import { compareEach } from '../rounds/rounds.js';
import type { Result } from '../rounds/rounds.js';
import type { ContenderName } from '../rounds/contender.js';
import { CASES } from './cases.js';

const PEERS: readonly ContenderName[] = ['jax-js', 'onnxruntime-web'];
const CONTENDERS: readonly ContenderName[] = ['hyb', ...PEERS, 'limit-matmul'];

/** Results of one case; the first is Hyb's. */
type CaseResults = readonly Result[];

function kernels({ parts, rounds, turn, onProgress }: SectionContext): Promise<readonly CaseResults[]> {
  const cases = CASES.filter(({ id }) => parts.size === 0 || parts.has(id));
  const entrants = cases.map((c) => {
    // The limit is that of products of matrices.
    const contenders = CONTENDERS.filter((name) => name !== 'limit-matmul' || c.rows > 1);
    return contenders.map((contender) => ({ contender, case: c }));
  });
  return compareEach(entrants, { rounds, turn, onProgress });
}

const NAMES: Readonly<Partial<Record<ContenderName, string>>> = { hyb: 'Hyb', 'limit-matmul': 'best by hand' };

function report(all: readonly CaseResults[]): string {
  return [
    summary(all),
    ...all.map((results) => `**${results[0]!.case.title}**\n\n${table(HEADINGS, results.map(row))}`),
  ].join('\n\n');
}

const HEADINGS = ['', 'ms', 'CPU ms', 'op/s', "times Hyb's time", "times Hyb's CPU time"];

function row({ contender, version, milliseconds, cpu, rate, slower, cpuSlower, failure }: Result): readonly string[] {
  const name = `${NAMES[contender] ?? contender} ${contender.startsWith('limit') ? '' : version}`.trim();
  if (!milliseconds || !cpu || rate === undefined) return [name, failure ?? 'has no such thing', '', '', '', ''];
  const ratios = contender === 'hyb' ? ['', ''] : [slower, cpuSlower].map((s) => (s ? spreadText(s) : ''));
  return [name, spreadText(milliseconds), spreadText(cpu), formatScaled(rate, 'op/s'), ...ratios];
}

/** Against the faster of the peers, which is the one that matters. */
function summary(all: readonly CaseResults[]): string {
  const rows = all.map((results) => {
    const peers = results.filter((r) => PEERS.includes(r.contender) && r.slower && r.cpuSlower);
    const best = peers.reduce<Result | undefined>(
      (a, b) => (a && a.slower!.median <= b.slower!.median ? a : b),
      undefined,
    );
    return [
      results[0]!.case.title,
      best ? best.contender : 'none',
      best ? `${threeDigits(best.slower!.median)} ×` : '',
      best ? `${threeDigits(best.cpuSlower!.median)} ×` : '',
    ];
  });
  return table(['', 'faster peer', 'its time over Hyb’s', 'its CPU time over Hyb’s'], rows);
}

export const KERNELS: Section<readonly CaseResults[]> = {
  name: 'kernels',
  title: 'Matrix products, beside other libraries',
  about: `The kernel that the compiler makes of one projection, y = x Wᵀ, in the variant that the adapter takes, beside jax-js and
ONNX Runtime Web with their WebGPU backends on the same adapter. Every result is checked against f64. Peers may have W in
the layout that is faster for them; they have no bf16 weights, so in that row theirs are f32. "Best by hand" is the fastest of
four kernels written for the very size, without masks, splits or a decoding of weights.`,
  parts: CASES.map(({ id }) => id),
  onAdapter: true,
  peers: true,
  seconds: 400,
  run: kernels,
  report,
};
