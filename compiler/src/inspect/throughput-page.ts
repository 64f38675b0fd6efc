/** `docs/throughput.md`: the throughput comparison of the Nemotron-H paper, on paper. */
import { findDevice } from './devices.js';
import { throughput } from './throughput.js';
import type { Serving, Throughput } from './throughput.js';
import { formatBytes, formatCount, formatScaled, formatSeconds, threeDigits } from './units.js';
import type { ModelWork } from './work.js';

/** A model of the comparison, with what arXiv:2504.03624 measured. */
interface Contender {
  /** File in `models/`, without `.hyb`. */
  readonly file: string;
  readonly name: string;
  readonly devices: number;
  /** Output tokens per second and GPU, read off its figures. */
  readonly measured: number;
}

export const CONTENDERS: readonly Contender[] = [
  { file: 'nemotron-h-8b', name: 'Nemotron-H-8B', devices: 1, measured: 210.9 },
  { file: 'llama-3.1-8b', name: 'Llama-3.1-8B', devices: 1, measured: 70.5 },
  { file: 'qwen-2.5-7b', name: 'Qwen-2.5-7B', devices: 1, measured: 119.6 },
  { file: 'nemotron-h-56b', name: 'Nemotron-H-56B', devices: 4, measured: 25.6 },
  { file: 'nemotron-h-47b', name: 'Nemotron-H-47B', devices: 4, measured: 31.8 },
];

/** Ratios that the paper states, and how far the estimate may be from them. */
export const RATIOS = [
  { over: 'nemotron-h-8b', under: 'llama-3.1-8b', stated: 3, low: 2.6, high: 3.5 },
  { over: 'nemotron-h-8b', under: 'qwen-2.5-7b', stated: 1.8, low: 1.6, high: 2.1 },
  { over: 'nemotron-h-47b', under: 'nemotron-h-56b', stated: 1.2, low: 1.15, high: 1.4 },
] as const;

const H100 = findDevice('h100') as Serving['device'];

export const ASSUMPTIONS: Omit<Serving, 'devices'> = {
  device: H100,
  input: 65_536,
  output: 1024,
  formats: { weights: 2, tokenState: 2, sequenceState: 4, stream: 2 },
  usableMemory: 0.9,
  peakShare: 0.4,
  bandwidthShare: 0.7,
};

/** What is varied, and how far, to see what the ratios depend on. */
const VARIATIONS: readonly { readonly what: string; readonly change: Partial<Serving> }[] = [
  { what: 'as assumed', change: {} },
  { what: '30 % of peak', change: { peakShare: 0.3 } },
  { what: '50 % of peak', change: { peakShare: 0.5 } },
  { what: '60 % of bandwidth', change: { bandwidthShare: 0.6 } },
  { what: '85 % of bandwidth', change: { bandwidthShare: 0.85 } },
  { what: '80 % of memory', change: { usableMemory: 0.8 } },
  { what: 'keys and values in f32', change: { formats: { ...ASSUMPTIONS.formats, tokenState: 4 } } },
  { what: 'prompts of 8,192 tokens', change: { input: 8192 } },
  { what: 'prompts of 262,144 tokens', change: { input: 262_144 } },
];

export type Works = ReadonlyMap<string, ModelWork>;

/** @param works of the models in `CONTENDERS`, by file */
export function estimates(works: Works, change: Partial<Serving> = {}): ReadonlyMap<string, Throughput | undefined> {
  return new Map(
    CONTENDERS.map(({ file, devices }) => {
      try {
        return [file, throughput(works.get(file)!, { ...ASSUMPTIONS, devices, ...change })] as const;
      } catch (error) {
        // Not even one request fits.
        if (error instanceof RangeError) return [file, undefined] as const;
        throw error;
      }
    }),
  );
}

/** Estimated ratios, in the order of `RATIOS`; undefined where a model does not fit. */
export function ratios(made: ReadonlyMap<string, Throughput | undefined>): readonly (number | undefined)[] {
  return RATIOS.map(({ over, under }) => {
    const [a, b] = [made.get(over), made.get(under)];
    return a && b && a.tokensPerSecond / b.tokensPerSecond;
  });
}

