import type { DeviceLimits } from '../device/limits.js';
import { DeviceError, formatBytes } from '../errors.js';
import { worstSizes, type BatchEntry, type StateShape } from './batch.js';
import { tableWords } from './call-buffers.js';
import type { Program, Stage } from './program.js';
import { evaluateSize, type SizeValues } from './size.js';

/** The largest calls that fit a device. */
export interface CallLimits {
  /** Tokens of prompts in one call. */
  readonly tokens: number;
  /** Of these, tokens for which logits are wanted. */
  readonly rows: number;
  /** Sequences in one decode step. */
  readonly sequences: number;
}

/** Logits that are read back at once, at most. */
const MOST_LOGITS = 64 * 1024 * 1024;

/**
 * Finds the largest calls of which every activation fits a binding and every grid a dispatch: longer prompts run in
 * pieces, which give the same state.
 *
 * @param wanted tokens that a piece should have if it can
 * @throws DeviceError `over-limit` if not even one token fits
 */
export function callLimits(program: Program, state: StateShape, wanted: number, limits: DeviceLimits): CallLimits {
  const { vocab } = program.model;
  const largest = (mode: 'prefill' | 'decode', most: number, sizes: (n: number) => SizeValues): number => {
    const first = misfit(program, mode, sizes(1), limits);
    if (first) throw first;
    let [fits, fails] = [1, most + 1];
    while (fails - fits > 1) {
      const middle = (fits + fails) >>> 1;
      if (misfit(program, mode, sizes(middle), limits)) fails = middle;
      else fits = middle;
    }
    return fits;
  };
  const { slots } = state;
  const someRows = Math.max(1, Math.min(wanted, Math.floor(MOST_LOGITS / (4 * vocab))));
  const rows = roundTiles(largest('prefill', someRows, (n) => worstSizes(n, slots, n, state)));
  const tokens = roundTiles(largest('prefill', wanted, (n) => worstSizes(n, slots, Math.min(n, rows), state)));
  const sequences = largest('decode', slots, (n) => worstSizes(n, n, n, state));
  return { tokens, rows, sequences };
}

/** Whole tiles waste nothing. */
function roundTiles(tokens: number): number {
  for (const tile of [128, 16]) if (tokens >= tile) return tokens - (tokens % tile);
  return tokens;
}

/** What of a call does not fit the device, if anything. */
function misfit(
  program: Program,
  mode: 'prefill' | 'decode',
  values: SizeValues,
  limits: DeviceLimits,
): DeviceError | undefined {
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  const what = `A call with ${values.tokens} token${values.tokens === 1 ? '' : 's'}`;
  for (const { id, elements } of program.activations) {
    const bytes = 4 * evaluateSize(elements, values);
    if (bytes > most) return tooLarge(`${what} needs activation ${id} of`, bytes, most);
  }
  for (const table of ['tokens', 'sequences', 'tiles16', 'logits'] as const) {
    const bytes = 4 * tableWords(table, values, program.model.vocab);
    if (bytes > most) return tooLarge(`${what} needs ${table} of`, bytes, most);
  }
  return gridMisfit(program, mode, values, limits);
}

function tooLarge(what: string, bytes: number, most: number): DeviceError {
  return new DeviceError(
    'over-limit',
    `${what} ${formatBytes(bytes)}; this device binds and holds at most ${formatBytes(most)} in one buffer.`,
    { needed: bytes, available: most },
  );
}

function gridMisfit(
  program: Program,
  mode: 'prefill' | 'decode',
  values: SizeValues,
  limits: DeviceLimits,
): DeviceError | undefined {
  const most = limits.maxComputeWorkgroupsPerDimension;
  const used = new Set(program.schedule.map(({ stage }) => stage));
  const stages: readonly Stage[] = program.stages.filter(({ id }) => used.has(id));
  for (const stage of stages) {
    for (const { grid, split, label } of stage[mode]) {
      for (const [axis, size] of grid.entries()) {
        // Rows of a matrix are split when the plan is made.
        if (split && split.axis === axis && split.rowsPerWorkgroup > 0) continue;
        const count = evaluateSize(size, values);
        if (count <= most) continue;
        return new DeviceError(
          'over-limit',
          `A call with ${values.tokens} tokens needs ${count} workgroups in one dimension (${label}); this device allows ${most}.`,
          { needed: count, available: most },
        );
      }
    }
  }
  return undefined;
}

/** Tokens for one sequence of a bank. */
export interface Feed extends BatchEntry {
  /** Index of the sequence in what was asked for. */
  readonly index: number;
}

/** Cuts what is fed to sequences into calls within the limits. Sequences without tokens are left out. */
export function* cutPieces(feeds: readonly Feed[], limits: Pick<CallLimits, 'tokens' | 'rows'>): Generator<Feed[]> {
  let piece: Feed[] = [];
  let [tokens, rows] = [0, 0];
  for (const feed of feeds) {
    const { length } = feed.tokens;
    for (let done = 0; done < length;) {
      const most = Math.min(limits.tokens - tokens, feed.rows === 'all' ? limits.rows - rows : Infinity, length - done);
      const last = done + most === length;
      const wantsRow = feed.rows === 'last' && last;
      if (most === 0 || (wantsRow && rows === limits.rows)) {
        yield piece;
        piece = [];
        [tokens, rows] = [0, 0];
        continue;
      }
      const part =
        most === length ? feed.tokens : (Array.prototype.slice.call(feed.tokens, done, done + most) as number[]);
      piece.push({
        ...feed,
        tokens: part,
        position: feed.position + done,
        rows: feed.rows === 'last' && !last ? 'none' : feed.rows,
      });
      done += most;
      tokens += most;
      rows += feed.rows === 'all' ? most : wantsRow ? 1 : 0;
    }
  }
  if (piece.length > 0) yield piece;
}
