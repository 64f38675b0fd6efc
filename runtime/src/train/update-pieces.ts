/** What the update walks: rows of each buffer with all that belongs to them. */
import type { Device } from '../device/device.js';
import type { DeviceMemory } from '../memory/device-memory.js';
import type { ParameterSpec, Program } from '../program/program.js';
import type { PlacedWeights } from '../weights/placement.js';
import { MOMENTS } from './moments.js';
import type { RuleName } from './moments.js';
import type { TrainingWeights } from './placement.js';
import { roundingStreams } from './rounding.js';

/** Rows of one buffer with all that belongs to them. */
export interface Piece {
  readonly buffers: Readonly<Record<'master' | 'gradient', GPUBufferBinding>> & {
    readonly moments: readonly GPUBufferBinding[];
    readonly working?: GPUBufferBinding;
  };
  readonly storage: 'f32' | 'bf16' | 'f16';
  /** Format of its moments. */
  readonly state: 'f32' | 'bf16';
  readonly rule: RuleName;
  /** Id of the matrix or pack. */
  readonly id: string;
  /** Of the matrix that it is a part of, where that has a working copy in 8 bits. */
  readonly scaled?: { readonly format: 'e4m3' | 'e5m2'; readonly matrix: number };
  readonly quads: number;
  readonly rowQuads: number;
  readonly firstRow: number;
  /** Multiples of rate and decay, two a row; where its moments are in bf16, a row of four words with its random stream. */
  readonly rows: GPUBuffer;
}

/** What an update is told of a parameter. */
export interface ParameterUpdate {
  /** Multiples of learning rate and weight decay. */
  readonly rate: number;
  readonly decay: number;
  readonly rule: RuleName;
}

/** @param seed of random numbers that round moments */
export function piecesOf(
  program: Program,
  weights: TrainingWeights,
  updateOf: (parameter: ParameterSpec) => ParameterUpdate,
  device: Device,
  memory: DeviceMemory,
  seed: number,
): readonly Piece[] {
  const parameters = new Map(program.parameters.map((p) => [p.path, updateOf(p)] as const));
  const rowsBuffer = (label: string, values: Float32Array<ArrayBuffer>): GPUBuffer => {
    const buffer = memory.storage(`multiples of ${label}`, values.byteLength, 'other');
    device.gpu.queue.writeBuffer(buffer, 0, values);
    return buffer;
  };
  const pieces: Piece[] = [];
  let matrices = 0;
  for (const [id, { spec, parts }] of weights.master.matrices) {
    const state = program.training!.moments[id] ?? 'f32';
    const width = state === 'f32' ? 2 : 4;
    const values = new Float32Array(width * spec.rows);
    const words = new Uint32Array(values.buffer);
    for (const part of spec.parts) {
      const { rate, decay } = parameters.get(part.parameter)!;
      const stream = roundingStreams(seed, part.parameter);
      for (let r = 0; r < part.rows; r++) {
        const at = width * (part.row + r * part.stride);
        values.set([rate, decay], at);
        if (state !== 'f32') words[at + 2] = stream(r);
      }
    }
    const rows = rowsBuffer(id, values);
    const { rule } = parameters.get(spec.parts[0]!.parameter)!;
    const working = weights.working.matrices.get(id)!;
    const format = working === weights.master.matrices.get(id) ? undefined : program.training!.scaled[id];
    const scaled = format !== undefined && working.storage === 'f32' ? { format, matrix: matrices++ } : undefined;
    const own = (of: PlacedWeights, i: number): GPUBufferBinding => ({ buffer: of.matrices.get(id)!.parts[i]!.buffer });
    parts.forEach((part, i) => {
      pieces.push({
        buffers: {
          master: own(weights.master, i),
          gradient: own(weights.gradients, i),
          moments: MOMENTS[rule].map((_, which) => own(weights.moments[which]!, i)),
          ...(working.storage === 'f32' && !scaled ? {} : { working: own(weights.working, i) }),
        },
        rule,
        id,
        storage: working.storage,
        state,
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
    const { rule } = parameters.get(pack.parts[0]!.parameter)!;
    pieces.push({
      buffers: {
        master: own(weights.master),
        gradient: own(weights.gradients),
        moments: MOMENTS[rule].map((_, which) => own(weights.moments[which]!)),
      },
      rule,
      id: pack.id,
      storage: 'f32',
      state: 'f32',
      quads: pack.elements / 4,
      rowQuads: 1,
      firstRow: 0,
      rows: rowsBuffer(pack.id, values),
    });
  }
  return pieces;
}
