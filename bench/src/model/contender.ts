/** A whole model with random weights on the adapter at hand, through the API that packages have. */
import { fileURLToPath } from 'node:url';
import { gpu } from '@hyb/adapter';
import { compile, printWgsl, version } from '@hyb/compiler';
import { createModel, openDevice } from '@hyb/runtime';
import type { Model } from '@hyb/runtime';
import type { BenchCase, Contender, Measured, Task } from '../rounds/contender.js';
import { sourcesIn } from '../source-host.js';
import type { ModelCase } from './cases.js';
import { mainThreadTime } from './host-time.js';
import { randomWeights } from './random-weights.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

export async function hybModel(): Promise<Contender> {
  const device = await openDevice({ gpu: await gpu() });
  const loaded = new Map<string, Model>();
  return {
    version,
    async prepare(c: BenchCase): Promise<Task | undefined> {
      if (c.kind === 'linear' || c.kind === 'training') return undefined;
      let model = loaded.get(c.source);
      if (!model) {
        const { program, sources } = compiled(c.source);
        model = await createModel(program, sources, { weights: randomWeights(program), device });
        loaded.set(c.source, model);
      }
      return c.kind === 'prefill' ? prefill(model, c) : decoding(model, c);
    },
  };
}

function compiled(source: string) {
  const { compiled: made, diagnostics } = compile(sourcesIn(root), source);
  if (!made) throw new Error(diagnostics.map((d) => d.message).join('; '));
  const sources = Object.fromEntries([...made.plan.kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  return { program: made.plan.program, sources };
}

function tokensOf(model: Model, length: number): number[] {
  return Array.from({ length }, (_, i) => (i * 7919 + 13) % model.info.vocab);
}

/** Counts of calls and host time, as differences between two moments. */
class Meter {
  readonly #before;
  readonly #host = mainThreadTime();

  constructor(readonly model: Model) {
    this.#before = model.counters;
  }

  per(times: number): Record<string, number> {
    const { dispatches, submits, bindGroups, readbacks } = this.model.counters;
    const host = mainThreadTime();
    return {
      dispatches: (dispatches - this.#before.dispatches) / times,
      submits: (submits - this.#before.submits) / times,
      bindGroups: (bindGroups - this.#before.bindGroups) / times,
      readbacks: (readbacks - this.#before.readbacks) / times,
      ...(host === undefined || this.#host === undefined ? {} : { hostMilliseconds: (host - this.#host) / times }),
    };
  }
}

function prefill(model: Model, { prompt }: ModelCase): Task {
  const tokens = tokensOf(model, prompt);
  const facts: Record<string, number> = {};
  return {
    amount: prompt,
    facts,
    async run(repetitions) {
      const meter = new Meter(model);
      for (let i = 0; i < repetitions; i++) {
        const state = await model.state();
        await model.prefill(state, [tokens]);
        state.dispose();
      }
      Object.assign(facts, meter.per(repetitions));
    },
  };
}

/** A window that takes longer than this is one token long. */
const SLOW_TOKEN = 50;

/**
 * Tokens of one text, after its prompt. Tokens come a window at a time; the clock runs from the arrival of one window to
 * that of another, with the same work in flight at both.
 */
function decoding(model: Model, { prompt }: ModelCase): Task {
  const tokens = tokensOf(model, prompt);
  const facts: Record<string, number> = {};
  let window = 1;
  return {
    amount: 1,
    facts,
    async run(repetitions): Promise<Measured> {
      const windows = Math.ceil(repetitions / window);
      const size = window;
      let since: { wall: number; cpu: NodeJS.CpuUsage; meter: Meter } | undefined;
      let measured: Measured | undefined;
      let count = 0;
      // Windows are submitted ahead, and the last one does less: it must not be under way when the clock stops.
      const maxTokens = size * (windows + 4);
      const options = { window: size, maxTokens, stopTokens: [], temperature: 1, seed: 1 };
      for await (const _ of model.generate(tokens, options)) {
        // The first token of a window tells that it has come.
        const at = count++ / size;
        if (at === 0) since = { wall: performance.now(), cpu: process.cpuUsage(), meter: new Meter(model) };
        if (at !== windows) continue;
        const { user, system } = process.cpuUsage(since!.cpu);
        const done = windows * size;
        measured = { repetitions: done, milliseconds: performance.now() - since!.wall, cpu: (user + system) / 1e3 };
        Object.assign(facts, since!.meter.per(done));
        break;
      }
      // What is still under way would run in the others' turns.
      await model.device.idle();
      if (measured!.milliseconds / measured!.repetitions < SLOW_TOKEN) window = 16;
      return measured!;
    },
  };
}
