/** Every distinct kernel that the models of `models/` compile to, with dispatches of it at shrunken sizes. */
import type { Plan } from '../../src/plan/plan.js';
import { plan } from '../../src/plan/plan.js';
import { evaluateModel } from '../../src/reference/model.js';
import type { ModelGraph } from '../../src/graph/graph.js';
import { run } from '../../src/kernel/check/index.js';
import type { SamplerSettings } from '../../src/lower/sample/reference.js';
import { SLICE } from '../../src/lower/sample/shape.js';
import type { Executor } from '../lower/machine.js';
import { PLAIN, Sampler } from '../lower/sampler.js';
import { drawParameters } from './hybrid.js';
import type { DispatchRecord } from './mutants.js';
import { differ } from './mutants.js';
import { InterpretedProgram } from './program.js';
import { random } from './random.js';
import { shrunkenModels } from './shrunken.js';
import type { Sizing } from './shrunken.js';

/** Allows for another order of sums of some dozen terms. */
export const SAME = 2 ** -18;

export interface ModelRun {
  readonly name: string;
  /** Largest difference of the last logits from the reference's, in units of its largest; of fused programs. */
  readonly difference?: number;
  /** Variants whose results differ from the core variant's. */
  readonly different: readonly string[];
}

/** Lengths of prompts: tiles and chunks that end raggedly, more keys than a split takes; a piece that goes on; a sequence that begins with decoding. */
const LONG = [
  [66, 3, 0],
  [65, 2, 0],
] as const;
const SHORT = [
  [66, 3, 0],
  [2, 0, 0],
] as const;

/** Runs the models; a program that has no kernel to add is left out. */
export function recordModelKernels(
  record: DispatchRecord,
  sizings: readonly Sizing[],
  options: { readonly modes?: readonly boolean[]; readonly only?: (model: string) => boolean } = {},
): readonly ModelRun[] {
  const runs: ModelRun[] = [];
  for (const sizing of sizings) {
    for (const { name, graph } of shrunkenModels(sizing, options.only)) {
      for (const fused of options.modes ?? [true, false]) {
        const made = plan(graph, { fused });
        const fresh = [...made.kernels.values()].filter((k) => !record.isKnown(k));
        if (fresh.length === 0) continue;
        const long = fresh.some((k) => /_(attend|ssd|scan)_/.test(k.name));
        const run = new ModelKernelRun(graph, made, record, long);
        runs.push({ name: `${name}, ${sizing}, ${fused ? 'fused' : 'unfused'}`, ...run.whole(fused) });
        if (fused && fresh.some((k) => k.name.includes('_attend_'))) run.steep();
      }
    }
  }
  return runs;
}

class ModelKernelRun {
  readonly #random = random(2);
  readonly #rounds: readonly (readonly number[][])[];
  readonly #step: readonly number[][];

  constructor(
    readonly graph: ModelGraph,
    readonly plan: Plan,
    readonly record: DispatchRecord,
    long: boolean,
  ) {
    const token = (): number => this.#random.integer(0, graph.vocab);
    this.#rounds = (long ? LONG : SHORT).map((lengths) => lengths.map((n) => Array.from({ length: n }, token)));
    this.#step = this.#rounds[0]!.map(() => [token()]);
  }

  /** Prompts in two pieces, then a token, recorded and compared with the reference. */
  whole(compared: boolean): Omit<ModelRun, 'name'> {
    const { vocab } = this.graph;
    const parameters = drawParameters(this.graph, 1);
    const different: string[] = [];
    const logits = this.#feed(parameters, (kernel, options, others) => {
      const expected = this.record.observe(kernel, options);
      for (const other of others) {
        for (const [name, data] of this.record.observe(other, options) ?? []) {
          if (expected && differ(data, expected.get(name)!, SAME)) different.push(`${other.name} ${name}`);
        }
      }
    });
    if (!compared) return { different };
    const expected = this.#rounds[0]!.map((_, i) => {
      const tokens = [...this.#rounds, this.#step].flatMap((round) => round[i]!);
      return evaluateModel(this.graph, parameters, [{ tokens }], { logits: 'last' }).sequences[0]!.logits.data;
    });
    let [most, scale] = [0, 0];
    expected.forEach((row, i) =>
      row.forEach((v, c) => {
        scale = Math.max(scale, Math.abs(v));
        most = Math.max(most, Math.abs(v - logits[i * vocab + c]!));
      }),
    );
    return { difference: most / scale, different };
  }

  /** Scores so far apart that a softmax overflows if it does not take off the largest: one more dispatch of attention. */
  steep(): void {
    const parameters = new Map(
      [...drawParameters(this.graph, 1)].map(([path, { shape, data }]) => {
        const factor = /(^|\.)[qk]\.weight$|\.qkv?\./.test(path) ? 60 : 1;
        return [path, { shape, data: data.map((v) => factor * v) }] as const;
      }),
    );
    this.record.perKernel += 1;
    this.#feed(parameters, (kernel, options) => {
      if (kernel.name.includes('_attend_')) this.record.observe(kernel, options);
    });
    this.record.perKernel -= 1;
  }

  /** @returns the last step's logits */
  #feed(
    parameters: ReturnType<typeof drawParameters>,
    observe: NonNullable<InterpretedProgram['observe']>,
  ): Float32Array {
    const slots = this.#rounds[0]!.length;
    const program = new InterpretedProgram(this.plan, (path) => parameters.get(path)!.data, {
      slots,
      capacity: 168,
      slotOf: (sequence) => slots - 1 - sequence,
    });
    program.fast = true;
    program.observe = observe;
    for (const round of this.#rounds) program.feed(round, 'prefill');
    return program.feed(this.#step, 'decode');
  }
}

/** Samples from a vocabulary of several slices, with every filter somewhere. */
export async function recordSampler(record: DispatchRecord): Promise<void> {
  for (const variants of ['core', 'best'] as const) await recordSampling(record, variants);
}

async function recordSampling(record: DispatchRecord, variants: 'core' | 'best'): Promise<void> {
  const vocab = 2 * SLICE + 77;
  const r = random(4);
  const settings = [
    { topK: 20, topP: 0.8, minP: 0.05, repetitionPenalty: 1.3, temperature: 0.9 },
    { temperature: 0, repetitionPenalty: 1.5 },
    { topP: 0.95, temperature: 1.5 },
    {},
  ].map((s, i): SamplerSettings => ({ ...PLAIN, ...s, seed: r.integer(0, 2 ** 32), step: 3 * i }));
  const sequences = settings.map((_, i) => ({ slot: settings.length - 1 - i, count: 1, position: 3 * i }));
  const execute: Executor = (kernel, buffers, uniforms, grid, uninitialised) => {
    record.observe(kernel, { buffers, uniforms, grid, uninitialised });
    run(kernel, { buffers, uniforms, grid, fast: true });
  };
  const sampler = new Sampler(vocab, sequences, settings, execute, settings.length, variants);
  for (let slot = 0; slot < settings.length; slot++) for (let n = 0; n < 5; n++) sampler.see(slot, r.integer(0, vocab));
  for (let step = 0; step < 2; step++) {
    settings.forEach((_, i) =>
      sampler.setLogits(
        i,
        Array.from({ length: vocab }, () => 3 * r.normal()),
      ),
    );
    await sampler.step();
  }
}
