import { HybError, ProgramError } from '../errors.js';
import type { Feeder, PieceHooks } from '../model/feeder.js';
import type { Tokens } from '../model/types.js';
import type { Readback, Staged } from '../memory/readback.js';
import { sizesOf, WINDOW, type BatchEntry } from '../program/batch.js';
import type { CallBuffers } from '../program/call-buffers.js';
import type { SizeValues } from '../program/size.js';
import { settingsTable } from '../sampling/settings.js';
import type { Bank } from '../state/banks.js';
import type { ModelState } from '../state/model-state.js';
import { Snapshot } from '../state/snapshot.js';
import type { Lane } from './lane.js';

/** Lanes that decode together: sequences of one bank, as many as one call takes. */
interface Group {
  readonly bankIndex: number;
  /** First sequence of the bank, as it was when the group was made. */
  readonly first: number;
  readonly lanes: readonly Lane[];
  readonly buffers: CallBuffers;
}

/** Steps that were submitted together, with one readback. */
interface Window {
  /** Steps done before it. */
  readonly start: number;
  readonly steps: number;
  readonly parts: readonly { readonly lanes: readonly Lane[]; readonly sampled: Staged }[];
}

/** Tokens that a window sampled: for each step, lane and token. */
export type WindowTokens = readonly (readonly { readonly lane: Lane; readonly token: number }[])[];

/**
 * The device's side of generation. A step samples a token from the logits and feeds it to the model at once, so the host
 * learns of tokens later, a window at a time. Each window begins with a copy of the recurrences: a text that turns out to
 * have ended inside a window is taken back to the copy and fed the tokens up to its end again.
 */
export class Decoding {
  readonly #feeder: Feeder;
  readonly #readback: Readback;
  readonly #state: ModelState;
  /** The state is wanted afterwards. */
  readonly #keep: boolean;
  #groups: readonly Group[] = [];
  /** Steps submitted. */
  #steps = 0;
  readonly #windows: Window[] = [];
  /** Copies at the beginnings of the last windows, the newest last, and for each the longest base of each lane's group. */
  #snapshots: { readonly start: number; readonly snapshot: Snapshot; readonly longest: ReadonlyMap<Lane, number> }[] =
    [];
  #spare: Snapshot[] = [];

  constructor(feeder: Feeder, readback: Readback, state: ModelState, keep: boolean) {
    this.#feeder = feeder;
    this.#readback = readback;
    this.#state = state;
    this.#keep = keep;
  }

  /** Windows whose tokens were not taken yet. */
  get pending(): number {
    return this.#windows.length;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Feeds the prompts; their last logits are what the first step samples from. */
  async begin(lanes: readonly Lane[], prompts: readonly Tokens[], signal: AbortSignal | undefined): Promise<void> {
    await this.#state.reserve(Math.max(...lanes.map(({ base }) => base)));
    this.#groups = await this.#makeGroups(lanes);
    const rows = new Map<number, { logits: GPUBuffer; row: number }>();
    for (const { lanes, buffers } of this.#groups) {
      lanes.forEach((lane, row) => rows.set(lane.index, { logits: buffers.get('logits')!, row }));
    }
    const rowBytes = this.#feeder.executor.program.model.vocab * 4;
    const hooks: PieceHooks = {
      onPiece: (encoder, piece, logits) => {
        piece
          .filter((feed) => feed.rows === 'last')
          .forEach(({ index }, i) => {
            const to = rows.get(index)!;
            encoder.copyBufferToBuffer(logits, i * rowBytes, to.logits, to.row * rowBytes, rowBytes);
          });
      },
    };
    await this.#feeder.prefill(this.#state, prompts, { rows: 'last', signal, hooks });
    for (const group of this.#groups) this.#writeGroup(group);
    if (!this.#keep) return;
    const sequences = lanes.map(({ index }) => index);
    this.#spare = [new Snapshot(this.#state, sequences), new Snapshot(this.#state, sequences)];
    await this.#feeder.executor.memory.settle();
  }

  /** Goes on with these lanes only. */
  async regroup(lanes: readonly Lane[]): Promise<void> {
    const before = this.#groups;
    const after = await this.#makeGroups(lanes);
    const { device, program } = this.#feeder.executor;
    for (const group of after) this.#writeGroup(group);
    device.record((encoder) => {
      for (const to of after) {
        to.lanes.forEach((lane, row) => {
          const from = before.find((group) => group.lanes.includes(lane))!;
          copyRow(encoder, 'logits', program.model.vocab * 4, from, from.lanes.indexOf(lane), to, row);
          // The host does not know the tokens of windows that are under way yet.
          copyRow(
            encoder,
            'seen',
            this.#state.seen.words * 4,
            from,
            lane.index - from.first,
            to,
            lane.index - to.first,
          );
        });
      }
    });
    for (const { buffers } of before) buffers.dispose();
    this.#groups = after;
  }

  async #makeGroups(lanes: readonly Lane[]): Promise<Group[]> {
    const groups: Group[] = [];
    for (const [bankIndex, bank] of this.#state.banks.entries()) {
      const inBank = lanes.filter(({ index }) => index >= bank.first && index < bank.first + bank.slots);
      const most = this.#feeder.limits(bank).sequences;
      for (let first = 0; first < inBank.length; first += most) {
        const buffers = this.#feeder.executor.makeBuffers();
        const group = { bankIndex, first: bank.first, lanes: inBank.slice(first, first + most), buffers };
        groups.push(group);
        await this.#feeder.executor.reserve(this.#sizes(group, this.#steps), bank, buffers, true);
      }
    }
    return groups;
  }

  #bank({ bankIndex }: Group): Bank {
    return this.#state.banks[bankIndex]!;
  }

  /** The call of a group's decode step after so many steps. */
  #entries({ lanes }: Group, steps: number): BatchEntry[] {
    return lanes.map((lane) => ({
      slot: this.#state.slotOf(lane.index).slot,
      position: lane.base + steps,
      tokens: [0],
      rows: 'last',
    }));
  }

