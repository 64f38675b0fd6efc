import { promisify } from 'node:util';
import { gpu } from '@hyb/adapter';
import { pollGently, realmOf } from '../src/polling.js';
import type { Realm } from '../src/polling.js';

/** A realm whose clock is set by hand, and that remembers how callbacks were scheduled. */
function fakeRealm() {
  const scheduled: { how: 'at once' | number; run: () => void }[] = [];
  const clock = { now: 0 };
  const realm = {
    setImmediate: (callback: (...args: unknown[]) => void, ...args: unknown[]) =>
      scheduled.push({ how: 'at once', run: () => callback(...args) }),
    setTimeout: (callback: () => void, delay: number) => scheduled.push({ how: delay, run: callback }),
    performance: { now: () => clock.now },
  } as unknown as Realm;
  pollGently(realm);
  return { realm, scheduled, clock };
}

/** Functions made by `bind` look as those of an addon do. */
const native = (work: () => void): (() => void) => work.bind(undefined);

test('an addon that asks again and again is slowed down', () => {
  const { realm, scheduled, clock } = fakeRealm();
  let asked = 0;
  const ask = native(() => {
    asked++;
    if (asked < 6) realm.setImmediate(ask);
  });
  realm.setImmediate(ask);
  while (scheduled.length > asked) {
    scheduled[asked]!.run();
    clock.now += 0.7;
  }
  expect(scheduled.map(({ how }) => how)).toEqual(['at once', 'at once', 'at once', 'at once', 1, 1]);
  // What is waited for next is asked for at once again.
  clock.now += 100;
  realm.setImmediate(ask);
  expect(scheduled[6]!.how).toBe('at once');
});

test('callbacks of programs come at once, with their arguments', () => {
  const { realm, scheduled, clock } = fakeRealm();
  const got: unknown[] = [];
  realm.setImmediate((a: number, b: string) => got.push(a, b), 1, 'two');
  clock.now = 1000;
  realm.setImmediate(() => got.push(3));
  for (const { run } of scheduled) run();
  expect(scheduled.map(({ how }) => how)).toEqual(['at once', 'at once']);
  expect(got).toEqual([1, 'two', 3]);
});

test('the form of setImmediate for promises stays', async () => {
  const instance = await gpu();
  expect(await instance.requestAdapter()).not.toBeNull();
  const realm = realmOf(Array);
  expect(await promisify(realm.setImmediate)('value')).toBe('value');
});
