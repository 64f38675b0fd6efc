/**
 * Times several contenders, each on a case. They take turns, round after round, so that whatever else the machine does falls
 * on all of them; ratios are taken within a round.
 */
import type { BenchCase, ContenderName, Measured } from './contender.js';
import { Competitor } from './competitor.js';
import { median, spread } from './statistics.js';
import type { Spread } from './statistics.js';

export interface Entrant {
  readonly contender: ContenderName;
  readonly case: BenchCase;
}

export interface Result extends Entrant {
  readonly version: string;
  /** Milliseconds of one run; absent: it cannot do this case. */
  readonly milliseconds?: Spread;
  /** CPU time of one run, milliseconds, all threads together. */
  readonly cpu?: Spread;
  /** Operations, bytes, tokens or dispatches per second, at the median. */
  readonly rate?: number;
  /** Its time over that of the first entrant, round by round. The same for CPU time. */
  readonly slower?: Spread;
  readonly cpuSlower?: Spread;
  readonly facts?: Readonly<Record<string, number>>;
  /** Why it could not be measured. */
  readonly failure?: string;
}

export interface RoundOptions {
  readonly rounds: number;
  /** Each turn lasts about this long, milliseconds. */
  readonly turn: number;
  /** Share of all that is to be done, 0 … 1. */
  readonly onProgress?: (text: string, share: number) => void;
}

/** @param entrants the first is what the others are compared with */
export async function compare(entrants: readonly Entrant[], options: RoundOptions): Promise<readonly Result[]> {
  const entries = entrants.map((entrant) => new Entry(entrant));
  const total = entries.length * (options.rounds + 1);
  let done = 0;
  const report = (entry: Entry, what: string): void =>
    options.onProgress?.(`${entry.entrant.case.title}: ${entry.entrant.contender} ${what}`, done++ / total);
  try {
    for (const entry of entries) {
      report(entry, 'compiles');
      await entry.prepare(options.turn);
    }
    for (let round = 0; round < options.rounds; round++) {
      for (const entry of entries) {
        report(entry, `round ${round + 1} of ${options.rounds}`);
        await entry.measure(round);
      }
    }
  } finally {
    await Promise.all(entries.map((entry) => entry.close()));
  }
  return entries.map((entry) => entry.result(entries[0]!));
}

/** Compares case by case: each has entrants of its own. */
export async function compareEach(
  cases: readonly (readonly Entrant[])[],
  { onProgress, ...effort }: RoundOptions,
): Promise<readonly (readonly Result[])[]> {
  const results: (readonly Result[])[] = [];
  for (const [i, entrants] of cases.entries()) {
    const progress = onProgress && ((text: string, share: number) => onProgress(text, (i + share) / cases.length));
    results.push(await compare(entrants, { ...effort, ...(progress && { onProgress: progress }) }));
  }
  return results;
}

/** What times are held against each other: those of a clock, or of the CPU. */
export type Basis = 'milliseconds' | 'cpu';

/** Operations, bytes, tokens or dispatches per second of a basis, at the median; undefined: not measured. */
export function rateBy(result: Result, basis: Basis): number | undefined {
  const { rate, milliseconds, [basis]: measured } = result;
  return rate && milliseconds && measured && (rate * milliseconds.median) / measured.median;
}

/** Milliseconds of one run. */
interface Turn {
  readonly wall: number;
  readonly cpu: number;
}

class Entry {
  readonly #competitor: Competitor;
  readonly #turns: (Turn | undefined)[] = [];
  #version = '';
  #amount: number | undefined;
  #facts: Readonly<Record<string, number>> = {};
  #repetitions = 1;
  #failure: string | undefined;

  constructor(readonly entrant: Entrant) {
    this.#competitor = new Competitor(entrant.contender);
  }

  async prepare(turn: number): Promise<void> {
    await this.#attempt(async () => {
      this.#version = (await this.#competitor.ask<'version'>({ type: 'version' })).version;
      const { amount, facts } = await this.#competitor.ask<'prepared'>({ type: 'prepare', case: this.entrant.case });
      this.#amount = amount;
      this.#facts = facts;
      if (amount === undefined) return;
      const { wall } = await this.#turn(1);
      this.#repetitions = Math.min(1000, Math.max(1, Math.round(turn / wall)));
    });
  }

  async measure(round: number): Promise<void> {
    if (this.#amount === undefined || this.#failure !== undefined) return;
    await this.#attempt(async () => {
      this.#turns[round] = await this.#turn(this.#repetitions);
    });
  }

  async #turn(wanted: number): Promise<Turn> {
    const measured: Measured = await this.#competitor.ask<'measured'>({ type: 'measure', repetitions: wanted });
    return { wall: measured.milliseconds / measured.repetitions, cpu: measured.cpu / measured.repetitions };
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
  }

  result(first: Entry): Result {
    const base = {
      ...this.entrant,
      version: this.#version,
      facts: this.#facts,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    };
    const known = this.#turns.filter((t) => t !== undefined);
    if (this.#amount === undefined || known.length === 0) return base;
    const pairs = this.#turns.flatMap((own, i) => (own && first.#turns[i] ? [{ own, other: first.#turns[i] }] : []));
    const wall = known.map((t) => t.wall);
    return {
      ...base,
      milliseconds: spread(wall),
      cpu: spread(known.map((t) => t.cpu)),
      rate: (this.#amount / median(wall)) * 1e3,
      ...(pairs.length === 0
        ? {}
        : {
            slower: spread(pairs.map(({ own, other }) => own.wall / other.wall)),
            cpuSlower: spread(pairs.map(({ own, other }) => own.cpu / other.cpu)),
          }),
    };
  }

  close(): Promise<void> {
    return this.#competitor.close();
  }
}
