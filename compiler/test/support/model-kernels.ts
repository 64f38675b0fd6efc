/** Every distinct kernel that the models of `models/` compile to, with dispatches of it at shrunken sizes. */
import type { Step } from '@hyb/runtime';
import { SAMPLER_NOTES } from '@hyb/runtime';
import type { Kernel } from '../../src/kernel/ir.js';
import { visitKernelExpressions } from '../../src/kernel/walk.js';
import type { Plan } from '../../src/plan/plan.js';
import { plan } from '../../src/plan/plan.js';
import type { PlanOptions } from '../../src/plan/plan.js';
import { evaluateModel } from '../../src/reference/model.js';
import type { ModelGraph } from '../../src/graph/graph.js';
import { run } from '../../src/kernel/check/index.js';
import type { SamplerSettings } from '../../src/lower/sample/reference.js';
import { NOTES, SLICE } from '../../src/lower/sample/shape.js';
import type { Executor } from '../lower/machine.js';
import { PLAIN, Sampler } from '../lower/sampler.js';
import { drawParameters } from './hybrid.js';
import type { DispatchRecord } from './mutants.js';
import { copies, differ, shapeOf, writtenBy } from './mutants.js';
import { InterpretedProgram } from './program.js';
import type { ProgramOptions } from './program.js';
import { random } from './random.js';
import { shrunkenModels } from './shrunken.js';
import type { Sizing } from './shrunken.js';

/** Allows for another order of sums of some dozen terms. */
export const SAME = 2 ** -18;

/** A sum on the border between two bf16 values is rounded to either. */
const ROUNDED = 2 ** -7;

function rounds(kernel: Kernel): boolean {
  let found = false;
  visitKernelExpressions(kernel, (x) => (found ||= x.kind === 'call' && x.fn === 'round_bf16'));
  return found;
}

export interface ModelRun {
  readonly name: string;
  /** Largest difference of the last logits from the reference's, in units of its largest. */
  readonly difference: number;
  /** Variants whose results differ from the core variant's. */
  readonly different: readonly string[];
}

/**
 * Lengths of three sequences' prompts, in two pieces; a sequence without one begins with decoding. Tiles and chunks end
 * raggedly, and there are more keys than a split takes, for the kernels that have such.
 */
const LENGTHS = {
  chunks: [
    [66, 3, 0],
    [65, 2, 0],
  ],
  tiles: [
    [66, 3, 0],
    [2, 0, 0],
  ],
  rows: [
    [3, 2, 0],
    [2, 0, 0],
  ],
} as const;

function lengthsFor(kernels: readonly Kernel[]): (typeof LENGTHS)[keyof typeof LENGTHS] {
  const any = (pattern: RegExp): boolean => kernels.some(({ name }) => pattern.test(name));
  return LENGTHS[any(/_(attend|ssd|scan)_/) ? 'chunks' : any(/_prefill_.*_(matmul|conv1d)/) ? 'tiles' : 'rows'];
}

/** Shapes of all kernels that the models of these files compile to at full size, fused and unfused, of all variants. */
export function publishedShapes(isWanted: (file: string) => boolean): ReadonlySet<string> {
  const shapes = new Set<string>();
  for (const { graph } of shrunkenModels('published', isWanted)) {
    for (const fused of [true, false])
      for (const kernel of plan(graph, { fused }).kernels.values()) shapes.add(shapeOf(kernel));
  }
  return shapes;
}

/** Sizings, and from how many rows on a matrix has the kernels that it has from thousands on. */
const PASSES: readonly (readonly [Exclude<Sizing, 'published'>, number?])[] = [['narrow'], ['few'], ['narrow', 1]];

/** Runs the models, but for layers without a kernel that the record misses. */
export function recordModelKernels(record: DispatchRecord, isWanted: (file: string) => boolean): readonly ModelRun[] {
  const runs: ModelRun[] = [];
  for (const [sizing, high] of PASSES) {
    for (const { name, graph } of shrunkenModels(sizing, isWanted)) {
      for (const fused of [true, false]) {
        const options: PlanOptions = { fused, ...(high === undefined ? {} : { high }) };
        const made = plan(graph, options);
        const missing = [...made.kernels.values()].filter((kernel) => record.misses(kernel));
        if (missing.length === 0) continue;
        const part = withStages(graph, stagesOf(made, new Set(missing)));
        const run = new ModelKernelRun(part, plan(part, options), record, lengthsFor(missing));
        const kind = `${sizing}${high === undefined ? '' : ', as if high'}, ${fused ? 'fused' : 'unfused'}`;
        runs.push({ name: `${name}, ${kind}`, ...run.whole() });
        if (fused && missing.some((k) => k.name.includes('_attend_'))) run.steep();
      }
    }
  }
  return runs;
}

