import { TrainingError } from '../../src/errors.js';
import { readSafetensors } from '../../src/weights/safetensors.js';
import { lastCheckpoint } from '../../src/train/checkpoints/checkpoint.js';
import { dataText } from '../../src/train/data/files.js';
import type { DataFiles } from '../../src/train/data/files.js';
import { prepareData } from '../../src/train/data/prepare.js';
import type { StepSettings } from '../../src/train/engine.js';
import { folderIn } from '../../src/train/files/folder.js';
import { memoryFiles } from '../../src/train/files/memory.js';
import { readText } from '../../src/train/files/text.js';
import type { Files } from '../../src/train/files/types.js';
import type { Phase, TrainingRecipe } from '../../src/train/recipe.js';
import { runLength } from '../../src/train/run/length.js';
import type { StepMetrics } from '../../src/train/run/metrics.js';
import { train } from '../../src/train/run/train.js';
import type { TrainOptions } from '../../src/train/run/train.js';
import { BigramEngine } from '../support/bigram-engine.js';
import type { BigramOptions } from '../support/bigram-engine.js';
import { letters } from '../support/letters.js';
import { recipe } from '../support/recipe.js';

/** Predictable: after each letter comes the next one. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz'.repeat(40);
const VOCAB = 28;
const tokenizer = { codec: letters, key: 'letters' };
const steps = (value: number) => ({ value, unit: 'steps' }) as const;
const policy = (name: 'stop' | 'skip' | 'back') => ({ name, arguments: {} });

interface Setting extends Partial<Omit<TrainOptions, 'recipe' | 'data' | 'engine'>> {
  readonly fields?: Partial<TrainingRecipe>;
  readonly engine?: Omit<BigramOptions, 'vocab'>;
  readonly data?: DataFiles;
  readonly until?: number;
}

async function run({ fields, engine: options, data, until = Infinity, ...rest }: Setting = {}) {
  const wanted = recipe(fields);
  const length = runLength(wanted, { context: 64 });
  const prepared = await prepareData(wanted, {
    data: data ?? [dataText(ALPHABET)],
    tokenizer,
    cache: memoryFiles(),
    vocab: VOCAB,
    sequence: length.sequence,
  });
  const engine = new BigramEngine({ vocab: VOCAB, ...options });
  const metrics: StepMetrics[] = [];
  let error: unknown;
  try {
    for await (const step of train({ recipe: wanted, length, data: prepared, engine, ...rest })) {
      metrics.push(step);
      if (step.step >= until) break;
    }
  } catch (caught) {
    error = caught;
  }
  const tensors = await Promise.all([...engine.parameters(), ...engine.moments()].map((tensor) => tensor.read()));
  return { metrics, error, engine, weights: tensors.map((values) => [...values]) };
}

const linesOf = async (files: Files): Promise<StepMetrics[]> =>
  (await readText(files, 'metrics.jsonl'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as StepMetrics);
/** What does not depend on time. */
const facts = (metrics: readonly StepMetrics[]) =>
  metrics.map(({ step, loss, gradientNorm, parameterNorm, rate, tokens }) => [
    step,
    loss,
    gradientNorm,
    parameterNorm,
    rate,
    tokens,
  ]);

