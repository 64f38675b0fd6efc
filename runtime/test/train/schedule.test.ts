import { clock } from '../../src/train/run/intervals.js';
import { runLength } from '../../src/train/run/length.js';
import { learningRate } from '../../src/train/run/schedule.js';
import type { Schedule } from '../../src/train/recipe.js';
import { recipe } from '../support/recipe.js';

const steps = (value: number) => ({ value, unit: 'steps' }) as const;
const tokens = (value: number) => ({ value, unit: 'tokens' }) as const;
const length = { steps: 100, tokensPerStep: 1000 };

function rates(
  schedule: Schedule,
  at: readonly number[],
  warmup: { value: number; unit: 'steps' | 'tokens' } = steps(10),
): number[] {
  return at.map((step) => learningRate({ rate: 2, schedule, warmup }, length, step));
}

describe('the learning rate', () => {
  test('rises over the warm-up, in steps or tokens', () => {
    const constant: Schedule = { name: 'constant', arguments: {} };
    expect(rates(constant, [1, 5, 10, 11, 100])).toEqual([0.2, 1, 2, 2, 2]);
    expect(rates(constant, [1, 4, 5, 100], tokens(5000))).toEqual([0.4, 1.6, 2, 2]);
    expect(rates(constant, [1], steps(0))).toEqual([2]);
  });
  test('cosine', () => {
    // Half way from step 10 to step 100, a third of the way, and at the end.
    const found = rates({ name: 'cosine', arguments: { floor: 0.1 } }, [10, 40, 55, 100]);
    [2, 2 * (0.1 + 0.9 * 0.75), 2 * 0.55, 0.2].forEach((rate, i) => expect(found[i]).toBeCloseTo(rate, 14));
  });
  test('linear', () => {
    const found = rates({ name: 'linear', arguments: { floor: 0 } }, [10, 40, 100]);
    [2, 4 / 3, 0].forEach((rate, i) => expect(found[i]).toBeCloseTo(rate, 14));
  });
  test.each([
    ['linear', 2 * 0.75],
    ['cosine', 1 + Math.SQRT1_2],
    ['sqrt', 1],
  ] as const)('wsd with a decay of the shape %s', (name, quarter) => {
    const wsd = (decay: number | { value: number; unit: 'steps' | 'tokens' }): Schedule => ({
      name: 'wsd',
      arguments: { decay, floor: 0, shape: { name, arguments: {} } },
    });
    for (const decay of [0.2, steps(20), tokens(20_000)]) {
      const found = rates(wsd(decay), [10, 79, 80, 85, 100]);
      [2, 2, 2, quarter, 0].forEach((rate, i) => expect(found[i]).toBeCloseTo(rate, 14));
    }
  });
});

describe('the length of a run', () => {
  test('in tokens and in sequences', () => {
    const given = { sequence: tokens(128), batch: tokens(1000), steps: undefined, tokens: tokens(10_000) };
    const found = runLength(recipe(given), { context: 512 });
    expect(found).toEqual({ sequence: 128, batch: 7, parts: 1, steps: 12, tokensPerStep: 896 });
  });
  test('parts are what fits, or what the recipe says', () => {
    const given = { sequence: tokens(128), batch: { value: 10, unit: 'sequences' } as const };
    expect(runLength(recipe(given), { context: 512, partTokens: 400 }).parts).toBe(4);
    expect(runLength(recipe({ ...given, accumulation: 5 }), { context: 512, partTokens: 400 }).parts).toBe(5);
    expect(() => runLength(recipe({ ...given, accumulation: 11 }), { context: 512 })).toThrow(
      'A batch of 10 sequences cannot be computed in 11 parts: parts are whole sequences.',
    );
    expect(() => runLength(recipe(given), { context: 100 })).toThrow(/context of 100/);
  });
  test('sizes that do not go together are said', () => {
    const base = { sequence: tokens(10), batch: { value: 2, unit: 'sequences' }, steps: steps(5) } as const;
    const with_ = (changes: Parameters<typeof recipe>[0]) => () =>
      runLength(recipe({ ...base, ...changes }), { context: 64 });
    expect(with_({})).not.toThrow();
    expect(with_({ batch: { value: 9, unit: 'tokens' } })).toThrow('9 tokens is less than one of 10 tokens');
    expect(with_({ batch: { value: 1e12, unit: 'sequences' } })).toThrow('more than 1048576');
    expect(with_({ warmup: tokens(100) })).toThrow('The warm-up of 100 tokens is not shorter than the run of 5 steps');
    expect(with_({ warmup: tokens(99) })).not.toThrow();
    const shape = { name: 'linear', arguments: {} } as const;
    const wsd = (decay: number) => ({ name: 'wsd', arguments: { decay: steps(decay), floor: 0, shape } }) as const;
    expect(with_({ schedule: wsd(6) })).toThrow('The decay of 6 steps does not fit');
    expect(with_({ schedule: wsd(4), warmup: steps(2) })).toThrow('does not fit after the warm-up');
    expect(with_({ schedule: wsd(4), warmup: steps(1) })).not.toThrow();
  });
});

test('what happens every so often', () => {
  let time = 0;
  const due = (interval: Parameters<typeof clock>[0]): number[] => {
    const each = clock(interval, length, () => time);
    return [1, 2, 3, 4, 5, 6].filter((step) => {
      time += 400;
      return each.due(step);
    });
  };
  expect(due(steps(3))).toEqual([3, 6]);
  expect(due(tokens(2000))).toEqual([2, 4, 6]);
  expect(due(tokens(10))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(due({ value: 1, unit: 'seconds' })).toEqual([3, 6]);
  expect(due(undefined)).toEqual([]);
});
