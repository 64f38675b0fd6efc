import { KernelBuilder } from '@hyb/compiler/kernel/build';
import type { Mutant } from '@hyb/compiler/kernel/check/index';
import { mutate, PROBE, run } from '@hyb/compiler/kernel/check/index';
import * as x from '@hyb/compiler/kernel/expressions';
import type { Kernel } from '@hyb/compiler/kernel/ir';
import { verifyKernel } from '@hyb/compiler/kernel/verify';

const TILE = 4;

/** c = a bᵀ with tiles in workgroup memory, any sizes. */
function matmul(): Kernel {
  const b = new KernelBuilder();
  const left = b.buffer('left', 'f32', 'read', '[m, k]');
  const right = b.buffer('right', 'f32', 'read', '[n, k]');
  const out = b.buffer('out', 'f32', 'read_write', '[m, n]');
  const m = b.uniform('m', 'u32', 'rows');
  const n = b.uniform('n', 'u32', 'columns');
  const depth = b.uniform('depth', 'u32', 'inner');
  const tileL = b.shared('tile_left', 'f32', TILE * TILE);
  const tileR = b.shared('tile_right', 'f32', TILE * TILE);
  const i = x.builtin('local_y');
  const j = x.builtin('local_x');
  const row = b.let('row', x.add(x.mul(x.builtin('workgroup_y'), TILE), i));
  const column = b.let('column', x.add(x.mul(x.builtin('workgroup_x'), TILE), j));
  const total = b.variable('total', 'f32', x.f32(0));
  const other = b.let('other', x.add(x.mul(x.builtin('workgroup_x'), TILE), i));
  b.for(
    'from',
    0,
    depth,
    (from) => {
      const k = b.let('k', x.add(from, j));
      const at = b.let('at', x.add(x.mul(i, TILE), j));
      const l = b.variable('l', 'f32', x.f32(0));
      b.if(x.and(x.lt(row, m), x.lt(k, depth)), () => l.set(left.at(x.add(x.mul(row, depth), k))));
      tileL.set(at, l.value);
      const r = b.variable('r', 'f32', x.f32(0));
      b.if(x.and(x.lt(other, n), x.lt(k, depth)), () => r.set(right.at(x.add(x.mul(other, depth), k))));
      tileR.set(at, r.value);
      b.barrier();
      b.for('s', 0, TILE, (s) => {
        const product = x.mul(tileL.at(x.add(x.mul(i, TILE), s)), tileR.at(x.add(x.mul(j, TILE), s)));
        total.set(x.add(total.value, product));
      });
      b.barrier();
    },
    { step: TILE },
  );
  b.if(x.and(x.lt(row, m), x.lt(column, n)), () => out.set(x.add(x.mul(row, n), column), total.value));
  return b.finish({ name: 'matmul', doc: 'c = a bᵀ', workgroupSize: [TILE, TILE, 1] });
}

const SIZES = { m: 6, n: 7, depth: 9 };

function execute(kernel: Kernel): { faults: readonly string[]; out: Float32Array; probe: Uint32Array } {
  const { m, n, depth } = SIZES;
  const left = Float32Array.from({ length: m * depth }, (_, i) => 1 + ((i * 7) % 11));
  const right = Float32Array.from({ length: n * depth }, (_, i) => 1 + ((i * 5) % 13));
  const out = new Float32Array(m * n);
  const grid = [Math.ceil(n / TILE), Math.ceil(m / TILE), 1] as const;
  const probe = new Uint32Array(1);
  const buffers = { left, right, out, [PROBE]: probe };
  // All invocations note the same in a probe, which no barrier orders.
  const fast = kernel.buffers.some(({ name }) => name === PROBE);
  const result = run(kernel, { buffers, uniforms: SIZES, grid, uninitialised: ['out'], fast });
  return { faults: result.faults.map((f) => f.kind), out, probe };
}

function reference(): Float32Array {
  const { m, n, depth } = SIZES;
  return Float32Array.from({ length: m * n }, (_, at) => {
    const [row, column] = [Math.floor(at / n), at % n];
    let total = 0;
    for (let k = 0; k < depth; k++) {
      total += (1 + (((row * depth + k) * 7) % 11)) * (1 + (((column * depth + k) * 5) % 13));
    }
    return total;
  });
}

const caught = ({ kernel }: Mutant): boolean => {
  if (verifyKernel(kernel).length > 0) return true;
  const { faults, out } = execute(kernel);
  return faults.length > 0 || out.some((v, i) => v !== reference()[i]);
};

test('the kernel itself is sound', () => {
  expect(verifyKernel(matmul())).toEqual([]);
  expect(execute(matmul())).toMatchObject({ faults: [], out: reference() });
});

/** Whether the mutant executes what the kernel executes. */
const same = (mutant: Mutant): boolean => {
  const { faults, probe } = execute(mutant.probe());
  expect(faults).toEqual([]);
  return probe[0] === 0;
};

