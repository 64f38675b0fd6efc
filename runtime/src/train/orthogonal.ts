/** Muon's update of matrices: momentum, Newton-Schulz iterations over batches of one shape, and what is left of them applied. */
import type { DeviceMemory } from '../memory/device-memory.js';
import type { PlannedDispatch } from '../program/plan.js';
import type { TrainingTable } from '../program/training.js';
import { rowsWithin } from '../weights/placement.js';
import { BLOCK_QUADS } from '../program/training.js';
import { stateKernel } from './moments.js';
import { orthogonalScratch } from './orthogonal-batches.js';
import type { OrthogonalBatch, OrthogonalMatrix } from './orthogonal-batches.js';
import type { UpdateKernels } from './update-kernels.js';
import { THREADS } from './update-kernels.js';
import type { Piece } from './update-pieces.js';

/** Rows and columns of a product that a workgroup makes. */
const SIDE = 8;
const TILE_ROWS = 4 * SIDE;
const TILE_COLUMN_QUADS = 2 * SIDE;

export interface OrthogonalSettings {
  readonly iterations: number;
  /** On the update of a matrix of so many rows and columns. */
  readonly scale: (rows: number, columns: number) => number;
}

/** Buffers that all batches share, each with one matrix after another. */
interface Scratch {
  readonly matrices: readonly [GPUBuffer, GPUBuffer];
  readonly products: readonly [GPUBuffer, GPUBuffer];
  readonly partials: GPUBuffer;
}

export class OrthogonalUpdate {
  readonly #scratch: Scratch;

