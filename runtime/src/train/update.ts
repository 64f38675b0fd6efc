/** The end of a step: norms over all gradients and parameters, and the update of every matrix and pack, on the device. */
import type { Device } from '../device/device.js';
import { USAGE, type DeviceMemory } from '../memory/device-memory.js';
import type { CompiledKernel, Kernels } from '../program/kernels.js';
import type { PlannedDispatch } from '../program/plan.js';
import type { ParameterSpec, Program } from '../program/program.js';
import type { TrainingTable } from '../program/training.js';
import type { PlacedWeights } from '../weights/placement.js';
import { BLOCK_QUADS } from './memory-plan.js';
import type { TrainingWeights } from './placement.js';

/** Fours of elements of a block of sums, and invocations of a workgroup, as the kernels have them. */
const BLOCK = BLOCK_QUADS;
const THREADS = 64;
const MOST_GROUPS = 32_768;

/** Rows of one buffer with all that belongs to them. */
interface Piece {
  readonly buffers: Readonly<Record<'master' | 'gradient', GPUBufferBinding>> & {
    readonly moments: readonly GPUBufferBinding[];
    readonly working?: GPUBufferBinding;
  };
  readonly storage: 'f32' | 'bf16' | 'f16';
  /** Of the matrix that it is a part of, where that has a working copy in 8 bits. */
  readonly scaled?: { readonly format: 'e4m3' | 'e5m2'; readonly matrix: number };
  readonly quads: number;
  readonly rowQuads: number;
  readonly firstRow: number;
  /** Multiples of rate and decay, two a row. */
  readonly rows: GPUBuffer;
}

export interface Multiples {
  readonly rate: number;
  readonly decay: number;
}

export type RuleName = 'AdamW' | 'SGD';

export class Update {
  readonly #pieces: readonly Piece[];
  readonly #partials: GPUBuffer;
  readonly #scales: GPUBuffer | undefined;
  #scaling: readonly PlannedDispatch[] | undefined;
  readonly #blocks: number;
  #dispatches: readonly PlannedDispatch[] | undefined;
  readonly #losses = new Map<number, { readonly losses: GPUBuffer; readonly made: PlannedDispatch }>();

  constructor(
    readonly program: Program,
    readonly device: Device,
    readonly memory: DeviceMemory,
    readonly kernels: Kernels,
    weights: TrainingWeights,
    readonly rule: RuleName,
    multiples: (parameter: ParameterSpec) => Multiples,
  ) {
    this.#pieces = piecesOf(program, weights, multiples, device, memory);
    this.#blocks = this.#pieces.reduce((n, piece) => n + Math.ceil(piece.quads / BLOCK), 0);
    this.#partials = memory.storage('blocks of norms', 16 * this.#blocks, 'other');
    const matrices = new Set(this.#pieces.flatMap(({ scaled }) => (scaled ? [scaled.matrix] : [])));
    this.#scales = matrices.size === 0 ? undefined : memory.storage('scales', 4 * matrices.size, 'other');
  }

  #step(name: string) {
    return this.program.training!.update[name]!;
  }

  async compile(): Promise<void> {
    const names = new Set(['addLosses', 'squares', 'norms', ...this.#pieces.map((p) => `${this.rule}.${p.storage}`)]);
    for (const { scaled } of this.#pieces) {
      if (scaled) for (const name of ['largest', 'largestOfAll', `round.${scaled.format}`]) names.add(name);
    }
    await Promise.all([...names].map((name) => this.kernels.compile(this.#step(name).kernel, [])));
  }

  /** Adds the losses of a part of so many rows to the totals. */
  addLosses(rows: number, tables: (name: TrainingTable) => GPUBuffer): PlannedDispatch {
    let known = this.#losses.get(rows);
    const losses = tables('losses');
    if (known?.losses !== losses) {
      const made = this.#dispatch('addLosses', { row_count: rows }, 1, (name) => ({ buffer: tables(name) }));
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
      return this.#dispatch('largest', uniforms, own, bind(piece));
    });
    const all = this.#dispatch('largestOfAll', { block_count: blocks, matrix_index: matrix }, 1, bind());
    const rounded = pieces.map((piece) =>
      this.#dispatch(
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
    this.#dispatches ??= [...this.#norms(tables), ...this.#pieces.map((piece) => this.#update(piece, tables))];
    return this.#dispatches;
  }

  #norms(tables: (name: TrainingTable) => GPUBuffer): PlannedDispatch[] {
    let first = 0;
    const squares = (['gradient', 'master'] as const).flatMap((which) =>
      this.#pieces.map((piece) => {
        const blocks = Math.ceil(piece.quads / BLOCK);
        const uniforms = { quad_count: piece.quads, first_block: first };
        first += blocks;
        return this.#dispatch('squares', uniforms, blocks, (name) =>
          name === 'buffer' ? piece.buffers[which] : { buffer: this.#partials },
        );
      }),
    );
    const uniforms = { gradient_blocks: this.#blocks, block_count: 2 * this.#blocks };
    const norms = this.#dispatch('norms', uniforms, 1, (name) => ({
      buffer: name === 'partials' ? this.#partials : tables(name),
    }));
    return [...squares, norms];
  }

