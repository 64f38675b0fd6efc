import type { Device } from '../device/device.js';
import { ProgramError, WeightsError } from '../errors.js';
import type { MatrixSpec, ParameterSpec, Program, StorageType } from '../program/program.js';
import { WEIGHT_FORMATS } from '../shaders/weights.js';
import { bytesOf, convert, findNonFinite, roundTo } from './convert.js';
import { product, type ParameterSource } from './match.js';
import { rowsWithin } from './placement.js';
import type { PlacedMatrix, PlacedWeights } from './placement.js';
import type { LoadProgress } from './types.js';

export interface StreamOptions {
  readonly storage?: StorageType | undefined;
  readonly nonFinite: 'error' | 'warn' | 'ignore';
  readonly warn: (message: string) => void;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes read at once, also the size of each of the buffers that values go through. */
  readonly chunkBytes?: number;
}

/** One read from a file, and what to do with the bytes. */
interface Job {
  readonly from: ParameterSource;
  /** In elements of the parameter. */
  readonly first: number;
  readonly count: number;
  readonly use: (bytes: Uint8Array) => void;
}

const CHUNK = 8 * 1024 * 1024;
/** Written bytes that the queue may hold in buffers of its own before it has to catch up. */
const UNFLUSHED = 32 * 1024 * 1024;

/**
 * Streams a checkpoint's values to where `placeWeights` made room for them, converting on the way. Memory on the host is
 * bounded: two buffers of `chunkBytes` for reading, one for converting, and what the queue has not taken yet.
 */
export async function streamWeights(
  program: Program,
  sources: ReadonlyMap<string, ParameterSource>,
  placed: PlacedWeights,
  device: Device,
  options: StreamOptions,
): Promise<void> {
  await new WeightStream(program, sources, placed, device, options).run();
}

class WeightStream {
  readonly #parameters: ReadonlyMap<string, ParameterSpec>;
  readonly #sources: ReadonlyMap<string, ParameterSource>;
  readonly #placed: PlacedWeights;
  readonly #program: Program;
  readonly #device: Device;
  readonly #options: StreamOptions;
  readonly #chunk: number;
  #staging: Uint8Array;
  #unflushed = 0;
  readonly #notFinite = new Set<string>();

  constructor(
    program: Program,
    sources: ReadonlyMap<string, ParameterSource>,
    placed: PlacedWeights,
    device: Device,
    options: StreamOptions,
  ) {
    this.#program = program;
    this.#parameters = new Map(program.parameters.map((parameter) => [parameter.path, parameter]));
    this.#sources = sources;
    this.#placed = placed;
    this.#device = device;
    this.#options = options;
    this.#chunk = options.chunkBytes ?? CHUNK;
    this.#staging = new Uint8Array(this.#chunk);
  }

