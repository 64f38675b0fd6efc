import type { Device } from '../device/device.js';
import type { DeviceMemory } from '../memory/device-memory.js';
import type { Program, StorageType } from '../program/program.js';
import { WEIGHT_FORMATS } from '../shaders/weights.js';
import { matrixStorage, placeVectors, placeWeights } from '../weights/placement.js';
import type { PlacedMatrix, PlacedWeights } from '../weights/placement.js';
import { MOMENTS, mostMoments } from './moments.js';
import type { RuleName } from './moments.js';

/** Where weights and what belongs to each of them are: all laid out and cut alike, so that updates are element by element. */
export interface TrainingWeights {
  /** f32. */
  readonly master: PlacedWeights;
  readonly gradients: PlacedWeights;
  /** Moments of the update rules, by their place in `MOMENTS`; of parameters whose rules have so many. Of matrices also in bf16. */
  readonly moments: readonly PlacedWeights[];
  /** What kernels read: the master copies themselves, or narrower copies. */
  readonly working: PlacedWeights;
}

/**
 * @param storage of the working copies of matrices; by default as the program says
 * @param ruleOf of a parameter; those of one matrix or pack have the same
 */
export function placeTraining(
  program: Program,
  storage: StorageType | undefined,
  ruleOf: (parameter: string) => RuleName,
  device: Device,
  memory: DeviceMemory,
): TrainingWeights {
  const master = placeWeights(program, 'f32', device, memory);
  const copy = (
    name: string,
    of: (parameter: string) => boolean = () => true,
    storageOf: (id: string) => StorageType = () => 'f32',
  ): PlacedWeights => {
    const own = [...master.matrices].filter(([, { spec }]) => of(spec.parts[0]!.parameter));
    const packs = program.vectors.filter(({ parts }) => parts.length === 0 || of(parts[0]!.parameter));
    return {
      matrices: new Map(
        own.map(([id, matrix]) => [id, like(matrix, storageOf(id), `${name} of matrix ${id}`, memory)] as const),
      ),
      vectors: placeVectors({ ...program, vectors: packs }, device, memory),
    };
  };
  const working = new Map<string, PlacedMatrix>();
  for (const [id, matrix] of master.matrices) {
    if (storage === undefined && program.training?.scaled[id] !== undefined) {
      working.set(id, like(matrix, 'f32', `8-bit copy of matrix ${id}`, memory));
      continue;
    }
    const type = storage ?? matrixStorage(program, matrix.spec);
    working.set(id, type === 'f32' ? matrix : like(matrix, type, `${type} copy of matrix ${id}`, memory));
  }
  return {
    master,
    gradients: copy('gradient'),
    moments: Array.from({ length: mostMoments(program.parameters.map(({ path }) => ruleOf(path))) }, (_, i) =>
      copy(
        `moment ${i + 1}`,
        (path) => MOMENTS[ruleOf(path)].length > i,
        (id) => program.training?.moments[id] ?? 'f32',
      ),
    ),
    working: { matrices: working, vectors: master.vectors },
  };
}

/** Buffers for the same rows in another storage type. */
function like(matrix: PlacedMatrix, storage: StorageType, label: string, memory: DeviceMemory): PlacedMatrix {
  const rowBytes = matrix.spec.columns * WEIGHT_FORMATS[storage].bytes;
  const parts = matrix.parts.map(({ row, rows }) => ({
    row,
    rows,
    buffer: memory.storage(label, rows * rowBytes, 'weights'),
  }));
  return { spec: matrix.spec, storage, rowBytes, parts };
}
