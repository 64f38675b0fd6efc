import type { Reference } from '../../src/ops/op.js';

/** Largest difference of two tensors, in units of the second one's largest entry. */
export function relativeDifference(actual: Reference, expected: Reference): number {
  expect(actual.data.length).toBe(expected.data.length);
  let scale = 0;
  let difference = 0;
  expected.data.forEach((value, i) => {
    scale = Math.max(scale, Math.abs(value));
    const d = Math.abs(actual.data[i]! - value);
    // NaN must not pass as a small difference.
    difference = d <= difference ? difference : d;
  });
  return scale === 0 ? difference : difference / scale;
}

/** Same shape, and no entry further off than `tolerance` times the largest expected one. */
export function expectClose(actual: Reference, expected: Reference, tolerance: number): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(relativeDifference(actual, expected)).toBeLessThanOrEqual(tolerance);
}
