/** The study of fp8 in small: what its recipe says, steps of it, and its report. The study itself is run by hand. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installTestedGPU } from '../compiler/test/support/tested-adapter.js';
import { root } from './support/bundle.js';

interface Run {
  readonly recipe: string;
  readonly seed: number;
  readonly losses: readonly number[];
  readonly heldOut: readonly number[];
  readonly inBf16: readonly number[];
}
interface Design {
  readonly share: number;
  readonly steps: number;
}
interface Results {
  readonly design: Design;
  readonly conditions: object;
  readonly summary: object;
  readonly runs: readonly Run[];
}
interface Workbench {
  run(seed: number, onStep: (loss: number) => void): Promise<readonly number[]>;
  evaluate(): Promise<readonly number[]>;
  close(): Promise<void>;
}
interface Modules {
  readonly workbench: {
    readonly describe: (recipe: string, steps?: number) => Design;
    readonly openWorkbench: (recipe: string, texts: object, steps: number) => Promise<Workbench>;
  };
  readonly summary: { readonly summarize: (runs: readonly Run[]) => object };
  readonly report: { readonly writeReport: (folder: string, results: Results) => Promise<void> };
}

/** One more than the recipe's warm-up. */
const STEPS = 11;

const study = async <K extends keyof Modules>(name: K): Promise<Modules[K]> =>
  (await import(join(root, `examples/fp8/${name}.mjs`))) as Modules[K];

test('at least 70 % of the linear layers’ operations are in fp8, and a few steps of it learn', async () => {
  const { describe: designOf, openWorkbench } = await study('workbench');
  const design = designOf('Fp8');
  expect(design.share).toBeGreaterThanOrEqual(0.7);
  const report = await readFile(join(root, 'examples/fp8/report.md'), 'utf8');
  expect(report).toContain(`in fp8 | ${(100 * design.share).toFixed(1)} % of the layers' linear maps`);
  await installTestedGPU();
  const text = 'the whale and the sea, the sea and the ship; ';
  const bench = await openWorkbench('Fp8', { training: text.repeat(120), heldOut: text.repeat(8) }, STEPS);
  try {
    const losses = await bench.run(1, () => undefined);
    expect(losses).toHaveLength(STEPS);
    // Every byte about as likely as any other, and then no longer.
    expect(losses[0]).toBeCloseTo(Math.log(257), 0);
    const heldOut = await bench.evaluate();
    for (const loss of heldOut) expect(loss).toBeLessThan(losses[0]! - 0.5);
  } finally {
    await bench.close();
  }
});

test('the committed report is what comes of the committed runs', async () => {
  const results = JSON.parse(await readFile(join(root, 'examples/fp8/results.json'), 'utf8')) as Results;
  const { summarize } = await study('summary');
  expect(JSON.parse(JSON.stringify(summarize(results.runs)))).toEqual(results.summary);
  const { writeReport } = await study('report');
  const folder = await mkdtemp(join(tmpdir(), 'hyb-fp8-'));
  try {
    await writeReport(folder, results);
    const made = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');
    expect(await made('report.md')).toBe(await readFile(join(root, 'examples/fp8/report.md'), 'utf8'));
    expect(await made('report.html')).toContain('<h1>fp8 beside bf16</h1>');
  } finally {
    await rm(folder, { recursive: true });
  }
});
