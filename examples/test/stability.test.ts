/** The stability study's own logic, on outcomes and curves made up for it; and the report of what it found. */
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { HOPELESS, isHopeless, PATIENCE, RISE, SHARE_OF_TABLE, verdict } from '../stability/criterion.mjs';
import { LADDER, readTexts } from '../stability/design.mjs';
import { METHODS, QUICK, SEEDS } from '../stability/methods.mjs';
import type { GrowthRun } from '../stability/report.mjs';
import { writeReport } from '../stability/report.mjs';
import { Results } from '../stability/results.mjs';
import type { RunResult } from '../stability/results.mjs';
import { runsLeft, search } from '../stability/search.mjs';
import { summarize } from '../stability/summary.mjs';
import { readRecipe } from '../stability/workbench.mjs';

const folder = mkdtempSync(join(tmpdir(), 'hyb-stability-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('bisection', () => {
  /** Searches a ladder of which rungs up to `answer` converge. */
  function find(rungs: number, answer: number, guess?: number): { readonly largest: number; readonly asked: number[] } {
    const outcomes = new Map<number, boolean>();
    const asked: number[] = [];
    for (;;) {
      const { largest, next } = search(outcomes, rungs, guess);
      expect(runsLeft(outcomes, rungs, guess) > 0).toBe(next !== undefined);
      if (next === undefined) return { largest, asked };
      expect(asked).not.toContain(next);
      asked.push(next);
      outcomes.set(next, next <= answer);
    }
  }

  const ladder = fc
    .integer({ min: 1, max: 40 })
    .chain((rungs) => fc.tuple(fc.constant(rungs), fc.integer({ min: -1, max: rungs - 1 })));

  test('finds the answer in as many runs as halving takes', () => {
    fc.assert(
      fc.property(ladder, ([rungs, answer]) => {
        const { largest, asked } = find(rungs, answer);
        expect(largest).toBe(answer);
        expect(asked.length).toBeLessThanOrEqual(Math.ceil(Math.log2(rungs + 1)));
      }),
    );
  });

  test('a guess changes the way and not the answer, and a good one takes two runs', () => {
    fc.assert(
      fc.property(ladder, fc.nat(39), ([rungs, answer], guess) => {
        expect(find(rungs, answer, guess % rungs).largest).toBe(answer);
        if (answer >= 0) expect(find(rungs, answer, answer).asked.length).toBeLessThanOrEqual(2);
      }),
    );
  });

  test('where outcomes contradict each other, the lowest that diverged counts', () => {
    const outcomes = new Map([
      [2, true],
      [3, false],
      [7, true],
    ]);
    expect(search(outcomes, 13)).toEqual({ largest: 2 });
  });
});

describe('criterion', () => {
  const table = 3.1;
  const falling = Array.from({ length: 150 }, (_, i) => 2.4 + 3 * Math.exp(-i / 15));
  const whole = { losses: falling, steps: 150, finite: true, heldOut: 2.5, table };

  test('a loss that falls and stays under the table converges', () => {
    expect(verdict(whole)).toEqual({ converged: true });
  });

  test.each([
    ['not finite', { ...whole, losses: falling.slice(0, 40), finite: false, heldOut: undefined }],
    ['loss out of sight', { ...whole, losses: falling.slice(0, 40), heldOut: undefined }],
    ['loss rose again', { ...whole, losses: falling.map((loss, i) => (i < 100 ? loss : loss + RISE + 0.2)) }],
    ['no better than a table of bytes', { ...whole, heldOut: SHARE_OF_TABLE * table }],
    ['no better than a table of bytes', { ...whole, heldOut: NaN }],
  ])('%s', (reason, curve) => {
    expect(verdict(curve)).toEqual({ converged: false, reason });
  });

  test('a run is given up when its losses stay far over knowing nothing, and not for one of them', () => {
    const over = HOPELESS * Math.log(257) + 0.01;
    expect(
      isHopeless(
        Array.from({ length: PATIENCE }, () => over),
        257,
      ),
    ).toBe(true);
    expect(
      isHopeless(
        Array.from({ length: PATIENCE - 1 }, () => over),
        257,
      ),
    ).toBe(false);
    expect(isHopeless([...falling.slice(0, 30), over], 257)).toBe(false);
  });
});