  async run(): Promise<void> {
    const totalBytes = this.#totalBytes();
    let loadedBytes = 0;
    const readers = [new Reader(this.#options.signal), new Reader(this.#options.signal)] as const;
    const jobs = this.#jobs();
    let turn = 0;
    let pending = readers[turn]!.start(jobs.next().value);
    try {
      while (pending) {
        const { job, bytes } = await pending;
        turn = 1 - turn;
        // The next read runs while this chunk is converted and written.
        pending = readers[turn]!.start(jobs.next().value);
        job.use(bytes);
        loadedBytes += bytes.byteLength;
        this.#options.onProgress?.({ loadedBytes, totalBytes, tensor: job.from.tensor.name });
        if (this.#unflushed > UNFLUSHED) await this.#flush();
      }
      await this.#flush();
    } catch (error) {
      await pending?.catch(() => undefined);
      throw error;
    }
    if (this.#notFinite.size > 0) this.#options.warn(notFiniteMessage([...this.#notFinite]));
  }

  #totalBytes(): number {
    let bytes = 0;
    const add = (path: string): void => {
      const { elements, dtype } = this.#source(path);
      bytes += elements * bytesOf(dtype);
    };
    for (const { parts } of this.#program.matrices) for (const { parameter } of parts) add(parameter);
    for (const { parts } of this.#program.vectors) for (const { parameter } of parts) add(parameter);
    return bytes;
  }

  #source(path: string): ParameterSource {
    const source = this.#sources.get(path);
    if (!source) throw new ProgramError('bad-program', `There is no parameter ${path}.`);
    return source;
  }

  /** Reads are started one ahead; `use` runs in order, and the staging buffer belongs to one window at a time. */
  *#jobs(): Generator<Job, undefined> {
    for (const matrix of this.#placed.matrices.values()) yield* this.#matrixJobs(matrix);
    for (const pack of this.#program.vectors) yield* this.#vectorJobs(pack);
  }

  *#matrixJobs(matrix: PlacedMatrix): Generator<Job, undefined> {
    const { spec, rowBytes, storage } = matrix;
    const gaps = hasGaps(spec);
    const sourceRow = Math.max(...spec.parts.map((part) => part.columns * bytesOf(this.#source(part.parameter).dtype)));
    const windowRows = Math.max(1, Math.floor(this.#chunk / Math.max(rowBytes, sourceRow)));
    for (const part of matrix.parts) {
      for (let row = part.row; row < part.row + part.rows; row += windowRows) {
        const end = Math.min(row + windowRows, part.row + part.rows);
        const jobs = this.#windowJobs(matrix, row, end);
        for (const [i, job] of jobs.entries()) {
          const use = (bytes: Uint8Array): void => {
            const window = this.#window((end - row) * rowBytes);
            if (i === 0 && gaps) window.fill(0);
            job.use(bytes);
            if (i < jobs.length - 1) return;
            this.#checkFinite(window, storage, spec, row);
            this.#write(part.buffer, (row - part.row) * rowBytes, window);
          };
          yield { ...job, use };
        }
      }
    }
  }

  /** Reads of the rows of each parameter that are in rows `start` … `end` of a matrix. */
  #windowJobs({ spec, rowBytes, storage }: PlacedMatrix, start: number, end: number): Job[] {
    const jobs: Job[] = [];
    for (const part of spec.parts) {
      const from = this.#source(part.parameter);
      if (from.elements !== part.rows * part.columns) {
        throw new ProgramError('bad-program', `${part.parameter} does not have the shape that matrix ${spec.id} says.`);
      }
      const { first, end: last } = rowsWithin(part, start, end);
      if (first >= last) continue;
      const sourceBytes = part.columns * bytesOf(from.dtype);
      const contiguous = part.stride === 1 && part.columns === spec.columns;
      const use = (bytes: Uint8Array): void => {
        const window = this.#window((end - start) * rowBytes);
        const at = (r: number): number => (part.row + r * part.stride - start) * rowBytes;
        if (contiguous) {
          convert(bytes, from.dtype, window.subarray(at(first)), storage, (last - first) * part.columns);
          return;
        }
        for (let r = first; r < last; r++) {
          const row = bytes.subarray((r - first) * sourceBytes);
          convert(row, from.dtype, window.subarray(at(r)), storage, part.columns);
        }
      };
      jobs.push({ from, first: first * part.columns, count: (last - first) * part.columns, use });
    }
    return jobs;
  }

  *#vectorJobs(pack: Program['vectors'][number]): Generator<Job, undefined> {
    const place = this.#placed.vectors.get(pack.id)!;
    for (const part of pack.parts) {
      const from = this.#source(part.parameter);
      const spec = this.#parameters.get(part.parameter)!;
      if (from.elements !== part.elements || product(spec.shape) !== part.elements) {
        throw new ProgramError('bad-program', `${part.parameter} does not have the size that pack ${pack.id} says.`);
      }
      const most = Math.floor(this.#chunk / Math.max(4, bytesOf(from.dtype)));
      for (let first = 0; first < part.elements; first += most) {
        const count = Math.min(most, part.elements - first);
        const use = (bytes: Uint8Array): void => {
          const window = this.#window(count * 4);
          convert(bytes, from.dtype, window, 'f32', count);
          roundTo(new Float32Array(window.buffer, 0, count), this.#options.storage === 'f32' ? 'f32' : spec.dtype);
          const bad = this.#options.nonFinite === 'ignore' ? -1 : findNonFinite(window, 'f32');
          if (bad >= 0) this.#notFiniteAt(part.parameter, first + bad);
          this.#write(place.buffer, place.offset + (part.offset + first) * 4, window);
        };
        yield { from, first, count, use };
      }
    }
  }

  /** The start of the staging buffer; a single row may be larger than a chunk. */
  #window(bytes: number): Uint8Array {
    if (bytes > this.#staging.byteLength) this.#staging = new Uint8Array(bytes);
    return this.#staging.subarray(0, bytes);
  }

  #write(buffer: GPUBuffer, offset: number, bytes: Uint8Array): void {
    this.#device.gpu.queue.writeBuffer(buffer, offset, bytes as Uint8Array<ArrayBuffer>);
    this.#unflushed += bytes.byteLength;
  }

  async #flush(): Promise<void> {
    this.#unflushed = 0;
    // Writes start with the next submission.
    this.#device.gpu.queue.submit([]);
    await this.#device.idle();
    this.#options.signal?.throwIfAborted();
  }

  #checkFinite(window: Uint8Array, storage: StorageType, spec: MatrixSpec, start: number): void {
    if (this.#options.nonFinite === 'ignore') return;
    const bad = findNonFinite(window, storage);
    if (bad < 0) return;
    const row = start + Math.floor(bad / spec.columns);
    const column = bad % spec.columns;
    for (const part of spec.parts) {
      const r = (row - part.row) / part.stride;
      if (!Number.isInteger(r) || r < 0 || r >= part.rows) continue;
      this.#notFiniteAt(
        part.parameter,
        r * part.columns + column,
        WEIGHT_FORMATS[storage].bytes === 2 ? storage : undefined,
      );
      return;
    }
  }

  #notFiniteAt(parameter: string, element: number, storage?: StorageType): void {
    const { tensor, element: start } = this.#source(parameter);
    let rest = start + element;
    const index: number[] = [];
    for (const size of [...tensor.shape].reverse()) {
      index.unshift(rest % size);
      rest = Math.floor(rest / size);
    }
    const where = `${tensor.name}[${index.join(', ')}]${storage ? ` (as ${storage})` : ''}`;
    if (this.#options.nonFinite === 'error') {
      throw new WeightsError(
        'weights-not-finite',
        `${notFiniteMessage([where])} Nothing sensible can be computed with it; \`nonFinite: 'warn'\` loads it all the same.`,
        { items: [where] },
      );
    }
    if (this.#notFinite.size < 100) this.#notFinite.add(where);
  }
}

function notFiniteMessage(where: readonly string[]): string {
  return `The checkpoint holds NaN, infinity or values too large for their storage: ${where.join(', ')}.`;
}

/** Rows or columns that no parameter fills, and that therefore have to be zero. */
function hasGaps(spec: MatrixSpec): boolean {
  const filled = spec.parts.reduce((rows, part) => rows + part.rows, 0);
  return filled < spec.rows || spec.parts.some((part) => part.columns < spec.columns);
}

/** Reads chunks into a buffer of its own. */
class Reader {
  #into = new Uint8Array(0);
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  start(job: Job | undefined): Promise<{ job: Job; bytes: Uint8Array }> | undefined {
    const read = job && this.#read(job);
    // It is awaited later than it may fail.
    read?.catch(() => undefined);
    return read;
  }

  async #read(job: Job): Promise<{ job: Job; bytes: Uint8Array }> {
    this.#signal?.throwIfAborted();
    const { tensor, dtype, element } = job.from;
    const size = bytesOf(dtype);
    const length = job.count * size;
    if (this.#into.byteLength < length) this.#into = new Uint8Array(length);
    const bytes = await tensor.source.read(tensor.offset + (element + job.first) * size, length, {
      signal: this.#signal,
      into: this.#into,
    });
    return { job, bytes };
  }
}
