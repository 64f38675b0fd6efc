/** The end of a step: norms over all gradients and parameters, and the update of every matrix and pack, on the device. */
import type { Device } from '../device/device.js';
import type { DeviceMemory } from '../memory/device-memory.js';
import type { Kernels } from '../program/kernels.js';
import type { PlannedDispatch } from '../program/plan.js';
import type { ParameterSpec, Program } from '../program/program.js';
import type { TrainingTable } from '../program/training.js';
import { BLOCK_QUADS } from '../program/training.js';
import { orthogonalBatches } from './orthogonal-batches.js';
import { OrthogonalUpdate } from './orthogonal.js';
import { stateKernel } from './moments.js';
import type { OrthogonalSettings } from './orthogonal.js';
import type { TrainingWeights } from './placement.js';
import { THREADS, UpdateKernels } from './update-kernels.js';
import { piecesOf } from './update-pieces.js';
import type { ParameterUpdate, Piece } from './update-pieces.js';

/** Fours of elements of a block of sums, as the kernels have them. */
const BLOCK = BLOCK_QUADS;

export class Update {
  readonly #kernels: UpdateKernels;
  readonly #pieces: readonly Piece[];
  readonly #orthogonal: OrthogonalUpdate | undefined;
  readonly #partials: GPUBuffer;
  readonly #scales: GPUBuffer | undefined;
  #scaling: readonly PlannedDispatch[] | undefined;
  readonly #blocks: number;
  #dispatches: readonly PlannedDispatch[] | undefined;
  readonly #losses = new Map<number, { readonly losses: GPUBuffer; readonly made: PlannedDispatch }>();

  /**
   * @param orthogonal how Muon's matrices are updated, where there are any
   * @param seed of random numbers that round moments
   */
  constructor(
    program: Program,
    device: Device,
    memory: DeviceMemory,
    kernels: Kernels,
    weights: TrainingWeights,
    updateOf: (parameter: ParameterSpec) => ParameterUpdate,
    orthogonal: OrthogonalSettings | undefined,
    seed: number,
  ) {
    this.#kernels = new UpdateKernels(program, device, memory, kernels);
    this.#pieces = piecesOf(program, weights, updateOf, device, memory, seed);
    this.#orthogonal = orthogonal && this.#orthogonalOf(program, orthogonal, memory);
    this.#blocks = this.#pieces.reduce((n, piece) => n + Math.ceil(piece.quads / BLOCK), 0);
    this.#partials = memory.storage('blocks of norms', 16 * this.#blocks, 'other');
    const matrices = new Set(this.#pieces.flatMap(({ scaled }) => (scaled ? [scaled.matrix] : [])));
    this.#scales = matrices.size === 0 ? undefined : memory.storage('scales', 4 * matrices.size, 'other');
  }

  #orthogonalOf(program: Program, settings: OrthogonalSettings, memory: DeviceMemory): OrthogonalUpdate | undefined {
    const own = this.#pieces.filter(({ rule }) => rule === 'Muon');
    const ids = new Set(own.map(({ id }) => id));
    if (ids.size === 0) return undefined;
    const pieces = new Map([...ids].map((id) => [id, own.filter((piece) => piece.id === id)] as const));
    const specs = program.matrices.filter(({ id }) => ids.has(id));
    return new OrthogonalUpdate(this.#kernels, orthogonalBatches(specs), pieces, settings, memory);
  }

  async compile(): Promise<void> {
    const names = new Set(['addLosses', 'squares', 'norms', ...this.#elementwise.map(kernelOf)]);
    for (const { scaled } of this.#pieces) {
      if (scaled) for (const name of ['largest', 'largestOfAll', `round.${scaled.format}`]) names.add(name);
    }
    await this.#kernels.compile([...names, ...(this.#orthogonal?.kernelNames ?? [])]);
  }

  get #elementwise(): readonly Piece[] {
    return this.#pieces.filter(({ rule }) => rule !== 'Muon');
  }

  /** Adds the losses of a part of so many rows to the totals. */
  addLosses(rows: number, tables: (name: TrainingTable) => GPUBuffer): PlannedDispatch {
    let known = this.#losses.get(rows);
    const losses = tables('losses');
    if (known?.losses !== losses) {
      const made = this.#kernels.dispatch('addLosses', { row_count: rows }, 1, (name) => ({ buffer: tables(name) }));
      this.#losses.set(rows, (known = { losses, made }));
    }
    return known.made;
  }

  /** Makes the working copies in 8 bits of the master copies. */
  scale(): readonly PlannedDispatch[] {
    this.#scaling ??= [...new Set(this.#pieces.flatMap(({ scaled }) => (scaled ? [scaled.matrix] : [])))].flatMap(
      (matrix) => this.#scale(matrix),
    );
    return this.#scaling;
  }

  #scale(matrix: number): readonly PlannedDispatch[] {
    const pieces = this.#pieces.filter(({ scaled }) => scaled?.matrix === matrix);
    const bind =
      (piece?: Piece) =>
      (name: TrainingTable): GPUBufferBinding => {
        if (name === 'master') return piece!.buffers.master;
        if (name === 'working') return piece!.buffers.working!;
        return { buffer: name === 'partials' ? this.#partials : this.#scales! };
      };
    let blocks = 0;
    const largest = pieces.map((piece) => {
      const own = Math.ceil(piece.quads / BLOCK);
      const uniforms = { quad_count: piece.quads, first_block: blocks };
      blocks += own;
      return this.#kernels.dispatch('largest', uniforms, own, bind(piece));
    });
    const all = this.#kernels.dispatch('largestOfAll', { block_count: blocks, matrix_index: matrix }, 1, bind());
    const rounded = pieces.map((piece) =>
      this.#kernels.dispatch(
        `round.${piece.scaled!.format}`,
        { quad_count: piece.quads, matrix_index: matrix },
        Math.ceil(piece.quads / THREADS),
        bind(piece),
      ),
    );
    return [...largest, all, ...rounded];
  }

