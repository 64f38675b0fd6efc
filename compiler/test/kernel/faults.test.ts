import { KernelBuilder } from '@hyb/compiler/kernel/build';
import { run } from '@hyb/compiler/kernel/check/index';
import type { RunOptions } from '@hyb/compiler/kernel/check/index';
import * as x from '@hyb/compiler/kernel/expressions';
import type { Kernel } from '@hyb/compiler/kernel/ir';

const LANES = 8;
const t = x.builtin('local_index');

/** A kernel of eight invocations over a buffer `y` of f32. */
function kernel(
  write: (b: KernelBuilder, y: ReturnType<KernelBuilder['buffer']>) => void,
  requires: Kernel['requires'] = [],
): Kernel {
  const b = new KernelBuilder();
  const y = b.buffer('y', 'f32', 'read_write', '');
  write(b, y);
  return b.finish({ name: 'test', doc: '', workgroupSize: [LANES, 1, 1], requires });
}

function faults(k: Kernel, options: Partial<RunOptions> = {}): readonly string[] {
  const y = options.buffers?.y ?? new Float32Array(LANES);
  return run(k, { grid: [1, 1, 1], ...options, buffers: { y, ...options.buffers } }).faults.map(
    (f) => `${f.kind} ${f.path}`,
  );
}

describe('a sound kernel', () => {
  test('sums through shared memory without a fault', () => {
    const k = kernel((b, y) => {
      const partial = b.shared('partial', 'f32', LANES);
      partial.set(t, y.at(t));
      b.barrier();
      b.for('level', 0, 3, (level) => {
        const stride = b.let('stride', x.shiftRight(x.u32(4), level));
        b.if(x.lt(t, stride), () => partial.set(t, x.add(partial.at(t), partial.at(x.add(t, stride)))));
        b.barrier();
      });
      b.if(x.eq(t, 0), () => y.set(0, partial.at(0)));
    });
    const y = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    expect(faults(k, { buffers: { y } })).toEqual([]);
    expect(y[0]).toBe(36);
  });
});

describe('out of bounds', () => {
  test('of a buffer, when reading and when writing', () => {
    expect(faults(kernel((_, y) => y.set(x.add(t, 1), x.f32(0))))).toEqual(['out_of_bounds 0.store(y)']);
    expect(faults(kernel((_, y) => y.set(t, y.at(x.sub(t, 1)))))).toContain('out_of_bounds 0.store(y)');
  });
  test('of shared and private arrays', () => {
    expect(faults(kernel((b) => b.shared('s', 'f32', 4).set(t, x.f32(0))))).toEqual([
      'out_of_bounds 0.store_shared(s)',
    ]);
    expect(faults(kernel((b) => b.array('a', 'f32', 4, x.f32(0)).set(t, x.f32(0))))).toEqual([
      'out_of_bounds 1.set_element(a)',
    ]);
  });
  test('the right side of && is not evaluated when the left side is false', () => {
    const guarded = kernel((b, y) => b.if(x.and(x.lt(t, LANES - 1), x.gt(y.at(x.add(t, 1)), -1)), () => b.comment('')));
    expect(faults(guarded)).toEqual([]);
    const wrongWay = kernel((b, y) =>
      b.if(x.and(x.gt(y.at(x.add(t, 1)), -1), x.lt(t, LANES - 1)), () => b.comment('')),
    );
    expect(faults(wrongWay)).toEqual(['out_of_bounds 0.if']);
  });
});

