import { controlOf, faultOf, firstControl, observe, scalingNotice } from '../../src/train/run/control.js';
import type { ControlState, Outcome } from '../../src/train/run/control.js';
import { recipe } from '../support/recipe.js';

const stop = { name: 'stop', arguments: {} } as const;
const dynamic = recipe({ loss_scale: { name: 'dynamic', arguments: {} } });
const spiky = recipe({ faults: { not_finite: stop, spike: stop, spike_factor: 3 } });

function after(outcomes: readonly Omit<Outcome, 'step'>[], of: typeof dynamic, from = firstControl(of)): ControlState {
  return outcomes.reduce((state, outcome, i) => observe(state, { ...outcome, step: i + 1 }, of), from);
}

const good = { loss: 2, applied: true };
const bad = { loss: 2, applied: false };

describe('the loss scale', () => {
  test('is halved by gradients that are not finite, and counts for the step after the next', () => {
    const state = after([good, bad], dynamic);
    expect(controlOf(state, 3, dynamic).lossScale).toBe(2 ** 16);
    expect(controlOf(state, 4, dynamic).lossScale).toBe(2 ** 15);
    // Whether or not another result is there by then.
    expect(controlOf(after([good, bad, good], dynamic), 4, dynamic).lossScale).toBe(2 ** 15);
  });
  test('is doubled after two thousand good steps, and is never under 1', () => {
    const many = Array.from({ length: 2000 }, () => good);
    expect(controlOf(after(many.slice(1), dynamic), 9999, dynamic).lossScale).toBe(2 ** 16);
    expect(controlOf(after(many, dynamic), 9999, dynamic).lossScale).toBe(2 ** 17);
    const worst = Array.from({ length: 40 }, () => bad);
    expect(controlOf(after(worst, dynamic), 9999, dynamic).lossScale).toBe(1);
  });
  test('stays where the recipe puts it', () => {
    const fixed = recipe({ loss_scale: 8 });
    expect(controlOf(after([bad, bad], fixed), 9, fixed).lossScale).toBe(8);
  });
});

test('what is said of the loss scale', () => {
  const result = { step: 5, loss: 2, applied: true, gradientNorm: 1 };
  const over = { ...result, applied: false, gradientNorm: Infinity };
  const at = (lossScale: number, before?: number) => ({ lossScale, before });
  expect(scalingNotice(over, at(256, 256), dynamic)).toBe(
    'Step 5: gradients overflow at a loss scale of 256. The step was left out, and the scale is halved.',
  );
  expect(scalingNotice(result, at(512, 256), dynamic)).toBe('Step 5: the loss scale is 512 from here on.');
  for (const [of, scale] of [
    [result, at(256, 256)],
    [result, at(128, 256)],
    [result, at(256)],
    // This is a fault.
    [over, at(1, 1)],
    [{ ...over, loss: NaN }, at(256, 256)],
  ] as const)
    expect(scalingNotice(of, scale, dynamic)).toBeUndefined();
  expect(scalingNotice(over, at(8, 8), recipe({ loss_scale: 8 }))).toBeUndefined();
});

describe('faults', () => {
  const scale = { lossScale: 1, limit: Infinity };
  test('a loss or gradients that are not finite', () => {
    expect(faultOf({ loss: NaN, applied: false, gradientNorm: 1 }, scale, dynamic)).toBe('not_finite');
    expect(faultOf({ loss: 2, applied: false, gradientNorm: Infinity }, scale, dynamic)).toBe('not_finite');
    // Here it is the scale's doing.
    const large = { ...scale, lossScale: 256 };
    expect(faultOf({ loss: 2, applied: false, gradientNorm: Infinity }, large, dynamic)).toBeUndefined();
    expect(faultOf({ loss: 2, applied: false, gradientNorm: Infinity }, large, recipe())).toBe('not_finite');
    expect(faultOf({ loss: 2, applied: true, gradientNorm: 1 }, scale, recipe())).toBeUndefined();
  });
  test('a spike is measured by the mean of the last twenty losses', () => {
    const twenty = Array.from({ length: 20 }, () => good);
    expect(controlOf(after(twenty.slice(1), spiky), 99, spiky).limit).toBe(Infinity);
    const state = after(twenty, spiky);
    expect(controlOf(state, 99, spiky).limit).toBe(6);
    expect(faultOf({ loss: 6.1, applied: true, gradientNorm: 1 }, { lossScale: 1, limit: 6 }, spiky)).toBe('spike');
    // A spike does not raise the limit for the next one; what is usual does, by a twentieth.
    expect(controlOf(after([...twenty, { loss: 60, applied: true }], spiky), 99, spiky).limit).toBe(6);
    expect(controlOf(after([...twenty, { loss: 4, applied: true }], spiky), 99, spiky).limit).toBeCloseTo(6.3, 12);
    expect(controlOf(after(twenty, recipe()), 99, recipe()).limit).toBe(Infinity);
  });
  test('the state is plain data', () => {
    const state = after([good, { loss: NaN, applied: false }], dynamic);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });
});
