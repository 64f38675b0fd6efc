/** How fast a model can be at most on a device: bytes over bandwidth, operations over peak, whichever takes longer. */
import type { Program, StorageType } from '@hyb/runtime';
import type { ModelGraph } from '../graph/graph.js';
import { decodeCost, HYB_FORMATS, promptCost } from './costs.js';
import type { Cost, Formats } from './costs.js';
import type { DevicePeaks } from './devices.js';
import { total } from './instances.js';
import { MatrixStorage } from './storage.js';
import { printTable } from './text-table.js';
import { formatBytes, formatCount, formatScaled, formatSeconds, threeDigits } from './units.js';
import { modelWork } from './work.js';

export interface RooflineOptions {
  /** Tokens of a prompt, and positions that a decoded token sees. */
  readonly context: number;
  readonly device: Pick<DevicePeaks, 'name' | 'bandwidth' | 'peak'> & Partial<DevicePeaks>;
  /** Sequences decoded together; default 1. */
  readonly batch?: number;
  /** How loading stores all matrices; absent: as the program says. */
  readonly storage?: StorageType;
}

export interface Bound extends Cost {
  readonly seconds: { readonly bandwidth: number; readonly compute: number; readonly total: number };
  readonly limitedBy: 'bandwidth' | 'compute';
  readonly tokensPerSecond: number;
}

export interface Roofline {
  readonly model: string;
  readonly device: RooflineOptions['device'];
  readonly context: number;
  readonly batch: number;
  readonly formats: Formats;
  /** One step: a token for each sequence. `tokensPerSecond` is of all sequences together. */
  readonly decode: Bound;
  /** One prompt of `context` tokens. */
  readonly prompt: Bound;
  /** The same with the ALUs alone, where the device has matrix units. */
  readonly withoutMatrixUnits?: { readonly decode: Bound; readonly prompt: Bound };
}

export function roofline(model: ModelGraph, program: Program, options: RooflineOptions): Roofline {
  const { context, device, batch = 1 } = options;
  const formats = { ...HYB_FORMATS, weights: bytesPerWeight(program, options.storage) };
  const work = modelWork(model);
  const decode = decodeCost(work, { context, batch }, formats);
  const prompt = promptCost(work, { tokens: context }, formats);
  const bounds = (peak: number): { decode: Bound; prompt: Bound } => ({
    decode: bound(decode, batch, device.bandwidth, peak),
    prompt: bound(prompt, context, device.bandwidth, peak),
  });
  const { shaderPeak = device.peak } = device;
  return {
    model: model.name,
    device,
    context,
    batch,
    formats,
    ...bounds(device.peak),
    ...(shaderPeak < device.peak ? { withoutMatrixUnits: bounds(shaderPeak) } : {}),
  };
}

/** On average over all matrices. */
function bytesPerWeight(program: Program, storage: StorageType | undefined): number {
  const matrices = new MatrixStorage(program, storage);
  const elements = total(program.matrices, (m) => m.rows * m.columns);
  return elements === 0 ? HYB_FORMATS.weights : total(program.matrices, (m) => matrices.bytesOf(m)) / elements;
}

/** @param peak operations per second */
export function bound(cost: Cost, tokens: number, bandwidth: number, peak: number): Bound {
  const seconds = { bandwidth: cost.bytes.total / bandwidth, compute: cost.operations.total / peak };
  const longest = Math.max(seconds.bandwidth, seconds.compute);
  return {
    ...cost,
    seconds: { ...seconds, total: longest },
    limitedBy: seconds.bandwidth >= seconds.compute ? 'bandwidth' : 'compute',
    tokensPerSecond: tokens / longest,
  };
}

export function printRoofline(r: Roofline): string {
  const { device, batch, context } = r;
  const head =
    `${r.model} on ${device.name} (${formatScaled(device.bandwidth, 'B/s')}, ${formatScaled(device.peak, 'op/s')}), ` +
    `context ${formatCount(context)}`;
  const perStep = batch === 1 ? 'per token' : `per step of ${formatCount(batch)}`;
  const costs = printTable(
    [
      [
        'weights',
        bytes(r.decode.bytes.weights),
        operations(r.decode.operations.linear),
        bytes(r.prompt.bytes.weights),
        operations(r.prompt.operations.linear),
      ],
      [
        'attention (grows with context)',
        bytes(r.decode.bytes.attention),
        operations(r.decode.operations.attention),
        bytes(r.prompt.bytes.attention),
        operations(r.prompt.operations.attention),
      ],
      [
        'recurrence (does not)',
        bytes(r.decode.bytes.recurrence),
        operations(r.decode.operations.recurrence),
        bytes(r.prompt.bytes.recurrence),
        operations(r.prompt.operations.recurrence),
      ],
      [
        'stream, pointwise',
        bytes(r.decode.bytes.stream),
        operations(r.decode.operations.other),
        bytes(r.prompt.bytes.stream),
        operations(r.prompt.operations.other),
      ],
      [
        'total',
        bytes(r.decode.bytes.total),
        operations(r.decode.operations.total),
        bytes(r.prompt.bytes.total),
        operations(r.prompt.operations.total),
      ],
    ],
    ['', `decode: bytes ${perStep}`, 'operations', 'prompt: bytes', 'operations'].map((heading, i) => ({
      heading,
      text: (row: readonly string[]) => row[i]!,
      align: i === 0 ? ('left' as const) : ('right' as const),
    })),
  );
  const lines = [
    `decode at most ${rate(r.decode)}`,
    `prompt at most ${rate(r.prompt)}, ${formatSeconds(r.prompt.seconds.total)} for ${formatCount(context)} tokens`,
    ...(r.withoutMatrixUnits
      ? [
          `without matrix units: decode ${rate(r.withoutMatrixUnits.decode)}; prompt ${rate(r.withoutMatrixUnits.prompt)}`,
        ]
      : []),
  ];
  return [head, '', costs, '', ...lines].join('\n');
}

function bytes(n: number): string {
  return n === 0 ? '' : formatBytes(n);
}

function operations(n: number): string {
  return n === 0 ? '' : formatScaled(n, '');
}

function rate({ tokensPerSecond, limitedBy }: Bound): string {
  return `${threeDigits(tokensPerSecond)} tokens/s (${limitedBy === 'compute' ? 'limited by compute' : 'limited by bandwidth'})`;
}