/** Labels of the stages that run one of the kernels. */
function stagesOf({ program, kernels }: Plan, wanted: ReadonlySet<Kernel>): ReadonlySet<string> {
  const runs = ({ kernel }: Step): boolean =>
    program.kernels[kernel]!.variants.some(({ source }) => wanted.has(kernels.get(source)!));
  const stages = program.stages.filter(({ prepare, prefill, decode }) =>
    [...(prepare ?? []), ...prefill, ...decode].some(runs),
  );
  const ids = new Set(stages.map(({ id }) => id));
  return new Set(program.schedule.filter(({ stage }) => ids.has(stage)).map(({ label }) => label));
}

/** The model with the layers of these labels, its embedding and its head. */
function withStages(model: ModelGraph, labels: ReadonlySet<string>): ModelGraph {
  return {
    ...model,
    instances: model.instances.filter((i) => i.layer === undefined || labels.has(`${i.layer} ${i.alias}`)),
  };
}

class ModelKernelRun {
  readonly #random = random(2);
  readonly #rounds: readonly (readonly number[][])[];
  readonly #steps: readonly (readonly number[][])[];

  constructor(
    readonly graph: ModelGraph,
    readonly plan: Plan,
    readonly record: DispatchRecord,
    lengths: readonly (readonly number[])[],
  ) {
    const token = (): number => this.#random.integer(0, graph.vocab);
    this.#rounds = lengths.map((round) => round.map((n) => Array.from({ length: n }, token)));
    this.#steps = [1, 2].map(() => this.#rounds[0]!.map(() => [token()]));
  }

  /** Prompts in two pieces, then two tokens, recorded and compared with the reference. */
  whole(): Omit<ModelRun, 'name'> {
    const { vocab } = this.graph;
    const parameters = drawParameters(this.graph, 1);
    const different: string[] = [];
    const logits = this.#feed(parameters, (kernel, options, { others, split }) => {
      const variants = others.filter((other) => this.record.keeps(other));
      const buffers = variants.map(() => copies(options.buffers));
      this.record.run(kernel, options, split);
      variants.forEach((variant, i) => {
        this.record.run(variant, { ...options, buffers: buffers[i]! }, split);
        const tolerance = rounds(variant) ? ROUNDED : SAME;
        const off = writtenBy(variant).filter((name) => differ(buffers[i]![name]!, options.buffers[name]!, tolerance));
        different.push(...off.map((name) => `${variant.name} ${name}`));
      });
    });
    const expected = this.#rounds[0]!.map((_, i) => {
      const tokens = [...this.#rounds, ...this.#steps].flatMap((round) => round[i]!);
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
      if (kernel.name.includes('_attend_')) this.record.run(kernel, options);
      else run(kernel, { ...options, fast: true });
    });
    this.record.perKernel -= 1;
  }

  /** @returns the last step's logits */
  #feed(parameters: ReturnType<typeof drawParameters>, execute: NonNullable<ProgramOptions['execute']>): Float32Array {
    const slots = this.#rounds[0]!.length;
    const program = new InterpretedProgram(this.plan, (path) => parameters.get(path)!.data, {
      slots,
      capacity: 168,
      slotOf: (sequence) => slots - 1 - sequence,
      execute,
    });
    // A fresh sequence must not see what an earlier one left in its slot.
    for (const state of program.states.values()) state.fill(1000);
    for (const round of this.#rounds) program.feed(round, 'prefill');
    return this.#steps.map((step) => program.feed(step, 'decode')).at(-1)!;
  }
}

/** Samples from a vocabulary of several slices, with every filter somewhere. */
export async function recordSampler(record: DispatchRecord): Promise<void> {
  await recordFinish(record);
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
    record.run(kernel, { buffers, uniforms, grid, uninitialised });
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

/** The last of the sampler's kernels alone, with notes of so many slices that its invocations look at two. */
async function recordFinish(record: DispatchRecord): Promise<void> {
  const slices = 66;
  const vocab = slices * SLICE;
  const r = random(5);
  const winners = [0, 64, 1, 65];
  const settings = winners.map((): SamplerSettings => PLAIN);
  const sequences = winners.map((_, slot) => ({ slot, count: 1, position: slot }));
  let step = 0;
  const execute: Executor = (kernel, buffers, uniforms, grid) => {
    if (kernel.name !== 'sample_finish') return;
    winners.forEach((winner, sequence) => {
      for (let slice = 0; slice < slices; slice++) {
        const notes = (sequence * slices + slice) * (SLICE + SAMPLER_NOTES) + SLICE;
        buffers['scratch']![notes + NOTES.best] = r.normal() + (slice === winner ? 9 : 0);
        buffers['scratch']![notes + NOTES.winner] = r.integer(0, vocab);
        buffers['scratch']![notes + NOTES.broken] = step === 1 && slice === winner && sequence > 1 ? 1 : 0;
      }
    });
    record.run(kernel, { buffers, uniforms, grid });
  };
  const sampler = new Sampler(vocab, sequences, settings, execute, settings.length);
  for (; step < 2; step++) await sampler.step();
}
