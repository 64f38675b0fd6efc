import type { Conditions } from './conditions.js';

/** How long and how often things are measured. */
export interface Effort {
  readonly rounds: number;
  /** Milliseconds of a contender's turn. */
  readonly turn: number;
}

export interface SectionContext extends Effort {
  readonly root: string;
  /** Names of parts that are wanted; empty: all. */
  readonly parts: ReadonlySet<string>;
  /** Share of the section that is done, 0 … 1. */
  readonly onProgress: (text: string, share: number) => void;
}

/** A part of the benchmarks that can be run and reported alone. A new one is a row of `SECTIONS`. */
export interface Section<R = unknown> {
  readonly name: string;
  readonly title: string;
  /** What it measures and how to read it: Markdown under the title. */
  readonly about: string;
  /** What `--only` may pick inside it. */
  readonly parts: readonly string[];
  /** The numbers depend on the adapter, so that a page has them once for each kind. */
  readonly onAdapter: boolean;
  /** Packages of `bench/peers` are needed. */
  readonly peers: boolean;
  /** Only measured where it is asked for by name. */
  readonly onRequest?: boolean;
  /** Seconds that it takes where there is no GPU, roughly: for the time left. */
  readonly seconds: number;
  run(context: SectionContext): Promise<R>;
  /** Tables of the result, as Markdown. */
  report(result: R, conditions: Conditions): string;
}

/** What a section has given, with what was going on. */
export interface Measurement {
  readonly section: Section;
  readonly effort: Effort;
  readonly load: { readonly before: number; readonly after: number };
  readonly result: unknown;
}
