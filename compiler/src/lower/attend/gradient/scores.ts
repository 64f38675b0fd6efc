/**
 * From products of queries and keys to probabilities and what flows back through them, four at a time. With z = scale q·k,
 * s = temperature cap tanh(z / cap), p = softmax(s), w = clip(p): dp = dw where clip does not cut, ds = p (dp - Σ p dp),
 * dz = ds temperature (1 - tanh²(z / cap)).
 */
import type { KernelBuilder } from '../../../kernel/build.js';
import * as e from '../../../kernel/expressions.js';
import type { Expression } from '../../../kernel/ir.js';
import type { OpAttributes } from '../../../ops/attributes.js';
import { clipped, MASKED } from '../shape.js';

type Attributes = OpAttributes['attend'];

/** Largest score, one over the sum of the exponentials, Σ p dp: fours, or one number for all. */
export interface Statistics {
  readonly largest: Expression;
  readonly inverse: Expression;
  readonly mean: Expression;
}

export interface Scores {
  readonly score: Expression;
  /** tanh(z / cap); undefined without a cap. */
  readonly bent: Expression | undefined;
}

export function scoresOf(builder: KernelBuilder, product: Expression, { cap, temperature = 1 }: Attributes): Scores {
  const bent = cap === undefined ? undefined : builder.let('bent', e.call('safe_tanh', e.div(product, cap)));
  const capped = bent ? e.mul(bent, cap!) : product;
  return { score: builder.let('score', e.mul(capped, temperature)), bent };
}

/** `four` where `seen`, else `otherwise`. */
export function masked(four: Expression, seen: readonly Expression[], otherwise: number): Expression {
  return e.vector('vec4f', ...seen.map((s, i) => e.select(s, e.component(four, i), e.f32(otherwise))));
}

export const maskedScores = (score: Expression, seen: readonly Expression[]): Expression => masked(score, seen, MASKED);

/** Never above one: what is masked may score higher than all that is seen, and is selected away afterwards. */
export function probabilities(
  builder: KernelBuilder,
  score: Expression,
  { largest, inverse }: Pick<Statistics, 'largest' | 'inverse'>,
  seen: readonly Expression[],
): Expression {
  const weight = builder.let('weight', e.mul(e.exp(e.min(e.sub(score, largest), 0)), inverse));
  return builder.let('probability', masked(weight, seen, 0));
}

/** What the values are weighted by. */
export function weightsOf(p: Expression, { clip }: Attributes): Expression {
  return clip === undefined ? p : clipped(p, clip);
}

/** Gradient of the probabilities, given that of the weights. */
export function throughClip(builder: KernelBuilder, p: Expression, dw: Expression, { clip }: Attributes): Expression {
  if (clip === undefined) return dw;
  const stretch = clip[0] - clip[1];
  const raw = builder.let('raw', e.add(e.mul(p, stretch), clip[1]));
  const through = [0, 1, 2, 3].map((i) => {
    const x = e.component(raw, i);
    return e.select(e.and(e.ge(x, 0), e.le(x, 1)), e.mul(e.component(dw, i), stretch), e.f32(0));
  });
  return builder.let('through', e.vector('vec4f', ...through));
}

/** Gradient of the scaled products. */
export function productGradients(
  p: Expression,
  dp: Expression,
  mean: Expression,
  { bent }: Scores,
  { temperature = 1 }: Attributes,
): Expression {
  const ds = e.mul(e.mul(p, e.sub(dp, mean)), temperature);
  return bent ? e.mul(ds, e.mul(e.sub(e.vector('vec4f', 1), bent), e.add(bent, 1))) : ds;
}