describe('a run', () => {
  test('learns, and tells of each step', async () => {
    const files = memoryFiles();
    const { metrics, error } = await run({ files, work: { operationsPerToken: 100, peak: 1e12 } });
    expect(error).toBeUndefined();
    expect(metrics.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(metrics[0]!.loss).toBeCloseTo(Math.log(VOCAB), 6);
    expect(metrics.at(-1)!.loss).toBeLessThan(metrics[0]!.loss / 1.2);
    for (const { step, tokens, tokensPerSecond, share, memory, rate } of metrics) {
      expect(tokens).toBe(step * 64);
      expect(share).toBeCloseTo((tokensPerSecond * 100) / 1e12, 20);
      expect([memory, rate]).toEqual([1234, 0.05]);
    }
    expect(await linesOf(files)).toEqual(JSON.parse(JSON.stringify(metrics)));
  });

  test('submits a step before the last one is known', async () => {
    const order: string[] = [];
    const fields = { steps: steps(4), checkpoints: { every: steps(100), keep: 1 } };
    const wanted = recipe(fields);
    const length = runLength(wanted, { context: 64 });
    const data = await prepareData(wanted, {
      data: [dataText(ALPHABET)],
      tokenizer,
      cache: memoryFiles(),
      vocab: VOCAB,
      sequence: 16,
    });
    const submitted: StepSettings[] = [];
    const engine = new BigramEngine({ vocab: VOCAB, submitted });
    for await (const { step } of train({ recipe: wanted, length, data, engine }))
      order.push(`${step} of ${submitted.length}`);
    expect(order).toEqual(['1 of 2', '2 of 3', '3 of 4', '4 of 4']);
  });

  test('computes a batch in parts', async () => {
    const whole = await run();
    const { engine, metrics } = await run({ fields: { accumulation: 3 } });
    expect(engine.parts[0]!.map((part) => part.length)).toEqual([2, 1, 1]);
    expect(whole.engine.parts[0]!.map((part) => part.length)).toEqual([4]);
    expect(facts(metrics)).toEqual(facts(whole.metrics));
  });

  test('evaluates and measures as often as asked', async () => {
    const { metrics } = await run({ fields: { evaluation: { every: steps(8) }, probes: { every: steps(5) } } });
    expect(metrics.flatMap(({ step, evaluation }) => (evaluation ? [step] : []))).toEqual([8, 16, 20]);
    expect(metrics.flatMap(({ step, probes }) => (probes ? [step] : []))).toEqual([5, 10, 15, 20]);
    const { evaluation } = metrics.at(-1)!;
    expect(evaluation!.perplexity).toBeCloseTo(Math.exp(evaluation!.loss), 10);
    expect(evaluation!.bitsPerByte).toBeCloseTo((evaluation!.loss / Math.log(2)) * (1041 / 1040), 10);
  });

  test('mixes sources as the recipe says', async () => {
    const data = { a: [dataText('a'.repeat(500))], b: [dataText('b'.repeat(500))] };
    const mixes: readonly Phase[] = [{ until: 0.5, of: { a: 3, b: 1 } }, { of: { b: 1 } }];
    const { engine } = await run({ data, fields: { mix: { name: 'phases', arguments: { mixes } } } });
    const shares = engine.parts.map((parts) => parts.flat().filter(({ tokens }) => tokens[0] === 1).length);
    expect(shares).toEqual([...Array.from({ length: 10 }, () => 3), ...Array.from({ length: 10 }, () => 0)]);
  });
});

describe('a run that is resumed', () => {
  const dynamic: Partial<TrainingRecipe> = {
    loss_scale: { name: 'dynamic', arguments: {} },
    faults: { not_finite: policy('skip'), spike: policy('skip'), spike_factor: 2 },
    evaluation: { every: steps(3) },
  };
  // Some gradients overflow, so that the scale moves.
  const engine = (submitted: StepSettings[]) => ({
    submitted,
    disturb: ({ lossScale, step }: StepSettings) => (lossScale > 2 ** 14 && step % 3 === 0 ? Infinity : undefined),
  });

  test.each([
    ['after a checkpoint of its own', 5, undefined],
    ['between two', 13, undefined],
    ['by a signal', 8, 'signal'],
  ])('ends in the same bits as an uninterrupted one: %s', async (_, until, how) => {
    const settings: StepSettings[] = [];
    const whole = await run({ fields: dynamic, engine: engine(settings), files: memoryFiles() });
    expect(new Set(settings.map(({ lossScale }) => lossScale)).size).toBeGreaterThan(2);

    const files = memoryFiles();
    const controller = new AbortController();
    const submitted: StepSettings[] = [];
    const options = { fields: dynamic, engine: engine(submitted), files };
    if (how === undefined) await run({ ...options, until });
    else {
      const signal = controller.signal;
      const disturb = (given: StepSettings): number | undefined => {
        if (given.step === until) controller.abort();
        return options.engine.disturb(given);
      };
      const first = await run({ ...options, engine: { submitted, disturb }, signal });
      expect(first.error).toBeUndefined();
      expect(first.metrics.at(-1)).toMatchObject({ step: until, checkpoint: 'step-000008' });
    }
    const saved = await lastCheckpoint(folderIn(files, 'checkpoints'));
    const from = submitted.length;
    const second = await run({ ...options, resume: true });
    expect(second.error).toBeUndefined();
    expect(second.metrics[0]!.step).toBe(saved!.state.step + 1);
    expect(submitted.slice(from)).toEqual(settings.slice(saved!.state.step));
    expect(second.weights).toEqual(whole.weights);
    expect(facts(await linesOf(files))).toEqual(facts(JSON.parse(JSON.stringify(whole.metrics)) as StepMetrics[]));
  });

  test('goes on after it was done, with more steps', async () => {
    const files = memoryFiles();
    await run({ files, fields: { steps: steps(10) } });
    expect((await run({ files, fields: { steps: steps(10) }, resume: true })).metrics).toEqual([]);
    const more = await run({ files, resume: true });
    expect(more.metrics[0]!.step).toBe(11);
    expect(more.weights).toEqual((await run()).weights);
  });

  test('is refused where it is another run', async () => {
    const files = memoryFiles();
    await run({ files });
    expect((await run({ files })).error).toMatchObject({
      code: 'bad-run',
      message: expect.stringMatching(/checkpoint of step 20 already/) as string,
    });
    const { error } = await run({ files, fields: { seed: 8, batch: { value: 2, unit: 'sequences' } }, resume: true });
    expect(error).toMatchObject({ code: 'bad-run' });
    expect((error as TrainingError).items).toEqual(['batch: then 4 sequences, now 2 sequences', 'seed: then 7, now 8']);
    const other = await run({ files, resume: true, data: { '': [dataText('other text '.repeat(99))] } });
    expect((other.error as Error).message).toMatch(/\n {2}data: then [0-9a-f]{32}, 69 sequences, now/);
  });

  test.each<[string, Partial<TrainingRecipe>, string]>([
    ['model', { identity: { model: 'Trigrams', precision: 'f32' } }, 'model: then Bigrams, now Trigrams'],
    [
      'precision',
      { identity: { model: 'Bigrams', precision: 'weights = e4m3', fp8_scale: 'current' } },
      'precision: then f32, now weights = e4m3|fp8_scale: then none, now current',
    ],
    [
      'decay of moments',
      { optimizer: { name: 'AdamW', arguments: { betas: [0.9, 0.99] } } },
      'optimizer: then AdamW(betas = [0.9,0.95]), now AdamW(betas = [0.9,0.99])',
    ],
    [
      'optimizer',
      { optimizer: { name: 'SGD', arguments: { momentum: 0.9, nesterov: false } } },
      'optimizer: then AdamW(betas = [0.9,0.95]), now SGD(momentum = 0.9)',
    ],
  ])('is refused with another %s', async (_, fields, expected) => {
    const files = memoryFiles();
    await run({ files, fields: { steps: steps(10) } });
    const { error, metrics } = await run({ files, fields, resume: true });
    expect(metrics).toEqual([]);
    expect(error).toMatchObject({ code: 'bad-run', items: expected.split('|') });
  });

  test('may have another rate, schedule, decay, scale of the loss, and other things to do on the way', async () => {
    const files = memoryFiles();
    await run({ files, fields: { steps: steps(10), loss_scale: { name: 'dynamic', arguments: {} } } });
    const fields: Partial<TrainingRecipe> = {
      rate: 0.01,
      schedule: { name: 'linear', arguments: { floor: 0 } },
      warmup: steps(2),
      optimizer: { name: 'AdamW', arguments: { betas: [0.9, 0.95], eps: 1e-6, weight_decay: 1 } },
      loss_scale: 8,
      accumulation: 2,
      checkpoints: { every: steps(6), keep: 1 },
      faults: { not_finite: policy('skip'), spike: policy('back'), spike_factor: 3 },
      probes: { every: steps(5) },
    };
    const { error, metrics } = await run({ files, fields, resume: true });
    expect(error).toBeUndefined();
    expect(metrics.map(({ step, lossScale }) => [step, lossScale])).toEqual(
      Array.from({ length: 10 }, (_, i) => [i + 11, 8]),
    );
    expect(metrics[0]!.rate).toBeCloseTo((0.01 * 9) / 18, 12);
  });

  test('leaves half a checkpoint and half a line aside', async () => {
    const contents = new Map<string, Uint8Array>();
    const files = memoryFiles(contents);
    await run({ files, fields: { checkpoints: { every: steps(5), keep: 9 } }, until: 13 });
    const text = (path: string, value: string) => contents.set(path, new TextEncoder().encode(value));
    const cut = (path: string) => contents.set(path, contents.get(path)!.subarray(0, 100));
    cut('checkpoints/step-000010/model.safetensors');
    text('checkpoints/step-000011.partial/model.safetensors', 'x');
    text('checkpoints/step-000012/training.json', '{"format": 1, "st');
    const lines = new TextDecoder().decode(contents.get('metrics.jsonl'));
    text('metrics.jsonl', `${lines}{"step": 14, "lo`);
    const { metrics, weights } = await run({ files, resume: true });
    expect(metrics[0]!.step).toBe(6);
    expect(weights).toEqual((await run()).weights);
    expect((await linesOf(files)).map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(await files.list('checkpoints')).toEqual([
      { name: 'step-000015', kind: 'folder' },
      { name: 'step-000020', kind: 'folder' },
    ]);
  });
});

describe('checkpoints', () => {
  test('hold weights by the names of a map, in the order of their parts', async () => {
    const files = memoryFiles();
    const map = [{ name: 'model.table.weight', shape: [VOCAB, VOCAB], parts: ['table.a', 'table.b'] }];
    const extra = { 'config.json': '{}' };
    const { weights } = await run({ files, checkpoint: { map, extra } });
    const folder = folderIn(files, 'checkpoints/step-000020');
    expect((await folder.list('')).map(({ name }) => name)).toEqual([
      'config.json',
      'model.safetensors',
      'optimizer.safetensors',
      'training.json',
    ]);
    const source = await folder.open('model.safetensors');
    const { tensors, metadata } = await readSafetensors(source);
    expect([...metadata]).toEqual([['format', 'pt']]);
    const { offset, bytes, shape } = tensors.get('model.table.weight')!;
    expect(shape).toEqual([VOCAB, VOCAB]);
    const values = new Float32Array((await source.read(offset, bytes)).slice().buffer);
    expect([...values]).toEqual([...weights[0]!, ...weights[1]!]);
    // And they are read back the same way.
    const resumed = await run({ files, checkpoint: { map }, resume: true });
    expect(resumed.weights).toEqual(weights);
  });

  test('are kept although damaged ones of later steps are there', async () => {
    const contents = new Map<string, Uint8Array>();
    const files = memoryFiles(contents);
    const fields = { checkpoints: { every: steps(2), keep: 2 } };
    await run({ files, fields });
    for (const step of ['018', '020']) contents.set(`checkpoints/step-000${step}/model.safetensors`, new Uint8Array(9));
    const { metrics } = await run({ files, fields, resume: true, until: 7 });
    expect(metrics[0]!.step).toBe(1);
    expect((await lastCheckpoint(folderIn(files, 'checkpoints')))!.name).toBe('step-000006');
  });

  test('are written as often as asked, and the last ones kept', async () => {
    const files = memoryFiles();
    const { metrics } = await run({ files, fields: { checkpoints: { every: steps(6), keep: 3 } } });
    expect(metrics.flatMap(({ checkpoint }) => (checkpoint ? [checkpoint] : []))).toEqual([
      'step-000006',
      'step-000012',
      'step-000018',
      'step-000020',
    ]);
    expect((await files.list('checkpoints')).map(({ name }) => name)).toEqual([
      'step-000012',
      'step-000018',
      'step-000020',
    ]);
  });

  test('a full disk ends the run, and the last one stays', async () => {
    const contents = new Map<string, Uint8Array>();
    const inner = memoryFiles(contents, 'run');
    let room = Infinity;
    const full: Files = {
      ...inner,
      create: async (path) => {
        const writer = await inner.create(path);
        return {
          ...writer,
          write: (bytes) => {
            room -= bytes.byteLength;
            if (room < 0) return Promise.reject(new TrainingError('storage-full', `${path}: no room.`));
            return writer.write(bytes);
          },
        };
      },
    };
    const disturb = ({ step }: StepSettings): undefined => {
      if (step === 8) room = 8000;
    };
    const { error, metrics } = await run({ files: full, engine: { disturb } });
    expect(error).toMatchObject({ code: 'storage-full' });
    expect((error as Error).message).toMatch(/checkpoint of step 10 could not be written.*step 5 is whole/);
    expect(metrics.at(-1)!.step).toBe(9);
    expect([...contents.keys()].filter((path) => path.includes('partial'))).toEqual([]);
    room = Infinity;
    const resumed = await run({ files: full, resume: true });
    expect(resumed.weights).toEqual((await run()).weights);
  });
});

describe('faults', () => {
  const faults = (name: 'stop' | 'skip' | 'back') => ({ not_finite: policy(name), spike: null, spike_factor: 2 });
  const badAt = (...bad: number[]) => ({ disturb: ({ step }: StepSettings) => (bad.includes(step) ? NaN : undefined) });

  test('stop ends the run and says so', async () => {
    const files = memoryFiles();
    const { error, metrics } = await run({ files, fields: { faults: faults('stop') }, engine: badAt(8) });
    expect(error).toMatchObject({
      code: 'not-finite',
      message: expect.stringMatching(/Step 8: the loss is NaN.*The last checkpoint, of step 5/) as string,
    });
    expect(metrics.length).toBe(7);
    expect((await linesOf(files)).at(-1)).toMatchObject({
      step: 8,
      loss: null,
      applied: false,
      fault: { kind: 'not_finite', policy: 'stop' },
    });
  });

  test('skip leaves the step out', async () => {
    const { metrics, error } = await run({ fields: { faults: faults('skip') }, engine: badAt(8, 9) });
    expect(error).toBeUndefined();
    expect(metrics.filter(({ applied }) => !applied).map(({ step }) => step)).toEqual([8, 9]);
    expect(metrics[7]!.fault!.message).toMatch(/Step 8: .* The step was left out\./);
    expect(metrics[8]!.parameterNorm).toBe(metrics[7]!.parameterNorm);
    const all = await run({ fields: { faults: faults('skip') }, engine: { disturb: () => NaN } });
    expect(all.error).toMatchObject({ message: expect.stringMatching(/so 11 times in a row/) as string });
  });

  test('back goes on from the last checkpoint, with other data', async () => {
    let times = 0;
    const disturb = ({ step }: StepSettings): number | undefined => (step === 8 && times++ === 0 ? NaN : undefined);
    const files = memoryFiles();
    const { metrics, engine, error } = await run({ files, fields: { faults: faults('back') }, engine: { disturb } });
    expect(error).toBeUndefined();
    expect(metrics.map(({ step }) => step)).toEqual([
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      6,
      7,
      8,
      ...Array.from({ length: 12 }, (_, i) => i + 9),
    ]);
    expect(metrics[7]!.fault).toMatchObject({
      policy: 'back',
      message: expect.stringMatching(/Back to step 5/) as string,
    });
    // Weights are those after step 5 again; what was computed then has not been seen before.
    expect(metrics[8]!.parameterNorm).toBe(metrics[5]!.parameterNorm);
    const first = (i: number): string =>
      JSON.stringify(engine.parts[i]!.flat().map(({ tokens }) => Array.from(tokens)));
    expect(first(9)).not.toBe(first(5));
    const none = await run({ fields: { faults: faults('back') }, engine: badAt(3), files: memoryFiles() });
    expect(none.error).toMatchObject({ message: expect.stringMatching(/no checkpoint to go back to/) as string });
    const over = await run({ fields: { faults: faults('back') }, engine: badAt(8), files: memoryFiles() });
    expect(over.error).toMatchObject({ message: expect.stringMatching(/Going back 3 times did not help/) as string });
  });

  test('a spike is left out by the engine', async () => {
    const spike = { not_finite: policy('stop'), spike: policy('skip'), spike_factor: 2 };
    const disturb = ({ step }: StepSettings): number | undefined => (step === 30 ? 5 : undefined);
    const submitted: StepSettings[] = [];
    const { metrics } = await run({ fields: { faults: spike, steps: steps(40) }, engine: { disturb, submitted } });
    expect(metrics.filter(({ fault }) => fault).map(({ step, applied }) => [step, applied])).toEqual([[30, false]]);
    expect(metrics[29]!.fault).toMatchObject({
      kind: 'spike',
      message: expect.stringMatching(/is a spike, over .* The step was left out/) as string,
    });
    expect(submitted[20]!.lossLimit).toBeUndefined();
    // Steps 1 to 20 are known when step 22 is submitted.
    const mean = metrics.slice(0, 20).reduce((sum, { loss }) => sum + loss, 0) / 20;
    expect(submitted[21]!.lossLimit).toBeCloseTo(2 * mean, 10);
  });
});

test('parallel runs do not meet', async () => {
  const files = memoryFiles();
  const runs = await Promise.all(
    [1, 2].map((seed) => run({ files: folderIn(files, `run-${seed}`), fields: { seed } })),
  );
  expect(facts(runs[0]!.metrics)).not.toEqual(facts(runs[1]!.metrics));
  expect(runs[0]!.weights).toEqual((await run({ fields: { seed: 1 } })).weights);
});
