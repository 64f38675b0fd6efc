/** Running a kernel on plain arrays, with every access checked. */
import { BUFFER_TYPE } from '../buffers.js';
import type { ConstantValues } from '../constants.js';
import { constantValues } from '../constants.js';
import { lanesOf, scalarOf } from '../expressions.js';
import type { BufferDeclaration, Kernel } from '../ir.js';
import * as arithmetic from './arithmetic.js';
import { checkIdentifiers } from './identifiers.js';
import type { Fault } from './faults.js';
import { FaultLog, Stop } from './faults.js';
import { generate } from './generate.js';
import type { Generated } from './generate.js';
import { SharedShadow, StorageShadow } from './memory.js';
import { schedule } from './schedule.js';
import type { WeightsBuffer } from './weights.js';
import { decodeWeights } from './weights.js';
import { byName } from '../../model/by-name.js';

export type BufferData = Float32Array | Uint32Array | Int32Array | WeightsBuffer;

export interface RunOptions {
  /** By buffer name. Written in place. Vectors are runs of components. */
  readonly buffers: Readonly<Record<string, BufferData>>;
  readonly uniforms?: Readonly<Record<string, number>>;
  /** Number of workgroups. */
  readonly grid: readonly [number, number, number];
  /** Values of tile constants in place of the declared ones. */
  readonly constants?: ConstantValues;
  /** Default 4. The last subgroup may be smaller. */
  readonly subgroupSize?: number;
  /** Buffers whose contents may not be read before the kernel has written them. */
  readonly uninitialised?: readonly string[];
  /** Whether NaN and infinity may be stored; default no. */
  readonly allowNonFinite?: boolean;
  /** Without races and reads of uninitialised memory: several times faster. */
  readonly fast?: boolean;
  /** Loop iterations of all invocations together; default 2^28. */
  readonly iterations?: number;
  /** Distinct faults after which the run ends; default 16. */
  readonly faultLimit?: number;
}

export interface RunResult {
  readonly faults: readonly Fault[];
  /** For each buffer named in `uninitialised`: elements that were not written completely. */
  readonly unwritten: Readonly<Record<string, number>>;
  /** For each buffer that the kernel only reads: elements up to the last one that was read. Empty if `fast`, or where the run ended early. */
  readonly reach: Readonly<Record<string, number>>;
}

/**
 * Executes every workgroup of a dispatch, one after another. Faults do not stop it where it can go on: an index out of
 * bounds reads element 0 and writes nothing.
 *
 * @throws Error where the kernel or the bindings make no sense (undeclared names, a missing buffer, the wrong array type)
 */
export function run(kernel: Kernel, options: RunOptions): RunResult {
  const checked = !options.fast;
  const program = compiled(kernel, constantValues(kernel, options.constants), checked);
  const log = new FaultLog(program.paths, options.faultLimit ?? 16);
  const invocations = kernel.workgroupSize.reduce((a, b) => a * b, 1);
  const unread = new Set(options.uninitialised ?? []);
  const buffers = kernel.buffers.map((declaration) => {
    const type = BUFFER_TYPE[declaration.element];
    const data = arrayOf(kernel, declaration, options.buffers[declaration.name]);
    const length = Math.floor(data.length / lanesOf(type));
    const shadowed = checked && declaration.access === 'read_write';
    const shadow = shadowed
      ? new StorageShadow(declaration.name, length, lanesOf(type), !unread.has(declaration.name), invocations, log)
      : undefined;
    return { name: declaration.name, data, length, shadow };
  });
  const shadows = program.generated.shared.map((s) =>
    checked ? new SharedShadow(s.name, s.length, invocations, log) : undefined,
  );
  const uniforms = kernel.uniforms.map(({ name, type }) => uniformValue(kernel, name, type, options.uniforms?.[name]));
  const stop = (
    scope: 'workgroup' | 'dispatch',
    kind: Fault['kind'],
    site: number,
    t: number,
    message: string,
  ): never => {
    log.report(kind, site, t, message);
    throw new Stop(scope);
  };
  const rt = {
    ...LIBRARY,
    log,
    Stop,
    stop,
    report: log.report.bind(log),
    /** Reports an index, and gives another in its place. */
    outside: (name: string, i: number, length: number, site: number, t: number, instead: number): number => {
      log.report('out_of_bounds', site, t, `${name}[${i}] of ${length}`);
      return instead;
    },
    finite: !options.allowNonFinite,
    budget: options.iterations ?? 2 ** 28,
  };
  const [gx, gy, gz] = options.grid;
  const reach = byName<number>();
  try {
    reportAliases(kernel, options.buffers, log);
    const ends = program.execute(rt, buffers, shadows, uniforms, gx, gy, gz, options.subgroupSize ?? 4);
    if (checked) kernel.buffers.forEach((b, i) => b.access === 'read' && (reach[b.name] = ends[i]!));
  } catch (error) {
    // Enough faults.
    if (!(error instanceof Stop)) throw error;
  }
  const unwritten = byName<number>();
  for (const { name, shadow } of buffers) if (unread.has(name) && shadow) unwritten[name] = shadow.unwritten;
  return { faults: log.faults, unwritten, reach };
}