describe('races', () => {
  test('between a write and a read of shared memory without a barrier', () => {
    const k = (barrier: boolean): Kernel =>
      kernel((b, y) => {
        const s = b.shared('s', 'f32', LANES);
        s.set(t, x.convert('f32', t));
        if (barrier) b.barrier();
        y.set(t, s.at(x.sub(LANES - 1, t)));
      });
    expect(faults(k(true))).toEqual([]);
    expect(faults(k(false))).toContain('race 1.store(y)');
  });
  test('between a read and a later write', () => {
    const k = kernel((b, y) => {
      const s = b.shared('s', 'f32', LANES);
      s.set(t, x.f32(0));
      b.barrier();
      y.set(t, s.at(x.sub(LANES - 1, t)));
      s.set(t, x.f32(1));
    });
    expect(faults(k)).toEqual(['race 2.store(y)', 'race 3.store_shared(s)']);
  });
  test('of two writes, even of the same value', () => {
    expect(faults(kernel((b) => b.shared('s', 'f32', 1).set(0, x.f32(1))))).toEqual(['race 0.store_shared(s)']);
    expect(faults(kernel((_, y) => y.set(0, x.f32(1))))).toEqual(['race 0.store(y)']);
  });
  test('a workgroup barrier does not order storage, a storage barrier does', () => {
    const k = (storage: boolean): Kernel =>
      kernel((b, y) => {
        y.set(t, x.f32(1));
        b.barrier({ storage });
        b.let('other', y.at(x.sub(LANES - 1, t)));
      });
    expect(faults(k(false))).toEqual(['race 2.let(other)']);
    expect(faults(k(true))).toEqual([]);
  });
  test('between workgroups', () => {
    const own = kernel((_, y) => y.set(x.add(x.mul(x.builtin('workgroup_x'), LANES), t), x.f32(1)));
    expect(faults(own, { grid: [2, 1, 1], buffers: { y: new Float32Array(2 * LANES) } })).toEqual([]);
    const same = kernel((_, y) => y.set(t, x.f32(1)));
    expect(faults(same, { grid: [2, 1, 1] })).toEqual(['race 0.store(y)']);
    const readsOther = kernel((b, y) => {
      const g = x.builtin('workgroup_x');
      b.if(
        x.eq(g, 0),
        () => b.let('v', y.at(t)),
        () => y.set(t, x.f32(1)),
      );
    });
    expect(faults(readsOther, { grid: [2, 1, 1] })).toEqual(['race 0.if.else.0.store(y)']);
  });
});

describe('uninitialised memory', () => {
  test('shared memory, also when an earlier workgroup wrote it', () => {
    const k = kernel((b) => {
      const s = b.shared('s', 'f32', LANES);
      b.if(x.eq(x.builtin('workgroup_x'), 0), () => s.set(t, x.f32(0)));
      b.let('v', s.at(t));
    });
    expect(faults(k)).toEqual([]);
    expect(faults(k, { grid: [2, 1, 1] })).toEqual(['uninitialised 1.let(v)']);
  });
  test('private variables, by component, and arrays', () => {
    const variable = (components: number): Kernel =>
      kernel((b) => {
        const v = b.variable('v', 'vec2f');
        for (let k = 0; k < components; k++) v.setComponent(k, x.f32(0));
        b.let('w', v.value);
      });
    expect(faults(variable(1))).toEqual(['uninitialised 2.let(w)']);
    expect(faults(variable(2))).toEqual([]);
    const across = kernel((b) => {
      const v = b.variable('v', 'f32');
      b.if(x.lt(t, 3), () => v.set(x.f32(0)));
      b.barrier();
      b.let('w', v.value);
    });
    expect(faults(across)).toEqual(['uninitialised 3.let(w)']);
    const array = kernel((b) => {
      const a = b.array('a', 'f32', 4);
      b.for('i', 0, 3, (i) => a.set(i, x.f32(0)));
      b.for('j', 0, 4, (j) => b.let('w', a.at(j)));
    });
    expect(faults(array)).toEqual(['uninitialised 2.for(j).body.0.let(w)']);
  });
  test('output buffers that are marked', () => {
    const k = kernel((b, y) => {
      b.if(x.lt(t, 4), () => y.set(t, x.f32(1)));
      b.let('v', y.at(t));
    });
    expect(faults(k)).toEqual([]);
    expect(faults(k, { uninitialised: ['y'] })).toEqual(['uninitialised 1.let(v)']);
    const { unwritten } = run(k, { buffers: { y: new Float32Array(LANES) }, grid: [1, 1, 1], uninitialised: ['y'] });
    expect(unwritten).toEqual({ y: 4 });
  });
});

describe('non-uniform control flow', () => {
  test('around a barrier', () => {
    expect(faults(kernel((b) => b.if(x.lt(t, 3), () => b.barrier())))).toEqual(['non_uniform 0.if']);
    expect(faults(kernel((b) => b.for('i', 0, t, () => b.barrier())))).toEqual(['non_uniform 0.for(i)']);
    expect(faults(kernel((b) => b.for('i', t, x.add(t, 3), () => b.barrier())))).toEqual([]);
  });
  test('around a subgroup operation', () => {
    const k = kernel((b) => b.if(x.lt(t, 4), () => b.let('v', x.subgroup('add', t))), ['subgroups']);
    expect(faults(k)).toEqual(['non_uniform 0.if']);
  });
});

describe('integers', () => {
  test('division and remainder by zero', () => {
    expect(faults(kernel((b) => b.let('q', x.div(x.u32(8), t))))).toEqual(['division_by_zero 0.let(q)']);
    expect(faults(kernel((b) => b.let('q', x.mod(t, x.sub(t, t)))))).toEqual(['division_by_zero 0.let(q)']);
  });
  test('shifts by 32 or more', () => {
    expect(faults(kernel((b) => b.let('q', x.shiftLeft(x.u32(1), x.mul(t, 5)))))).toEqual(['shift 0.let(q)']);
    expect(faults(kernel((b) => b.let('q', x.shiftLeft(x.u32(1), x.mul(t, 4)))))).toEqual([]);
  });
});