  /** Norms, then the update. Made once: nothing of it depends on the batch. */
  all(tables: (name: TrainingTable) => GPUBuffer): readonly PlannedDispatch[] {
    this.#dispatches ??= [
      ...this.#norms(tables),
      ...this.#elementwise.map((piece) => this.#update(piece, tables)),
      ...(this.#orthogonal?.all(tables) ?? []),
    ];
    return this.#dispatches;
  }

  #norms(tables: (name: TrainingTable) => GPUBuffer): PlannedDispatch[] {
    let first = 0;
    const squares = (['gradient', 'master'] as const).flatMap((which) =>
      this.#pieces.map((piece) => {
        const blocks = Math.ceil(piece.quads / BLOCK);
        const uniforms = { quad_count: piece.quads, first_block: first };
        first += blocks;
        return this.#kernels.dispatch('squares', uniforms, blocks, (name) =>
          name === 'buffer' ? piece.buffers[which] : { buffer: this.#partials },
        );
      }),
    );
    const uniforms = { gradient_blocks: this.#blocks, block_count: 2 * this.#blocks };
    const norms = this.#kernels.dispatch('norms', uniforms, 1, (name) => ({
      buffer: name === 'partials' ? this.#partials : tables(name),
    }));
    return [...squares, norms];
  }

  #update(piece: Piece, tables: (name: TrainingTable) => GPUBuffer): PlannedDispatch {
    const { buffers, quads, rowQuads, firstRow, rows } = piece;
    const uniforms = { quad_count: quads, row_quads: rowQuads, first_row: firstRow };
    return this.#kernels.dispatch(kernelOf(piece), uniforms, Math.ceil(quads / THREADS), (name) => {
      switch (name) {
        case 'master':
        case 'gradient':
          return buffers[name];
        case 'first':
          return buffers.moments[0]!;
        case 'second':
          return buffers.moments[1]!;
        case 'working':
          return buffers.working!;
        case 'rows':
          return { buffer: rows };
        default:
          return { buffer: tables(name) };
      }
    });
  }
}

function kernelOf({ rule, storage, state }: Piece): string {
  return stateKernel(`${rule}.${storage}`, state);
}