export function throughputPage(works: Works): string {
  const base = estimates(works);
  const of = (file: string): Throughput => base.get(file)!;
  const name = (file: string): string => CONTENDERS.find((c) => c.file === file)!.name;
  const percent = (part: number): string => `${Math.round(100 * part)} %`;
  const { device, input, output, usableMemory, peakShare, bandwidthShare } = ASSUMPTIONS;
  const [nemotron, llama, qwen] = [of('nemotron-h-8b'), of('llama-3.1-8b'), of('qwen-2.5-7b')];
  const [large, pruned] = [of('nemotron-h-56b'), of('nemotron-h-47b')];
  const measuredOf = (file: string): number => CONTENDERS.find((c) => c.file === file)!.measured;
  const excess = CONTENDERS.map(({ file, measured }) => of(file).tokensPerSecond / measured);
  const request = (t: Throughput): string =>
    `${formatSeconds(t.promptSeconds)} + ${formatSeconds(t.decodeSeconds / t.batch)}`;

  return `# Throughput on paper

The Nemotron-H paper (arXiv:2504.03624, section 2.6) measures output tokens per second and GPU with prompts of
${formatCount(input)} tokens and answers of ${formatCount(output)}, on H100s, with as many requests at once as memory holds: Nemotron-H-8B is about
3 times as fast as Llama-3.1-8B and 1.8 times as fast as Qwen-2.5-7B, and the 47B is 1.2 times as fast as the 56B. This page
works out from the sizes in \`models/\` why. It is made by \`node scripts/throughput.mjs\`; a test keeps it current.

## Assumptions

The same for all models, and round figures: the last table shows how little the ratios depend on them.

- One kind of GPU: ${device.name}, ${formatScaled(device.peak, 'op/s')} in bf16, ${formatScaled(device.bandwidth, 'B/s')}, ${formatScaled(device.memory, 'B')}. Prompts reach ${percent(peakShare)} of the peak, decode steps
  ${percent(bandwidthShare)} of the bandwidth; each phase takes as long as the slower of its bytes and its operations.
- Weights, keys and values are bf16, recurrent states f32. Weights and states may take ${percent(usableMemory)} of the memory (vLLM's default);
  what is left holds as many requests as fit at their full length.
- A batch of requests has its prompts computed one after another, then decodes all answers together. Nothing overlaps.
- Models that do not fit one GPU run on ${CONTENDERS.find((c) => c.devices > 1)!.devices}, evenly divided; communication is free.
- Operations are those of \`compiler/src/inspect/work.ts\`: two for each weight and token, causal attention over the pairs that
  the mask lets through, the recurrence at five for each element of the state.

## What a request costs

${markdownTable(
  ['model', 'weights', 'prompt operations', 'of them attention', 'state at the end', 'requests at once'],
  CONTENDERS.map(({ file, name: title, devices }) => {
    const t = of(file);
    return [
      devices === 1 ? title : `${title} (${devices} GPUs)`,
      formatBytes(t.weightBytes),
      formatScaled(t.promptOperations, ''),
      percent(t.promptAttention / t.promptOperations),
      formatBytes(t.stateBytes),
      formatCount(t.batch),
    ];
  }),
)}

## Result

${markdownTable(
  ['model', 'prompt + decoding, s per request', 'estimate, tokens/s/GPU', 'measured', 'estimate / measured'],
  CONTENDERS.map(({ file, name: title, measured }) => {
    const t = of(file);
    return [
      title,
      request(t),
      threeDigits(t.tokensPerSecond),
      threeDigits(measured),
      threeDigits(t.tokensPerSecond / measured),
    ];
  }),
)}

${markdownTable(
  ['ratio', 'estimate', 'stated', 'from the figures', 'allowed in the test'],
  RATIOS.map(({ over, under, stated, low, high }, i) => [
    `${name(over)} / ${name(under)}`,
    threeDigits(ratios(base)[i]!),
    `${stated}`,
    threeDigits(measuredOf(over) / measuredOf(under)),
    `${low}–${high}`,
  ]),
)}

- **The prompt.** Both 8B models multiply every token by about as many weights, but of Llama's prompt ${percent(llama.promptAttention / llama.promptOperations)} is attention:
  32 layers in which the last token looks at ${formatCount(input)} others. Nemotron-H has 4 such layers: ${percent(nemotron.promptAttention / nemotron.promptOperations)}. That alone is a factor
  of ${threeDigits(llama.promptSeconds / nemotron.promptSeconds)} in the time of a prompt.
- **Decoding.** Llama's keys and values take ${formatBytes(llama.stateBytes)} a request, Nemotron-H's ${formatBytes(nemotron.stateBytes)}, recurrent states
  included. So ${formatCount(llama.batch)} requests share each reading of the weights in one case and ${formatCount(nemotron.batch)} in the other, and each has less to
  read of its own: ${formatSeconds(llama.decodeSeconds / llama.batch)} against ${formatSeconds(nemotron.decodeSeconds / nemotron.batch)} a request, a factor of ${threeDigits(
    llama.decodeSeconds / llama.batch / (nemotron.decodeSeconds / nemotron.batch),
  )}.
- **Qwen-2.5-7B** stands between: 28 layers, and half of Llama's key and value heads, so ${formatBytes(qwen.stateBytes)} a request.
- **47B against 56B.** Both are hybrids; the prompt rules (${formatSeconds(large.promptSeconds)} and ${formatSeconds(pruned.promptSeconds)} of each request's time), and its operations
  go with the weights: ${threeDigits(large.promptOperations / pruned.promptOperations)} to one. Half the attention layers make a state of ${formatBytes(pruned.stateBytes)} instead of ${formatBytes(large.stateBytes)}.

The estimates are ${threeDigits(Math.min(...excess))} to ${threeDigits(Math.max(...excess))} times what was measured, since nothing here waits, communicates or schedules. The paper
measured Nemotron-H with a first version in Megatron-LM and the others with vLLM 0.7.3, so part of the difference between
models is between engines; it did not say how many GPUs the large ones ran on.

## What the ratios depend on

${markdownTable(
  ['', ...RATIOS.map(({ over, under }) => `${name(over)} / ${name(under)}`)],
  [
    ...VARIATIONS.map(({ what, change }) => [what, ...ratioTexts(estimates(works, change))]),
    ...[2, 8].map((devices) => [`large models on ${devices} GPUs`, ...largeOn(works, devices)]),
  ],
)}

The longer the prompts, the more of them is attention and the more memory keys and values take: the ratios grow with them.
`;
}

function ratioTexts(made: ReadonlyMap<string, Throughput | undefined>): string[] {
  return ratios(made).map((r) => (r === undefined ? 'does not fit' : threeDigits(r)));
}

function largeOn(works: Works, devices: number): string[] {
  const made = estimates(works, { devices });
  return RATIOS.map(({ over }, i) =>
    CONTENDERS.find((c) => c.file === over)!.devices === 1 ? '' : ratioTexts(made)[i]!,
  );
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows];
  const widths = head.map((_, i) => Math.max(3, ...cells.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string => `| ${row.map((text, i) => text.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(head), `| ${widths.map((w) => '-'.repeat(w)).join(' | ')} |`, ...rows.map(line)].join('\n');
}
