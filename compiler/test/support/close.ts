import type { Reference } from '../../src/ops/op.js';

const { abs } = Math;

/** Largest difference of two tensors, in units of the second one's largest entry. */
export function relativeDifference(actual: Reference, expected: Reference): number {
  expect(actual.data.length).toBe(expected.data.length);
  let scale = 0;
  let difference = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const value = expected.data[i]!;
    const d = abs(actual.data[i]! - value);
    // NaN on either side must not pass as a small difference; equal infinities have none.
    if (d !== d && actual.data[i] !== value) return NaN;
    if (abs(value) > scale) scale = abs(value);
    if (d > difference) difference = d;
  }
  return scale === 0 ? difference : difference / scale;
}

/** Same shape, and no entry further off than `tolerance` times the largest expected one. */
export function expectClose(actual: Reference, expected: Reference, tolerance: number): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(relativeDifference(actual, expected)).toBeLessThanOrEqual(tolerance);
}

/**
 * Which gradients are off by more than 1e-4 of their largest entry (f32 sums of a few hundred products, through a few layers)
 * and `slack`, and by how much of it. There must be as many as expected.
 */
export function gradientsOff(
  expected: ReadonlyMap<string, Reference>,
  actual: ReadonlyMap<string, ArrayLike<number>>,
  slack = 1e-9,
): string[] {
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
  return [...expected].flatMap(([path, { data }]) => {
    const own = actual.get(path)!;
    const largest = data.reduce((a, b) => Math.max(a, abs(b)), 0);
    const off = data.reduce((worst, v, i) => Math.max(worst, abs(v - own[i]!)), 0);
    return off <= 1e-4 * largest + slack ? [] : [`${path} is off by ${off / largest}`];
  });
}
