/** Which matrices Newton-Schulz iterations take at once, and what they take on the device. */
import type { MatrixSpec } from '../program/program.js';

/** A parameter among the rows of a matrix, as it lies in a batch: no more rows than columns, both padded to fours. */
export interface OrthogonalMatrix {
  readonly spec: MatrixSpec;
  readonly part: MatrixSpec['parts'][number];
  readonly transposed: boolean;
}

export interface OrthogonalBatch {
  readonly rows: number;
  readonly columns: number;
  readonly matrices: readonly OrthogonalMatrix[];
}

/** Elements of the buffers that all batches share. */
export interface OrthogonalScratch {
  /** Two of these: X, and what becomes of it. */
  readonly matrices: number;
  /** Two of these: products of rows, and their polynomial. */
  readonly products: number;
}

/** What the matrices of a batch take at most, unless it is a single one. */
const MOST_BYTES = 32 * 1024 * 1024;

const fours = (n: number): number => Math.ceil(n / 4) * 4;

/** @param specs matrices that are updated so */
export function orthogonalBatches(specs: readonly MatrixSpec[]): readonly OrthogonalBatch[] {
  const byShape = new Map<string, OrthogonalBatch & { readonly matrices: OrthogonalMatrix[] }>();
  for (const spec of specs) {
    for (const part of spec.parts) {
      const transposed = part.rows > part.columns;
      const [height, width] = [fours(part.rows), spec.columns];
      const [rows, columns] = transposed ? [width, height] : [height, width];
      const key = `${rows} ${columns}`;
      const batch = byShape.get(key) ?? { rows, columns, matrices: [] };
      batch.matrices.push({ spec, part, transposed });
      byShape.set(key, batch);
    }
  }
  return [...byShape.values()].flatMap(({ rows, columns, matrices }) => {
    const most = Math.max(1, Math.floor(MOST_BYTES / (4 * rows * columns)));
    return Array.from({ length: Math.ceil(matrices.length / most) }, (_, i) => ({
      rows,
      columns,
      matrices: matrices.slice(i * most, (i + 1) * most),
    }));
  });
}

export function orthogonalScratch(batches: readonly OrthogonalBatch[]): OrthogonalScratch {
  const largest = (size: (batch: OrthogonalBatch) => number): number => Math.max(0, ...batches.map(size));
  return {
    matrices: largest(({ rows, columns, matrices }) => matrices.length * rows * columns),
    products: largest(({ rows, matrices }) => matrices.length * rows * rows),
  };
}
