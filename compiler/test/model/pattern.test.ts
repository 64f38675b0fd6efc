import fc from 'fast-check';
import { compressPattern, expandParts, findPattern, patternCost, rareName } from '../../src/model/pattern.js';
import type { PatternPart } from '../../src/model/pattern.js';
import { PATTERNS, layersOf } from '../support/patterns.js';

test.each([
  ['8B', '[(M F)*3, M A F, ((M F)*4, M A F)*3, (M F)*5]'],
  ['56B', '[(M F)*3, M A F, ((M F)*4, M A F)*9, (M F)*5]'],
  ['47B', '[(M F)*8, M A F, (M F)*5, ((M F)*4, M A F)*3, (M F)*7, F F M M, F*3, M F M A F, (M F)*5]'],
  ['Nano-9B-v2', '[(M F)*3, M M F, ((M F)*2, M A F)*2, ((M F)*3, M A F)*2, M F M, (M F)*6]'],
  ['Nano-12B-v2', '[((M F)*3, M A F)*6, (M F)*4]'],
] as const)('%s as a person would write it', (name, expected) => {
  const layers = layersOf(PATTERNS[name]);
  expect(compressPattern(layers)).toBe(expected);
  expect(expandParts(findPattern(layers))).toEqual(layers);
});

test('other architectures', () => {
  expect(compressPattern(Array.from({ length: 64 }, () => 'M'))).toBe('[M*64]');
  expect(compressPattern(Array.from({ length: 32 }, () => ['A', 'F']).flat())).toBe('[(A F)*32]');
  expect(compressPattern(['M'])).toBe('[M]');
  expect(compressPattern([])).toBe('[]');
});

test('expands back to what it was made of', () => {
  const names = fc.array(fc.constantFrom('M', 'A', 'F', 'Mixer_2'), { minLength: 1, maxLength: 60 });
  fc.assert(fc.property(names, (list) => expect(expandParts(findPattern(list))).toEqual(list)));
});

test('long patterns are compressed too, if less well', () => {
  const list = Array.from({ length: 1000 }, (_, i) => ['M', 'F', ...(i % 5 === 3 ? ['A', 'F'] : [])]).flat();
  const parts = findPattern(list);
  expect(expandParts(parts)).toEqual(list);
  expect(patternCost(parts)).toBeLessThan(list.length / 2);
});

test('no description by the same rules is shorter', () => {
  const names = fc.array(fc.constantFrom('M', 'A', 'F'), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(names, (list) => expect(patternCost(findPattern(list))).toBe(cheapest(list))),
    { numRuns: 300 },
  );
});

/** Tries every description of every run: runs are cut in all ways, and every group that is allowed is repeated. */
function cheapest(names: readonly string[]): number {
  const rare = rareName(names);
  const last = names.at(-1)!;
  const allowed = (group: readonly string[]): boolean => {
    if (group.length === 1) return true;
    if (group.at(-1) !== last) return false;
    const lastPhrase = group.slice(group.lastIndexOf(last, -2) + 1);
    return rare === undefined || !group.includes(rare) || lastPhrase.includes(rare);
  };
  const memo = new Map<string, number>();
  const cost = (run: readonly string[]): number => {
    if (run.length === 0) return 0;
    const key = run.join(' ');
    const known = memo.get(key);
    if (known !== undefined) return known;
    let best = 1 + cost(run.slice(1));
    for (let period = 1; period * 2 <= run.length; period++) {
      const group = run.slice(0, period);
      if (!allowed(group)) continue;
      for (let count = 2; count * period <= run.length; count++) {
        if (run.slice((count - 1) * period, count * period).some((name, i) => name !== group[i])) break;
        best = Math.min(best, cost(group) + 1.5 + cost(run.slice(count * period)));
      }
    }
    memo.set(key, best);
    return best;
  };
  return cost(names);
}

test('the cost counts names and repetitions', () => {
  const parts: readonly PatternPart[] = [{ repeat: [{ name: 'M' }, { name: 'F' }], count: 3 }, { name: 'A' }];
  expect(patternCost(parts)).toBe(4.5);
});