  /** @param pieces those of the batches' matrices, by the matrix's id */
  constructor(
    readonly kernels: UpdateKernels,
    readonly batches: readonly OrthogonalBatch[],
    readonly pieces: ReadonlyMap<string, readonly Piece[]>,
    readonly settings: OrthogonalSettings,
    memory: DeviceMemory,
  ) {
    const { matrices, products } = orthogonalScratch(batches);
    const blocks = Math.max(0, ...batches.map((batch) => batch.matrices.length * blocksOf(batch)));
    const make = (name: string, elements: number): GPUBuffer => memory.storage(name, 4 * elements, 'other');
    const two = (name: string, elements: number): [GPUBuffer, GPUBuffer] => [
      make(name, elements),
      make(name, elements),
    ];
    this.#scratch = {
      matrices: two('matrices of Newton-Schulz iterations', matrices),
      products: two('products of their rows', products),
      partials: make('sums of squares of matrices', blocks),
    };
  }

  get kernelNames(): readonly string[] {
    const own = [...this.pieces.values()]
      .flat()
      .flatMap(({ storage, state }) => [
        stateKernel('orthogonal.momentum', state),
        stateKernel(`Muon.${storage}`, state),
      ]);
    return ['squares', 'normalise', 'gram', 'polynomial', 'product'].map((name) => `orthogonal.${name}`).concat(own);
  }

  all(tables: (name: TrainingTable) => GPUBuffer): readonly PlannedDispatch[] {
    return this.batches.flatMap((batch) => [
      ...batch.matrices.flatMap((matrix, i) => this.#momentum(batch, matrix, i, tables)),
      ...this.#iterations(batch),
      ...batch.matrices.flatMap((matrix, i) => this.#apply(batch, matrix, i, tables)),
    ]);
  }

  #momentum(
    batch: OrthogonalBatch,
    matrix: OrthogonalMatrix,
    at: number,
    tables: (name: TrainingTable) => GPUBuffer,
  ): readonly PlannedDispatch[] {
    const target = this.#scratch.matrices[0];
    return this.#runs(batch, matrix, at).map(({ piece, uniforms, last }) => {
      const { row_count, row_quads } = uniforms;
      // The last rows are followed by those that pad the matrix to fours.
      const padded_count = last ? row_count + padOf(matrix.part.rows) : row_count;
      const groups = Math.ceil((padded_count * row_quads) / THREADS);
      const all = { ...uniforms, padded_count, first_row: piece.firstRow };
      return this.kernels.dispatch(stateKernel('orthogonal.momentum', piece.state), all, groups, (name) => {
        if (name === 'product') return { buffer: target };
        if (name === 'rows') return { buffer: piece.rows };
        if (name === 'gradient') return piece.buffers.gradient;
        return name === 'first' ? piece.buffers.moments[0]! : { buffer: tables(name) };
      });
    });
  }

  #iterations(batch: OrthogonalBatch): readonly PlannedDispatch[] {
    const { rows, columns } = batch;
    const { matrices, products, partials } = this.#scratch;
    const count = batch.matrices.length;
    const blocks = blocksOf(batch);
    const sums = { quad_count: (rows * columns) / 4, block_count: blocks };
    const run = (
      name: string,
      uniforms: Readonly<Record<string, number>>,
      grid: readonly [number, number, number],
      buffers: Partial<Record<TrainingTable, GPUBuffer>>,
      operations = 0,
    ): PlannedDispatch =>
      this.kernels.dispatch(`orthogonal.${name}`, uniforms, grid, (table) => ({ buffer: buffers[table]! }), operations);
    const made: PlannedDispatch[] = [
      run('squares', sums, [blocks, 1, count], { left: matrices[0], partials }),
      run('normalise', sums, [blocks, 1, count], { product: matrices[0], partials }),
    ];
    const [gram, polynomial] = products;
    const down = Math.ceil(rows / TILE_ROWS);
    const squareGrid = [Math.ceil(rows / (4 * SIDE)), down, count] as const;
    const grid = [Math.ceil(columns / 4 / TILE_COLUMN_QUADS), down, count] as const;
    const square = { row_count: rows, column_quads: rows / 4 };
    const [long, short] = [2 * count * rows * rows * columns, 2 * count * rows ** 3];
    for (let i = 0; i < this.settings.iterations; i++) {
      const [from, to] = i % 2 === 0 ? matrices : ([matrices[1], matrices[0]] as const);
      made.push(
        run(
          'gram',
          { ...square, depth_quads: columns / 4 },
          squareGrid,
          { left: from, right: from, product: gram },
          long,
        ),
        run(
          'polynomial',
          { ...square, depth_quads: rows / 4 },
          squareGrid,
          { left: gram, right: gram, addend: gram, product: polynomial },
          short,
        ),
        run(
          'product',
          { row_count: rows, column_quads: columns / 4, depth_quads: rows / 4 },
          grid,
          { left: polynomial, right: from, product: to },
          long,
        ),
      );
    }
    return made;
  }

  #apply(
    batch: OrthogonalBatch,
    matrix: OrthogonalMatrix,
    at: number,
    tables: (name: TrainingTable) => GPUBuffer,
  ): readonly PlannedDispatch[] {
    const result = this.#scratch.matrices[this.settings.iterations % 2]!;
    const { rows, columns } = matrix.part;
    const scale = this.settings.scale(rows, columns);
    return this.#runs(batch, matrix, at).map(({ piece, uniforms }) => {
      const { buffers, storage, state, firstRow } = piece;
      const groups = Math.ceil((uniforms.row_count * uniforms.row_quads) / THREADS);
      const all = { ...uniforms, first_row: firstRow, scale };
      return this.kernels.dispatch(stateKernel(`Muon.${storage}`, state), all, groups, (name) => {
        switch (name) {
          case 'left':
            return { buffer: result };
          case 'master':
            return buffers.master;
          case 'working':
            return buffers.working!;
          case 'rows':
            return { buffer: piece.rows };
          default:
            return { buffer: tables(name) };
        }
      });
    });
  }

  /** A parameter's rows, by the parts that its matrix is in. */
  #runs({ rows, columns }: OrthogonalBatch, { spec, part, transposed }: OrthogonalMatrix, at: number) {
    const [target_row, target_column] = transposed ? [1, columns] : [columns, 1];
    return this.pieces.get(spec.id)!.flatMap((piece) => {
      const { first, end } = rowsWithin(part, piece.firstRow, piece.firstRow + piece.quads / piece.rowQuads);
      if (first >= end) return [];
      const uniforms = {
        row_count: end - first,
        row_quads: piece.rowQuads,
        own_row: part.row + first * part.stride - piece.firstRow,
        row_step: part.stride,
        target_first: at * rows * columns + first * target_row,
        target_row,
        target_column,
      };
      return [{ piece, uniforms, last: end === part.rows }];
    });
  }
}

function blocksOf({ rows, columns }: OrthogonalBatch): number {
  return Math.ceil((rows * columns) / 4 / BLOCK_QUADS);
}

function padOf(rows: number): number {
  return (4 - (rows % 4)) % 4;
}
