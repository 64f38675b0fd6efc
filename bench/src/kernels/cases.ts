/** What kernels are measured on: y = x Wᵀ, with x [rows, columns] and W [outputs, columns]. */
export interface LinearCase {
  readonly kind: 'linear';
  readonly id: string;
  readonly title: string;
  readonly rows: number;
  readonly columns: number;
  readonly outputs: number;
  /** How W is stored. */
  readonly storage: 'f32' | 'bf16';
}

type Sizes = Omit<LinearCase, 'kind' | 'id' | 'title'>;

function linear(id: string, sizes: Sizes): LinearCase {
  const { rows, columns, outputs, storage } = sizes;
  const what = rows === 1 ? 'matvec' : 'matmul';
  return { kind: 'linear', id, title: `${what} ${rows} × ${columns} · ${columns} × ${outputs}, ${storage}`, ...sizes };
}

/** A square product, a prompt's projection, and what one token asks for: large and small, in two storage types. */
export const CASES: readonly LinearCase[] = [
  linear('matmul', { rows: 512, columns: 512, outputs: 512, storage: 'f32' }),
  linear('matmul-prompt', { rows: 128, columns: 768, outputs: 3072, storage: 'f32' }),
  linear('matvec', { rows: 1, columns: 4096, outputs: 4096, storage: 'f32' }),
  linear('matvec-bf16', { rows: 1, columns: 4096, outputs: 4096, storage: 'bf16' }),
  linear('matvec-small', { rows: 1, columns: 768, outputs: 3072, storage: 'f32' }),
];

export function operationsOf({ rows, columns, outputs }: LinearCase): number {
  return 2 * rows * columns * outputs;
}

/** Multiples of 1/256 between -1/2 and 1/2: exact in bf16, so that storage changes nothing but its decoding. */
export function inputs({ rows, columns, outputs }: LinearCase): { readonly x: Float32Array; readonly w: Float32Array } {
  return { x: noise(rows * columns, 1), w: noise(outputs * columns, 2) };
}

function noise(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 24) - 128) / 256;
  });
}

/**
 * Compares some of the elements [rows, outputs] with sums in f64.
 *
 * @throws Error where a sum of f32 products cannot be that far off
 */
export function checkResult(c: LinearCase, { x, w }: ReturnType<typeof inputs>, y: ArrayLike<number>): void {
  if (y.length !== c.rows * c.outputs) throw new Error(`${c.title}: ${y.length} results`);
  for (let i = 0; i < 64; i++) {
    const [row, output] = [(i * 37) % c.rows, (i * 997 + 13) % c.outputs];
    let sum = 0;
    let size = 0;
    for (let k = 0; k < c.columns; k++) {
      const product = x[row * c.columns + k]! * w[output * c.columns + k]!;
      sum += product;
      size += Math.abs(product);
    }
    const found = y[row * c.outputs + output]!;
    // Each of `columns` additions rounds by at most 2⁻²⁴ of the sum so far.
    if (!(Math.abs(found - sum) <= c.columns * 2 ** -24 * size)) {
      throw new Error(`${c.title}: element ${row}, ${output} is ${found}, not ${sum}`);
    }
  }
}
