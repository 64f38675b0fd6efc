/** A whole model on the adapter at hand, held against what the adapter can do. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '@hyb/compiler';
import { decodeCost, HYB_FORMATS, modelWork, promptCost } from '@hyb/compiler/inspect/index';
import { formatBytes, formatCount, formatScaled, threeDigits } from '@hyb/compiler/inspect/units';
import { CASES } from '../kernels/cases.js';
import { spreadText, table } from '../report/markdown.js';
import { basisOf } from '../report/conditions.js';
import type { Conditions } from '../report/conditions.js';
import type { Section, SectionContext } from '../report/section.js';
import { compare, rateBy } from '../rounds/rounds.js';
import type { Basis, Entrant, Result } from '../rounds/rounds.js';
import { LARGE, SMALL } from './cases.js';
import type { ModelCases } from './cases.js';
import { leastSeconds } from './limit.js';
import type { Peaks, Work } from './limit.js';

export interface ModelResult {
  readonly source: string;
  readonly name: string;
  readonly parameters: number;
  readonly layers: number;
  /** What a token has to move and compute, and what the prompt has to. */
  readonly decodeWork: Work;
  readonly prefillWork: Work;
  readonly results: readonly Result[];
}

async function measure(
  { source, decode, prefill }: ModelCases,
  { root, parts, rounds, turn, onProgress }: SectionContext,
): Promise<ModelResult> {
  const host = { read: (path: string) => readFileSync(join(root, path), 'utf8') };
  const work = modelWork(check(host, source).models[0]!.graph);
  const cases = [decode, prefill].filter(({ id }) => parts.size === 0 || parts.has(id));
  const entrants: readonly Entrant[] = [
    ...cases.map((c): Entrant => ({ contender: 'hyb-model', case: c })),
    { contender: 'limit-stream', case: decode },
    { contender: 'limit-matmul', case: CASES[0]! },
    { contender: 'limit-arithmetic', case: decode },
    { contender: 'limit-dispatch', case: decode },
  ];
  const results = await compare(entrants, { rounds, turn, onProgress });
  const token = decodeCost(work, { context: decode.prompt, batch: 1 }, HYB_FORMATS);
  const prompt = promptCost(work, { tokens: prefill.prompt }, HYB_FORMATS);
  return {
    source,
    name: work.name,
    parameters: work.parameters,
    layers: work.layers,
    decodeWork: { bytes: token.bytes.total, operations: token.operations.total },
    prefillWork: { bytes: prompt.bytes.total, operations: prompt.operations.total },
    results,
  };
}

function report(result: ModelResult, { adapter }: Conditions): string {
  const { source, name, parameters, layers, decodeWork, prefillWork, results } = result;
  const basis = basisOf(adapter);
  const peak = (contender: Entrant['contender'], of: Basis): number => {
    const limit = results.find((r) => r.contender === contender)!;
    return rateBy(limit, of) ?? Infinity;
  };
  const peaks: Peaks = {
    bytes: peak('limit-stream', basis),
    products: peak('limit-matmul', basis),
    operations: peak('limit-arithmetic', basis),
  };
  const dispatch = 1 / peak('limit-dispatch', basis);
  const percent = (seconds: number, r: Result): string => `${threeDigits((1e5 * seconds) / r[basis]!.median)} %`;
  const rows = results
    .filter((r) => r.contender === 'hyb-model')
    .map((r) => {
      if (!r.milliseconds || !r.cpu) return [r.case.title, r.failure ?? 'not measured', '', '', '', '', '', ''];
      const decodes = r.case.kind === 'decode';
      const least = leastSeconds(decodes ? decodeWork : prefillWork, peaks, decodes ? 'stream' : 'products');
      const { dispatches = NaN, submits = NaN, bindGroups = NaN, hostMilliseconds } = r.facts ?? {};
      return [
        r.case.title,
        threeDigits(r.rate!),
        spreadText(r.milliseconds),
        spreadText(r.cpu),
        percent(least, r),
        [dispatches, submits, bindGroups].map((n) => threeDigits(n)).join(', '),
        percent(dispatches * dispatch, r),
        hostMilliseconds === undefined ? 'not known' : threeDigits(hostMilliseconds),
      ];
    });
  const row = (title: string, contender: Entrant['contender'], unit: string, ...asked: string[]): string[] => [
    title,
    formatScaled(peak(contender, 'milliseconds'), unit),
    formatScaled(peak(contender, 'cpu'), unit),
    ...asked,
  ];
  return [
    `\`${source}\`, ${name}: ${formatCount(parameters)} parameters in ${layers} layers, random weights in bf16, one sequence.`,
    table(
      [
        '',
        'tokens/s',
        'ms (of a token; of the prompt)',
        'CPU ms',
        'share of the limit',
        'dispatches, submits, bind groups',
        'dispatching, share of the time',
        'main thread, CPU ms',
      ],
      rows,
    ),
    basis === 'cpu'
      ? 'Shares are of CPU time: all threads together, in one process. What the adapter itself reaches:'
      : 'What the adapter itself reaches:',
    table(
      ['', 'per second', 'per second of CPU time', 'of it asked by a token', 'by the prompt'],
      [
        row('reading memory', 'limit-stream', 'B', formatBytes(decodeWork.bytes), formatBytes(prefillWork.bytes)),
        row(
          'matrix product 512³, best by hand',
          'limit-matmul',
          'op',
          formatScaled(decodeWork.operations, ''),
          formatScaled(prefillWork.operations, ''),
        ),
        row('products and sums in registers', 'limit-arithmetic', 'op', '', ''),
        row('empty dispatches', 'limit-dispatch', '', '', ''),
      ],
    ),
  ].join('\n\n');
}

const LIMITS = `The limit of a decode step is the longer of reading what it must (every weight, the states) at the rate at which a
plain kernel reads memory, and computing what it must at the rate of products and sums in registers; that of a prompt is its
operations at the rate of the best matrix product written by hand.`;

function section(
  cases: ModelCases,
  own: Pick<Section, 'name' | 'title' | 'about' | 'seconds' | 'onRequest'>,
): Section<ModelResult> {
  return {
    ...own,
    parts: [cases.decode.id, cases.prefill.id],
    onAdapter: true,
    peers: false,
    run: (context) => measure(cases, context),
    report,
  };
}

export const WHOLE_MODEL = section(SMALL, {
  name: 'model',
  title: 'A whole model: decoding and prompts',
  about: `A Nemotron-H in small, through the API of a package: \`generate\` with sampling on the GPU, and \`prefill\`. ${LIMITS}`,
  seconds: 240,
});

export const LARGE_MODEL = section(LARGE, {
  name: 'model-8b',
  title: 'Nemotron-H-8B',
  about: 'The same with the model itself and random weights, where a GPU has 17 GB of memory for it.',
  seconds: 120,
  onRequest: true,
});