test('an endless loop ends', () => {
  const k = kernel((b) => b.for('i', 0, 5, () => b.comment(''), { step: 0 }));
  expect(faults(k, { iterations: 1000 })).toEqual(['budget 0.for(i)']);
  const synchronised = kernel((b) => b.for('i', 0, 5, () => b.barrier(), { step: 0 }));
  expect(faults(synchronised, { iterations: 1000 })).toEqual(['budget 0.for(i)']);
});

test('NaN and infinity may not be stored, unless allowed', () => {
  const k = kernel((_, y) => y.set(t, x.div(1, y.at(t))));
  expect(faults(k)).toEqual(['non_finite 0.store(y)']);
  expect(faults(k, { allowNonFinite: true })).toEqual([]);
});

test('memory may not be bound twice when it is written', () => {
  const b = new KernelBuilder();
  const a = b.buffer('a', 'f32', 'read', '');
  b.buffer('y', 'f32', 'read_write', '').set(t, a.at(t));
  const k = b.finish({ name: 'test', doc: '', workgroupSize: [LANES, 1, 1] });
  const memory = new Float32Array(2 * LANES);
  expect(faults(k, { buffers: { a: memory.subarray(0, LANES), y: memory.subarray(LANES) } })).toEqual([]);
  expect(faults(k, { buffers: { a: memory.subarray(0, LANES), y: memory.subarray(1, LANES + 1) } })).toEqual([
    'aliasing ',
  ]);
});

test('subgroups of the given size run in lockstep', () => {
  const b = new KernelBuilder();
  const y = b.buffer('y', 'u32', 'read_write', '');
  const total = x.subgroup('add', x.add(t, 1));
  y.set(t, x.add(total, x.subgroup('shuffle_xor', x.mul(t, 100), 1)));
  const k = b.finish({ name: 'test', doc: '', workgroupSize: [LANES, 1, 1], requires: ['subgroups'] });
  const out = new Uint32Array(LANES);
  expect(run(k, { buffers: { y: out }, grid: [1, 1, 1], subgroupSize: 4 }).faults).toEqual([]);
  expect([...out]).toEqual([110, 10, 310, 210, 526, 426, 726, 626]);
});

test('a fault says where, who and how often', () => {
  const k = kernel((b, y) => b.if(x.gt(t, 2), () => y.set(x.add(t, 4), x.f32(0))));
  const [fault] = run(k, { buffers: { y: new Float32Array(LANES) }, grid: [1, 1, 1] }).faults;
  expect(fault).toEqual({
    kind: 'out_of_bounds',
    path: '0.if.then.0.store(y)',
    message: 'y[8] of 8',
    workgroup: [0, 0, 0],
    invocation: 4,
    count: 4,
  });
});

test('the run ends when there are enough faults', () => {
  const k = kernel((b, y) => {
    y.set(x.add(t, 8), x.f32(0));
    y.set(x.add(t, 9), x.f32(0));
  });
  expect(faults(k)).toHaveLength(2);
  expect(faults(k, { faultLimit: 1 })).toEqual(['out_of_bounds 0.store(y)']);
  const b = new KernelBuilder();
  b.buffer('a', 'f32', 'read', '');
  b.buffer('y', 'f32', 'read_write', '').set(t, x.f32(0));
  const aliased = b.finish({ name: 'test', doc: '', workgroupSize: [LANES, 1, 1] });
  const memory = new Float32Array(LANES);
  expect(faults(aliased, { buffers: { a: memory, y: memory }, faultLimit: 1 })).toEqual(['aliasing ']);
});

test('the reach of a buffer ends after the last element that was read, where all is checked', () => {
  const k = kernel((b, y) => {
    const input = b.buffer('x', 'vec4f', 'read', '');
    b.buffer('unread', 'f32', 'read', '');
    b.if(x.lt(t, 3), () => y.set(t, x.component(input.at(x.mul(t, 2)), 0)));
  });
  const buffers = { y: new Float32Array(LANES), x: new Float32Array(4 * LANES), unread: new Float32Array(1) };
  expect(run(k, { grid: [1, 1, 1], buffers }).reach).toEqual({ x: 5, unread: 0 });
  expect(run(k, { grid: [1, 1, 1], buffers, fast: true }).reach).toEqual({});
});
