/**
 * While something is awaited Dawn for Node asks its devices for news in every turn of the event loop, which keeps a core
 * busy. On a software adapter that core should compute: there it asks in every turn for two milliseconds only, and then once
 * a millisecond.
 */
const EAGER = 2;
const PAUSE = 1;

/** The globals that the addon calls. */
export type Realm = Pick<typeof globalThis, 'setImmediate' | 'setTimeout'> & {
  readonly performance: { now(): number };
};

/** Globals of the realm that a function is from: those of jest's sandboxes are not those of the addon. */
export function realmOf(fn: object): Realm {
  return (fn.constructor as FunctionConstructor)('return globalThis')() as Realm;
}

export function pollGently(realm: Realm): void {
  const { setImmediate, setTimeout, performance } = realm;
  /** When the present wait has begun. */
  let since: number | undefined;
  let asked = false;
  const gentle = (callback: (...args: unknown[]) => void, ...args: unknown[]): unknown => {
    if (!isNative(callback)) return setImmediate(callback, ...args);
    const now = performance.now();
    since ??= now;
    asked = true;
    const poll = (): void => {
      asked = false;
      callback(...args);
      if (!asked) since = undefined;
    };
    return now - since < EAGER ? setImmediate(poll) : setTimeout(poll, PAUSE);
  };
  // Its form for promises comes along.
  Object.defineProperties(gentle, Object.getOwnPropertyDescriptors(setImmediate));
  realm.setImmediate = gentle as typeof setImmediate;
}

const sourceOf = Function.prototype.toString;

/** Dawn's callbacks are the only ones that are not written in JavaScript. */
function isNative(callback: unknown): boolean {
  return typeof callback === 'function' && /\{\s*\[native code\]\s*\}$/.test(sourceOf.call(callback));
}