const LIBRARY = {
  fr: Math.fround,
  imul: Math.imul,
  h: arithmetic.f16,
  F: arithmetic.FLOAT_FUNCTIONS,
  I: arithmetic.INTEGER_FUNCTIONS,
  floatToU32: arithmetic.floatToU32,
  floatToI32: arithmetic.floatToI32,
  bitsOfF32: arithmetic.bitsOfF32,
  f32OfBits: arithmetic.f32OfBits,
  pack2x16float: arithmetic.pack2x16float,
  f16OfBits: arithmetic.f16OfBits,
  subgroup: arithmetic.subgroupOperation,
  identities: {
    f32: Math.fround,
    f16: arithmetic.f16,
    u32: (x: number) => x >>> 0,
    i32: (x: number) => x | 0,
    bool: (x: number) => x,
  },
};

interface CompiledKernel {
  readonly generated: Generated;
  readonly paths: readonly string[];
  readonly execute: (
    rt: object,
    buffers: readonly object[],
    shadows: readonly unknown[],
    uniforms: readonly number[],
    gx: number,
    gy: number,
    gz: number,
    subgroupSize: number,
  ) => readonly number[];
}

const cache = new WeakMap<Kernel, Map<string, CompiledKernel>>();

function compiled(kernel: Kernel, constants: ConstantValues, checked: boolean): CompiledKernel {
  const key = `${checked}:${Object.entries(constants)
    .map(([name, value]) => `${name}=${value}`)
    .join()}`;
  let variants = cache.get(kernel);
  if (!variants) cache.set(kernel, (variants = new Map()));
  const known = variants.get(key);
  if (known) return known;
  checkIdentifiers(kernel);
  const plan = schedule(kernel);
  const generated = generate(kernel, plan, { constants, checked });
  // The text is made of identifiers, numbers and checked names of the generator's own.
  const execute = new Function(
    'rt',
    'buffers',
    'shadows',
    'uniforms',
    'gx',
    'gy',
    'gz',
    'S',
    generated.source,
  ) as CompiledKernel['execute'];
  const program = { generated, paths: plan.paths, execute };
  variants.set(key, program);
  return program;
}

function arrayOf(
  kernel: Kernel,
  declaration: BufferDeclaration,
  data: BufferData | undefined,
): Exclude<BufferData, WeightsBuffer> {
  const where = `kernel ${kernel.name}, buffer ${declaration.name}`;
  if (data === undefined) throw new Error(`${where}: nothing is bound`);
  if (declaration.element === 'weights')
    return data instanceof Float32Array ? data : decodeWeights(data as WeightsBuffer);
  const scalar = scalarOf(BUFFER_TYPE[declaration.element]);
  const wanted = scalar === 'f32' ? Float32Array : scalar === 'u32' ? Uint32Array : Int32Array;
  if (!(data instanceof wanted)) throw new Error(`${where}: a ${wanted.name} is needed`);
  return data;
}

function uniformValue(kernel: Kernel, name: string, type: 'u32' | 'i32' | 'f32', value: number | undefined): number {
  if (value === undefined) throw new Error(`kernel ${kernel.name}: uniform ${name} has no value`);
  if (type === 'f32') return Math.fround(value);
  const [low, high] = type === 'u32' ? [0, 0xffffffff] : [-0x80000000, 0x7fffffff];
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new Error(`kernel ${kernel.name}: uniform ${name} is ${value}, not a ${type}`);
  }
  return value;
}

/** WebGPU does not bind memory twice when one of the bindings is written. */
function reportAliases(kernel: Kernel, data: Readonly<Record<string, BufferData>>, log: FaultLog): void {
  kernel.buffers.forEach((a, i) => {
    for (const b of kernel.buffers.slice(0, i)) {
      if (a.access === 'read' && b.access === 'read') continue;
      const x = viewOf(data[a.name]);
      const y = viewOf(data[b.name]);
      if (!x || !y || x.buffer !== y.buffer) continue;
      if (x.byteOffset < y.byteOffset + y.byteLength && y.byteOffset < x.byteOffset + x.byteLength) {
        log.report('aliasing', -1 - i, 0, `${b.name} and ${a.name} are bound to the same memory`);
      }
    }
  });
}

function viewOf(data: BufferData | undefined): ArrayBufferView | undefined {
  return data !== undefined && 'storage' in data ? data.data : data;
}