  #sizes(group: Group, steps: number): SizeValues {
    return sizesOf(this.#entries(group, steps), this.#bank(group));
  }

  /** Writes tables as the sampler expects them: at the last position. */
  #writeGroup(group: Group): void {
    const { lanes, buffers } = group;
    const { queue } = this.#feeder.executor.device.gpu;
    buffers.write(this.#entries(group, this.#steps - 1));
    const settings = buffers.get('settings');
    const samplings = lanes.map(({ options }) => options.sampling);
    if (settings) queue.writeBuffer(settings, 0, settingsTable(samplings, this.#steps));
    const seen = buffers.get('seen');
    if (!seen) return;
    for (const { index } of lanes) {
      const { slot } = this.#state.slotOf(index);
      queue.writeBuffer(seen, slot * this.#state.seen.words * 4, this.#state.seen.of(index));
    }
  }

  /**
   * Submits the next window.
   *
   * @param last nothing is sampled after it, so that its last token need not be fed to a state that is not kept
   */
  async submit(steps: number, last: boolean): Promise<void> {
    const { executor } = this.#feeder;
    const lanes = this.#groups.flatMap((group) => group.lanes);
    const banks = this.#state.banks;
    await this.#state.reserve(Math.max(...lanes.map(({ base }) => base)) + this.#steps + steps);
    if (this.#state.banks.some(({ slots }, i) => slots !== banks[i]?.slots)) await this.regroup(lanes);
    for (const group of this.#groups) {
      await executor.reserve(this.#sizes(group, this.#steps + steps - 1), this.#bank(group), group.buffers, true);
    }
    // From here on nothing is awaited, so that other calls on the device cannot come between the steps.
    if (this.#keep) this.#save();
    const parts = this.#groups.map((group) => this.#submitGroup(group, steps, last && !this.#keep));
    this.#windows.push({ start: this.#steps, steps, parts });
    this.#steps += steps;
    for (const { index, base } of lanes) this.#state.setLength(index, base + this.#steps);
  }

  #save(): void {
    const snapshot = this.#spare.pop() ?? this.#snapshots.shift()!.snapshot;
    const longest = new Map<Lane, number>();
    this.#feeder.executor.device.record((encoder) => {
      for (const { lanes } of this.#groups) {
        snapshot.save(
          encoder,
          lanes.map(({ index }) => index),
        );
        for (const lane of lanes) longest.set(lane, Math.max(...lanes.map(({ base }) => base)));
      }
    });
    this.#snapshots.push({ start: this.#steps, snapshot, longest });
  }

  #submitGroup(group: Group, steps: number, endWithSample: boolean): Window['parts'][number] {
    const { executor } = this.#feeder;
    const { lanes, buffers } = group;
    const bank = this.#bank(group);
    let sampled: Staged | undefined;
    const ring = buffers.get('sampled');
    if (!ring) throw new ProgramError('bad-program', 'The sampling stage does not bind `sampled`.');
    const after = (encoder: GPUCommandEncoder): void => {
      sampled = this.#readback.stage(encoder, ringRegions(ring, this.#steps, steps, lanes.length * 4));
    };
    for (let step = 0; step < steps; step++) {
      const values = this.#sizes(group, this.#steps + step);
      const final = step === steps - 1;
      const sample = executor.samplePlan(values, bank, buffers);
      const plans = final && endWithSample ? [sample] : [sample, executor.plan('decode', values, bank, buffers)];
      executor.submit(plans, final ? { after } : {});
    }
    return { lanes, sampled: sampled! };
  }

  /** Waits for the tokens of the oldest window. */
  async take(): Promise<WindowTokens> {
    const { steps, parts } = this.#windows.shift()!;
    const result: { lane: Lane; token: number }[][] = Array.from({ length: steps }, () => []);
    const { vocab } = this.#feeder.executor.program.model;
    for (const { lanes, sampled } of parts) {
      const tokens = new Uint32Array((await sampled.take()).buffer);
      for (let step = 0; step < steps; step++) {
        lanes.forEach((lane, i) => result[step]!.push({ lane, token: tokens[step * lanes.length + i]! }));
      }
    }
    for (const step of result) {
      step.sort((a, b) => a.lane.index - b.lane.index);
      for (const { lane, token } of step) {
        // What comes after the end of a text does not matter.
        if (token < vocab || lane.finished) continue;
        throw new HybError(
          'logits-not-finite',
          `The logits of text ${lane.index} became NaN or infinite after ${lane.base + lane.tokens.length} tokens. ` +
            'Weights of the wrong model or too narrow a `storage` do that.',
        );
      }
    }
    return result;
  }

  /** Takes sequences back to hold what was handed out of their texts, and nothing else. */
  rewind(lanes: readonly Lane[]): void {
    if (!this.#keep) return;
    const { executor, buffers } = this.#feeder;
    for (const lane of lanes) {
      const { base, tokens, index } = lane;
      const length = base + tokens.length;
      if (this.#state.lengths[index] !== length) {
        const { start, snapshot, longest } = this.#snapshots.findLast(({ start }) => start <= tokens.length)!;
        executor.device.record((encoder) => snapshot.restore(encoder, index));
        const { bank, slot } = this.#state.slotOf(index);
        for (let step = start; step < tokens.length; step++) {
          const entry: BatchEntry = { slot, position: base + step, tokens: [tokens[step]!], rows: 'none' };
          // The same bound as the step had: how keys are shared out depends on it, and so does rounding.
          executor.run('decode', [entry], bank, buffers, { context: longest.get(lane)! + step + 1 });
        }
        this.#state.setLength(index, length);
      }
      for (const token of tokens) this.#state.seen.add(index, token);
    }
  }

  dispose(): void {
    for (const { parts } of this.#windows.splice(0)) for (const { sampled } of parts) sampled.discard();
    for (const { buffers } of this.#groups) buffers.dispose();
    for (const { snapshot } of this.#snapshots) snapshot.dispose();
    for (const snapshot of this.#spare) snapshot.dispose();
    this.#groups = [];
    this.#snapshots = [];
    this.#spare = [];
  }
}

function copyRow(
  encoder: GPUCommandEncoder,
  table: 'logits' | 'seen',
  bytes: number,
  from: Group,
  fromRow: number,
  to: Group,
  toRow: number,
): void {
  const [source, target] = [from.buffers.get(table), to.buffers.get(table)];
  if (source && target) encoder.copyBufferToBuffer(source, fromRow * bytes, target, toRow * bytes, bytes);
}

/** Where the tokens of steps `start` … `start + steps` are in the ring. */
function ringRegions(ring: GPUBuffer, start: number, steps: number, rowBytes: number) {
  const first = start % WINDOW;
  const before = Math.min(steps, WINDOW - first);
  return [
    { buffer: ring, offset: first * rowBytes, bytes: before * rowBytes },
    { buffer: ring, offset: 0, bytes: (steps - before) * rowBytes },
  ];
}
