import type { KernelBuilder } from '../kernel/build.js';
import * as e from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';

/**
 * 32 random bits: pcg3d of three numbers, first component (Jarzynski & Olano, "Hash Functions for GPU Rendering", JCGT 2020).
 * `numeric/random-bits.ts` computes the same on the host.
 */
export function randomBits(
  builder: KernelBuilder,
  counter: Expression,
  step: Expression,
  seed: Expression,
): Expression {
  const scrambled = [counter, step, seed].map((v) => builder.let('r', e.add(e.mul(v, 1664525), 1013904223)));
  const mix = ([x, y, z]: readonly Expression[]): readonly Expression[] => {
    const a = builder.let('r', e.add(x!, e.mul(y!, z!)));
    const b = builder.let('r', e.add(y!, e.mul(z!, a)));
    const c = builder.let('r', e.add(z!, e.mul(a, b)));
    return [a, b, c];
  };
  const folded = mix(scrambled).map((v) => builder.let('r', e.bitXor(v, e.shiftRight(v, 16))));
  const [x, y, z] = folded as [Expression, Expression, Expression];
  return builder.let('bits', e.add(x, e.mul(y, z)));
}
