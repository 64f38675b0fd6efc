/**
 * A package that trains, as a user has it: built by `hyb build --train`, packed by npm, installed outside the repository,
 * type-checked and bundled there, and trained in Node and Chromium to what `hyb train` comes to. Needs `npm run build`.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StepMetrics } from '@hyb/runtime';
import { hyb } from '../cli/test/support/hyb.js';
import { CHECKPOINT_FILES, TEXT, TINY, writeTraining } from '../cli/test/support/training.js';
import { installConsumer } from './support/consumer.js';
import type { Consumer } from './support/consumer.js';
import { environments, type EnvironmentName } from './support/environments.js';

/** The run is aborted after this step, when the next one is on its way. */
const LEAVE = 2;

type Outcome = readonly [step: number, loss: number, heldOut: number | null];
/** What the consumer's module, which is no part of this project, tells. */
interface Trained {
  readonly recipe: string;
  readonly whole: readonly Outcome[];
  readonly resumed: readonly Outcome[];
  readonly checkpoint: readonly string[];
  readonly logits: readonly [number[], number[]];
  readonly tuned: readonly number[];
}

let folder: string;
let consumer: Consumer;
let bundled: string;
/** Of `hyb train`. */
let expected: readonly Outcome[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyb-trains-'));
  await writeTraining(folder, TINY.replace('[M F A]', '[M F]'));
  const built = await hyb(['build', 'model.hyb', '--train', '--package', 'tiny', '-o', 'tiny'], { cwd: folder });
  expect({ code: built.code, err: built.err }).toEqual({ code: 0, err: expect.any(String) as string });
  const files = new Map<string, string>();
  for (const file of await readdir(join(folder, 'tiny'), { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    files.set(path.slice(join(folder, 'tiny').length + 1), await readFile(path, 'utf8'));
  }
  consumer = await installConsumer(new Map([['tiny', files]]), 'tests/consumer/train.ts');
  bundled = await consumer.bundle();
  const { code, out } = await hyb(['train', 'model.hyb', '--json', '--sample', '0'], { cwd: folder });
  expect(code).toBe(0);
  expected = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as StepMetrics)
    .map(({ step, loss, evaluation }) => [step, loss, evaluation?.loss ?? null]);
}, 300_000);

afterAll(async () => {
  await consumer?.remove();
  await rm(folder, { recursive: true, force: true });
});

test('it type-checks against its declarations, strictly, and needs the runtime alone', async () => {
  expect(await readdir(join(consumer.folder, 'node_modules/@hyb'))).toEqual(['runtime']);
  await consumer.typeCheck();
}, 120_000);

test.each(['node', 'chromium'] as const satisfies EnvironmentName[])(
  'it trains in %s, goes on where it was left, and generates from what it has learnt',
  async (name) => {
    const environment = await environments[name]();
    const args = { text: TEXT, folder: join(folder, 'run'), leave: LEAVE };
    const trained = await environment
      .runBundle<Trained>(bundled, { args, timeout: 400_000 })
      .finally(() => environment.close());
    expect(trained.recipe).toBe('Run');
    expect(trained.whole.map(([step]) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    if (name === 'node') expect(trained.whole).toEqual(expected);
    // Another build of the adapter, so that sums may be rounded otherwise; Adam's first steps look at signs alone.
    else trained.whole.forEach(([, loss], i) => expect(Math.abs(loss - expected[i]![1])).toBeLessThan(1e-4));
    expect(trained.resumed).toEqual(trained.whole);
    expect(trained.checkpoint).toEqual(CHECKPOINT_FILES);
    expect(trained.logits[0]).toHaveLength(260);
    expect(trained.logits[1]).toEqual(trained.logits[0]);
    // It began where the other run ended, not with weights of its own.
    expect(trained.tuned).toHaveLength(3);
    for (const loss of trained.tuned) expect(loss).toBeLessThan(trained.whole[0]![1] - 0.2);
  },
  420_000,
);

test('its checkpoint is what `hyb train` writes, byte for byte', async () => {
  const [own, theirs] = ['run', 'runs/Run'].map((run) => join(folder, run, 'checkpoints/step-000008'));
  for (const file of await readdir(theirs!, { recursive: true, withFileTypes: true })) {
    // How long it took is in `training.json`.
    if (!file.isFile() || file.name === 'training.json') continue;
    const path = join(file.parentPath, file.name);
    expect([path, (await readFile(path.replace(theirs!, own!))).equals(await readFile(path))]).toEqual([path, true]);
  }
});