  #update(piece: Piece, tables: (name: TrainingTable) => GPUBuffer): PlannedDispatch {
    const { buffers, quads, rowQuads, firstRow, rows } = piece;
    const uniforms = { quad_count: quads, row_quads: rowQuads, first_row: firstRow };
    return this.#dispatch(`${this.rule}.${piece.storage}`, uniforms, Math.ceil(quads / THREADS), (name) => {
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

  #dispatch(
    name: string,
    uniforms: Readonly<Record<string, number>>,
    groups: number,
    bind: (table: TrainingTable) => GPUBufferBinding,
  ): PlannedDispatch {
    const step = this.#step(name);
    const kernel: CompiledKernel = this.kernels.get(step.kernel, []);
    const { gpu } = this.device;
    const entries: GPUBindGroupEntry[] = step.bind.map((operand, binding) => ({
      binding,
      resource: bind((operand as { readonly training: TrainingTable }).training),
    }));
    const words = Uint32Array.from(kernel.spec.uniforms, (u) => uniforms[u.name]!);
    const buffer = this.memory.buffer('uniforms', Math.ceil(words.length / 4) * 16, UNIFORM, 'other');
    gpu.queue.writeBuffer(buffer, 0, words);
    entries.push({ binding: step.bind.length, resource: { buffer } });
    const bindGroup = gpu.createBindGroup({ label: name, layout: kernel.layout, entries });
    const x = Math.min(groups, MOST_GROUPS);
    return { pipeline: kernel.pipeline, bindGroup, grid: [x, Math.ceil(groups / x), 1], instance: 0, operations: 0 };
  }
}

const UNIFORM = USAGE.UNIFORM | USAGE.COPY_DST;

function piecesOf(
  program: Program,
  weights: TrainingWeights,
  multiples: (parameter: ParameterSpec) => Multiples,
  device: Device,
  memory: DeviceMemory,
): readonly Piece[] {
  const parameters = new Map(program.parameters.map((p) => [p.path, multiples(p)] as const));
  const rowsBuffer = (label: string, values: Float32Array<ArrayBuffer>): GPUBuffer => {
    const buffer = memory.storage(`multiples of ${label}`, values.byteLength, 'other');
    device.gpu.queue.writeBuffer(buffer, 0, values);
    return buffer;
  };
  const pieces: Piece[] = [];
  let matrices = 0;
  for (const [id, { spec, parts }] of weights.master.matrices) {
    const values = new Float32Array(2 * spec.rows);
    for (const part of spec.parts) {
      const { rate, decay } = parameters.get(part.parameter)!;
      for (let r = 0; r < part.rows; r++) values.set([rate, decay], 2 * (part.row + r * part.stride));
    }
    const rows = rowsBuffer(id, values);
    const working = weights.working.matrices.get(id)!;
    const format = working === weights.master.matrices.get(id) ? undefined : program.training!.scaled[id];
    const scaled = format !== undefined && working.storage === 'f32' ? { format, matrix: matrices++ } : undefined;
    const own = (of: PlacedWeights, i: number): GPUBufferBinding => ({ buffer: of.matrices.get(id)!.parts[i]!.buffer });
    parts.forEach((part, i) => {
      pieces.push({
        buffers: {
          master: own(weights.master, i),
          gradient: own(weights.gradients, i),
          moments: weights.moments.map((m) => own(m, i)),
          ...(working.storage === 'f32' && !scaled ? {} : { working: own(weights.working, i) }),
        },
        storage: working.storage,
        ...(scaled ? { scaled } : {}),
        quads: (part.rows * spec.columns) / 4,
        rowQuads: spec.columns / 4,
        firstRow: part.row,
        rows,
      });
    });
  }
  for (const pack of program.vectors) {
    // A pack counts as rows of four: parameters begin at multiples of that.
    const values = new Float32Array(pack.elements / 2);
    for (const { parameter, offset, elements } of pack.parts) {
      const { rate, decay } = parameters.get(parameter)!;
      for (let row = offset / 4; row < (offset + elements) / 4; row++) values.set([rate, decay], 2 * row);
    }
    const own = (of: PlacedWeights): GPUBufferBinding => {
      const { buffer, offset } = of.vectors.get(pack.id)!;
      return { buffer, offset, size: pack.elements * 4 };
    };
    pieces.push({
      buffers: {
        master: own(weights.master),
        gradient: own(weights.gradients),
        moments: weights.moments.map(own),
      },
      storage: 'f32',
      quads: pack.elements / 4,
      rowQuads: 1,
      firstRow: 0,
      rows: rowsBuffer(pack.id, values),
    });
  }
  return pieces;
}
