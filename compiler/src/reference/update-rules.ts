/** Update rules in f64. */
import { orthogonalised } from '../numeric/newton-schulz.js';
import type { TrainedParameter } from '../train/parameters.js';
import type { TrainFields } from '../train/resolve-train.js';

/** Looked up once for the inner loops. */
const { max, sqrt } = Math;

export type Optimizer = TrainFields['optimizer'];
export type Values = Float32Array | Float64Array;

/**
 * What a parameter's element moves by, in units of the rate. Updates the moments: each element is to be asked for once.
 *
 * @param moments by the prefix of their names in checkpoints
 * @param step from 1
 */
export function updateRule(
  optimizer: Optimizer,
  parameter: Pick<TrainedParameter, 'rule' | 'matrix'>,
  moments: Readonly<Record<string, Values>>,
  step: number,
  gradient: (i: number) => number,
): (i: number) => number {
  if (optimizer.name === 'SGD') {
    const { momentum, nesterov } = optimizer.arguments;
    const mean = moments.momentum!;
    return (i) => {
      const g = gradient(i);
      const next = momentum * mean[i]! + g;
      mean[i] = next;
      return nesterov ? g + momentum * next : next;
    };
  }
  if (optimizer.name === 'Muon' && parameter.rule === 'Muon')
    return muonRule(optimizer.arguments, moments.momentum!, parameter, gradient);
  const { betas, eps } = optimizer.arguments;
  const [beta1, beta2] = betas;
  const [warm1, warm2] = [1 - beta1 ** step, 1 - beta2 ** step];
  const [mean, square] = [moments.exp_avg!, moments.exp_avg_sq!];
  return (i) => {
    const g = gradient(i);
    const m = beta1 * mean[i]! + (1 - beta1) * g;
    const v = beta2 * square[i]! + (1 - beta2) * g * g;
    mean[i] = m;
    square[i] = v;
    return m / warm1 / (sqrt(v / warm2) + eps);
  };
}

/** As PyTorch's Muon computes it, but for the number format. */
function muonRule(
  { momentum, nesterov, iterations, scale }: Extract<Optimizer, { readonly name: 'Muon' }>['arguments'],
  mean: Values,
  { matrix }: Pick<TrainedParameter, 'matrix'>,
  gradient: (i: number) => number,
): (i: number) => number {
  const { rows, columns } = matrix!;
  const direction = Float64Array.from(mean, (old, i) => {
    const g = gradient(i);
    const next = momentum * old + (1 - momentum) * g;
    mean[i] = next;
    return nesterov ? (1 - momentum) * g + momentum * next : next;
  });
  const factor = scale.name === 'match_rms' ? 0.2 * sqrt(max(rows, columns)) : sqrt(max(1, rows / columns));
  const orthogonal = orthogonalised(direction, rows, columns, iterations);
  return (i) => factor * orthogonal[i]!;
}
