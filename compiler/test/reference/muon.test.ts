/** Muon in f64 against what PyTorch's computes (tests/oracle/muon.py), and against the published algorithm written out. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { orthogonalised } from '../../src/numeric/newton-schulz.js';
import { updateRule } from '../../src/reference/update-rules.js';
import { random } from '../support/random.js';

interface Recording {
  readonly steps: number;
  readonly runs: readonly {
    readonly settings: {
      readonly scale: 'match_rms' | 'original';
      readonly nesterov: boolean;
      readonly momentum: number;
      readonly weight_decay: number;
      readonly lr: number;
      readonly ns_steps: number;
    };
    readonly weights: readonly { readonly shape: readonly [number, number]; readonly data: readonly number[] }[];
  }[];
}

const file = fileURLToPath(new URL('../../../tests/golden/muon.json', import.meta.url));
const recording = JSON.parse(readFileSync(file, 'utf8')) as Recording;

describe.each(recording.runs)('20 steps of PyTorch, $settings.scale', ({ settings, weights }) => {
  const optimizer = {
    name: 'Muon',
    arguments: {
      momentum: settings.momentum,
      nesterov: settings.nesterov,
      iterations: settings.ns_steps,
      scale: { name: settings.scale, arguments: {} },
      weight_decay: settings.weight_decay,
      adam_rate: 1,
      betas: [0.9, 0.95],
      eps: 1e-8,
      stochastic_rounding: false,
    },
  } as const;

  test.each(weights)('$shape', ({ shape, data }) => {
    const [rows, columns] = shape;
    const at = (i: number): [number, number] => [Math.floor(i / columns), i % columns];
    const values = Float64Array.from(data, (_, i) => Math.cos(0.7 * at(i)[0] - 1.3 * at(i)[1]));
    const moments = { momentum: new Float64Array(data.length) };
    for (let step = 0; step < recording.steps; step++) {
      const gradient = values.map((w, i) => {
        const [r, c] = at(i);
        return 0.5 * w + Math.sin(1.7 * r + 0.9 * c * (step + 1) + 0.3 * step);
      });
      const parameter = { rule: 'Muon', matrix: { rows, columns } } as const;
      const change = updateRule(optimizer, parameter, moments, step + 1, (i) => gradient[i]!);
      const shrink = 1 - settings.lr * settings.weight_decay;
      for (let i = 0; i < values.length; i++) values[i] = shrink * values[i]! - settings.lr * change(i);
    }
    // Both in f64: sums differ in their order alone, and the iteration does not grow what is off.
    values.forEach((value, i) => expect(value).toBeCloseTo(data[i]!, 10));
  });
});

test('the polynomial acts on singular values, for wide, tall and square matrices', () => {
  const r = random(2);
  for (const [rows, columns] of [
    [3, 7],
    [7, 3],
    [4, 4],
    [1, 5],
  ] as const) {
    // A matrix of rank one has one singular value, on which all five steps can be followed as numbers.
    const u = Array.from({ length: rows }, () => r.normal());
    const v = Array.from({ length: columns }, () => r.normal());
    const x = Float64Array.from({ length: rows * columns }, (_, i) => u[Math.floor(i / columns)]! * v[i % columns]!);
    let singular = 1;
    for (let step = 0; step < 5; step++) singular = 3.4445 * singular - 4.775 * singular ** 3 + 2.0315 * singular ** 5;
    const norm = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
    const made = orthogonalised(x, rows, columns, 5);
    made.forEach((value, i) => expect(value).toBeCloseTo((singular * x[i]!) / norm, 12));
  }
});