describe('results', () => {
  const made = (rung: number, converged: boolean): RunResult => ({
    ...{ method: 'baseline', seed: 1, rung, rate: LADDER[rung]!, converged },
    ...{ steps: 150, heldOut: 2.5, losses: [5, 3], seconds: 1 },
  });

  test('a study that was killed goes on from its whole lines', () => {
    const path = join(folder, 'killed.jsonl');
    const first = new Results(path, 'design');
    first.add(made(6, false));
    first.add(made(2, true));
    appendFileSync(path, '{"method":"baseline","seed":1,"ru');
    const second = new Results(path, 'design');
    second.add(made(4, true));
    const third = new Results(path, 'design');
    expect(third.runs).toEqual([made(6, false), made(2, true), made(4, true)]);
    expect(search(third.outcomes('baseline', 1), LADDER.length)).toEqual({ largest: 4, next: 5 });
    expect(third.outcomes('baseline', 2).size).toBe(0);
  });

  test('those of another design are refused', () => {
    const path = join(folder, 'other.jsonl');
    new Results(path, 'design').add(made(6, false));
    expect(() => new Results(path, 'changed')).toThrow('another design');
  });
});

test('every method has a recipe, and all of them are one recipe of different models', () => {
  const recipes = METHODS.map(({ recipe }) => readRecipe(recipe));
  const fields = recipes.map(({ name: _, model: _model, span: _span, doc: _doc, ...rest }) => rest);
  for (const each of fields) expect(each).toEqual(fields[0]);
  expect(new Set(recipes.map(({ model }) => model!.name)).size).toBe(10);
  expect(METHODS.map(({ name }) => name)).toEqual(expect.arrayContaining([...QUICK]));
});

describe('the recorded study', () => {
  const recorded = fileURLToPath(new URL('../stability/results', import.meta.url));
  const lines = (file: string): unknown[] =>
    readFileSync(join(recorded, file), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line): unknown => JSON.parse(line));
  const runs = lines('results.jsonl') as RunResult[];
  const growth = lines('growth.jsonl') as GrowthRun[];

  test('its report is current', async () => {
    cpSync(join(recorded, 'conditions.json'), join(folder, 'conditions.json'));
    await writeReport(folder, runs, growth);
    const both = (file: string): readonly string[] =>
      [folder, recorded].map((place) => readFileSync(join(place, file), 'utf8'));
    // The page has a library in it, which may get younger.
    const curves = both('report.html').map((page) => /id="data">(.*)<\/script>/.exec(page)![1]!);
    for (const [made, kept] of [both('report.md'), both('growth.svg'), curves]) expect(made === kept).toBe(true);
  });

  test('what was judged follows from the recorded losses', async () => {
    const { table } = await readTexts(folder);
    for (const { losses, steps, heldOut, converged, reason } of runs) {
      if (reason === 'not finite') continue;
      expect(verdict({ losses, steps: 150, finite: true, heldOut: heldOut ?? undefined, table })).toEqual(
        reason === undefined ? { converged } : { converged, reason },
      );
      expect(losses.length).toBe(steps);
    }
  });

  test('a report of part of it says what was not run', async () => {
    const part = runs.filter(({ method, seed }) => method === 'baseline' && seed === SEEDS[0]);
    const page = readFileSync(await writeReport(folder, part, []), 'utf8');
    expect(page).toContain('baseline with seed 2');
    expect(page).toContain('QK_norm_cap');
    expect(page).not.toContain('growth.svg');
    expect(summarize(part)).toMatchObject([{ method: 'baseline', seeds: [{ seed: 1 }, { seed: 2 }, { seed: 3 }] }]);
  });
});
