/**
 * Sizes known only at run time: of a call's batch, the state's capacity. Plain data, so that a program can be JSON.
 */

/**
 * - `tokens`: tokens in the call, all sequences together
 * - `sequences`: sequences in the call
 * - `rows`: rows for which logits are wanted
 * - `tiles16`, `tiles32`, `tiles64`, `tiles128`: pieces of at most that many tokens, none across two sequences
 * - `context`: a bound on the positions that any sequence of the call has after it. It is a function of the largest such
 *   number alone (a few sizes up to 256, then multiples of 256), so that steps of decoding share their uniforms and
 *   bind groups. Where a sequence really ends comes from the batch tables.
 * - `capacity`: positions that the state can hold per sequence
 * - `slots`: sequences that the state can hold
 * - `window`: rows of the sampler's ring `sampled`
 */
export type SizeSymbol =
  | 'tokens'
  | 'sequences'
  | 'rows'
  | 'tiles16'
  | 'tiles32'
  | 'tiles64'
  | 'tiles128'
  | 'context'
  | 'capacity'
  | 'slots'
  | 'window';

export type Size = number | SizeSymbol | readonly ['add' | 'mul' | 'ceil_div' | 'min' | 'max', Size, Size];

export type SizeValues = Readonly<Record<SizeSymbol, number>>;

/** Evaluates a size. Pure; results are non-negative safe integers where the values are. */
export function evaluateSize(size: Size, values: SizeValues): number {
  if (typeof size === 'number') return size;
  if (typeof size === 'string') return values[size];
  const a = evaluateSize(size[1], values);
  const b = evaluateSize(size[2], values);
  switch (size[0]) {
    case 'add':
      return a + b;
    case 'mul':
      return a * b;
    case 'ceil_div':
      return Math.ceil(a / b);
    case 'min':
      return Math.min(a, b);
    case 'max':
      return Math.max(a, b);
  }
}