test('mutants are caught, but for those that execute the same', () => {
  const mutants = mutate(matmul());
  expect(new Set(mutants.map((m) => m.kind))).toEqual(
    new Set(['drop_barrier', 'off_by_one', 'loop_bounds', 'drop_mask', 'strictness', 'initial_value', 'drop_store']),
  );
  expect(mutants.length).toBeGreaterThan(35);
  const survivors = mutants.filter((m) => !caught(m));
  expect(survivors.filter((m) => !same(m)).map((m) => `${m.kind} ${m.path}: ${m.description}`)).toEqual([]);
  // Nine columns in fours take three rounds, and so do ten.
  expect(survivors.map((m) => `${m.kind} ${m.path}: ${m.description}`)).toEqual([
    'loop_bounds 4.for(from): ends one later',
  ]);
});

test('a limit takes an even sample', () => {
  const all = mutate(matmul());
  const some = mutate(matmul(), { limit: 5 });
  expect(some).toHaveLength(5);
  expect(some[0]!.path).toBe(all[0]!.path);
  expect(mutate(matmul(), { kinds: ['drop_barrier'] }).map((m) => m.path)).toEqual([
    '4.for(from).body.8.barrier',
    '4.for(from).body.10.barrier',
  ]);
});

describe('exaggerated mutants', () => {
  const COUNT = 5;
  const THREADS = 4;

  /** Doubles what is there of `x`, by way of workgroup memory: the outer `if` saves work alone. */
  function guarded(): Kernel {
    const b = new KernelBuilder();
    const input = b.buffer('x', 'f32', 'read', 'x');
    const out = b.buffer('y', 'f32', 'read_write', 'y');
    const count = b.uniform('count', 'u32', 'elements');
    const stage = b.shared('stage', 'f32', THREADS);
    const local = x.builtin('local_index');
    const i = b.let('i', x.add(x.mul(x.builtin('workgroup_x'), THREADS), local));
    b.if(x.lt(x.mul(x.builtin('workgroup_x'), THREADS), count), () => {
      const value = b.let('value', input.at(x.min(i, x.sub(count, 1))));
      stage.set(local, x.mul(value, 2));
      b.barrier();
      b.if(x.lt(i, count), () => out.set(i, stage.at(local)));
    });
    return b.finish({ name: 'guarded', doc: '', workgroupSize: [THREADS, 1, 1] });
  }

  function outcome(kernel: Kernel) {
    const input = Float32Array.from({ length: COUNT }, (_, i) => i + 1);
    const y = new Float32Array(COUNT);
    const noted = new Uint32Array(1);
    const fast = kernel.buffers.some(({ name }) => name === PROBE);
    const { faults } = run(kernel, {
      buffers: { x: input, y, [PROBE]: noted },
      uniforms: { count: COUNT },
      // The last workgroup has nothing.
      grid: [3, 1, 1],
      fast,
    });
    return { faults: faults.map((f) => f.kind), noted: noted[0], y: [...y] };
  }

  const mutantAt = (path: string, description: string): Mutant =>
    mutate(guarded()).find((m) => m.path === path && m.description === description)!;
  const unchanged = { faults: [], noted: 0, y: [2, 4, 6, 8, 10] };

  test('make what the kernel makes where more is done for nothing', () => {
    const mutant = mutantAt('1.if', 'the condition is true');
    expect(outcome(mutant.probe()).noted).toBe(1);
    expect(mutant.exaggerated().map(outcome)).toEqual([unchanged, unchanged, unchanged]);
  });

  test('make what the kernel makes where no invocation needs another', () => {
    const mutant = mutantAt('1.if.then.2.barrier', 'no barrier');
    expect(mutant.exaggerated().map(outcome)).toEqual([unchanged]);
  });

  test('note what would be stored', () => {
    const mutant = mutantAt('1.if.then.3.if', 'the condition is true');
    for (const kernel of mutant.exaggerated())
      expect(outcome(kernel)).toMatchObject({ noted: 1, faults: ['out_of_bounds'] });
  });

  test('spoil results that a changed value comes to', () => {
    const mutant = mutantAt('1.if.then.0.let(value)', 'x[index + 1]');
    // In f32 twice the largest poison is infinite.
    expect(mutant.exaggerated().map((kernel) => outcome(kernel).faults)).toEqual([
      expect.arrayContaining(['non_finite']),
      expect.arrayContaining(['non_finite']),
      expect.arrayContaining(['non_finite']),
    ]);
  });
});

test('a difference that is only squared has no mutant of the other sign', () => {
  const b = new KernelBuilder();
  const input = b.buffer('x', 'f32', 'read', 'x');
  const out = b.buffer('y', 'f32', 'read_write', 'y');
  const local = x.builtin('local_index');
  const [squared, plain] = ['squared', 'plain'].map((name) => b.let(name, x.sub(input.at(local), x.f32(1))));
  out.set(local, x.add(x.mul(squared!, squared!), plain!));
  const kernel = b.finish({ name: 'squares', doc: '', workgroupSize: [4, 1, 1] });
  expect(mutate(kernel, { kinds: ['swapped'] }).map((m) => m.path)).toEqual(['1.let(plain)']);
});
