/**
 * Times several contenders on one case. They take turns, round after round, so that whatever else the machine does falls on
 * all of them; ratios are taken within a round.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median, timing } from '../statistics.js';
import type { Timing } from '../statistics.js';
import type { LinearCase } from './cases.js';
import type { ContenderName, Request, Response } from './contender.js';

export interface Result {
  readonly contender: ContenderName;
  readonly version: string;
  /** Milliseconds of one run; absent: it cannot do this case. */
  readonly milliseconds?: Timing;
  /** CPU time of one run, milliseconds, all threads together. */
  readonly cpu?: Timing;
  /** Operations (or bytes) per second, at the median. */
  readonly rate?: number;
  /** Its time over that of the first contender: the median of the rounds' ratios. The same for CPU time. */
  readonly slower?: number;
  readonly cpuSlower?: number;
  /** Why it could not be measured. */
  readonly failure?: string;
}

export interface RoundOptions {
  readonly rounds: number;
  /** Each turn lasts about this long, milliseconds. */
  readonly turn: number;
  readonly onProgress?: (text: string) => void;
}

/** A turn of a contender that has not answered for so long is given up, milliseconds. */
const PATIENCE = 240_000;

class Competitor {
  readonly #process: ChildProcess;
  readonly #exit: Promise<never>;

  constructor(readonly name: ContenderName) {
    const script = fileURLToPath(new URL('process.js', import.meta.url));
    this.#process = fork(script, [name], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    this.#exit = new Promise((_, reject) => {
      this.#process.on('exit', (code, signal) => reject(new Error(`its process ended (${signal ?? code})`)));
      this.#process.on('error', reject);
    });
    this.#exit.catch(() => undefined);
  }

  async ask<T extends Response['type']>(request: Request): Promise<Extract<Response, { type: T }>> {
    const answer = new Promise<Response>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#process.kill('SIGKILL');
        reject(new Error(`no answer in ${PATIENCE / 1000} s`));
      }, PATIENCE);
      this.#process.once('message', (response: Response) => {
        clearTimeout(timer);
        resolve(response);
      });
      this.#exit.catch((error: unknown) => {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
    this.#process.send(request, () => undefined);
    const response = await answer;
    if (response.type === 'failed') throw new Error(response.message);
    return response as Extract<Response, { type: T }>;
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.send({ type: 'exit' } satisfies Request, () => undefined);
    await this.#exit.catch(() => undefined);
  }
}

/** @param names the first is what the others are compared with */
export async function compare(
  c: LinearCase,
  names: readonly ContenderName[],
  options: RoundOptions,
): Promise<readonly Result[]> {
  const competitors = names.map((name) => new Competitor(name));
  try {
    return await competition(c, competitors, options);
  } finally {
    await Promise.all(competitors.map((each) => each.close()));
  }
}

/** Milliseconds of one run. */
interface Turn {
  readonly wall: number;
  readonly cpu: number;
}

interface Entry {
  readonly competitor: Competitor;
  readonly version: string;
  readonly amount: number | undefined;
  readonly repetitions: number;
  readonly turns: (Turn | undefined)[];
  failure?: string;
}

async function competition(
  c: LinearCase,
  competitors: readonly Competitor[],
  { rounds, turn, onProgress }: RoundOptions,
): Promise<readonly Result[]> {
  const entries: Entry[] = [];
  for (const competitor of competitors) {
    onProgress?.(`${c.title}: ${competitor.name} compiles`);
    entries.push(await enter(c, competitor, turn));
  }
  for (let round = 0; round < rounds; round++) {
    for (const entry of entries) {
      if (entry.amount === undefined) continue;
      onProgress?.(`${c.title}: round ${round + 1} of ${rounds}, ${entry.competitor.name}`);
      entry.turns[round] = await measure(entry);
    }
  }
  const first = entries[0]!.turns;
  return entries.map(({ competitor, version, amount, turns, failure }): Result => {
    const known = turns.filter((t) => t !== undefined);
    const base = { contender: competitor.name, version, ...(failure === undefined ? {} : { failure }) };
    if (amount === undefined || known.length === 0) return base;
    const pairs = turns.flatMap((own, i) => (own && first[i] ? [{ own, other: first[i] }] : []));
    const wall = known.map((t) => t.wall);
    return {
      ...base,
      milliseconds: timing(wall),
      cpu: timing(known.map((t) => t.cpu)),
      rate: (amount / median(wall)) * 1e3,
      ...(pairs.length === 0
        ? {}
        : {
            slower: median(pairs.map(({ own, other }) => own.wall / other.wall)),
            cpuSlower: median(pairs.map(({ own, other }) => own.cpu / other.cpu)),
          }),
    };
  });
}

async function enter(c: LinearCase, competitor: Competitor, turn: number): Promise<Entry> {
  const entry = { competitor, version: '', amount: undefined, repetitions: 1, turns: [] };
  try {
    const { version } = await competitor.ask<'version'>({ type: 'version' });
    const { amount } = await competitor.ask<'prepared'>({ type: 'prepare', case: c });
    if (amount === undefined) return { ...entry, version };
    const { milliseconds } = await competitor.ask<'measured'>({ type: 'measure', repetitions: 1 });
    const repetitions = Math.min(1000, Math.max(1, Math.round(turn / milliseconds)));
    return { ...entry, version, amount, repetitions };
  } catch (error) {
    return { ...entry, failure: error instanceof Error ? error.message : String(error) };
  }
}

async function measure(entry: Entry): Promise<Turn | undefined> {
  if (entry.failure !== undefined) return undefined;
  try {
    const { repetitions } = entry;
    const { milliseconds, cpu } = await entry.competitor.ask<'measured'>({ type: 'measure', repetitions });
    return { wall: milliseconds / repetitions, cpu: cpu / repetitions };
  } catch (error) {
    entry.failure = error instanceof Error ? error.message : String(error);
    return undefined;
  }
}
