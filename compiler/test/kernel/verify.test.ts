import { KernelBuilder } from '@hyb/compiler/kernel/build';
import * as x from '@hyb/compiler/kernel/expressions';
import type { Expression, Kernel, Statement } from '@hyb/compiler/kernel/ir';
import { verifyKernel } from '@hyb/compiler/kernel/verify';

const t = x.builtin('local_index');

function kernel(write: (b: KernelBuilder) => void, more: Partial<Kernel> = {}): Kernel {
  const b = new KernelBuilder();
  write(b);
  return { ...b.finish({ name: 'test', doc: '', workgroupSize: [8, 1, 1] }), ...more };
}
const problems = (write: (b: KernelBuilder) => void, more: Partial<Kernel> = {}): readonly string[] =>
  verifyKernel(kernel(write, more)).map((p) => `${p.path}: ${p.message}`);

/** Problems of one `let`. */
const typing = (e: Expression): readonly string[] => verifyKernel(kernel((b) => b.let('v', e))).map((p) => p.message);

describe('types', () => {
  test('operators take what WGSL takes', () => {
    expect(typing(x.add(t, x.f32(1)))).toEqual(['there is no u32 + f32']);
    expect(typing(x.neg(t))).toEqual(['there is no - u32']);
    expect(typing(x.shiftLeft(t, x.i32(1)))).toEqual(['there is no u32 << i32']);
    expect(typing(x.mul(x.vector('vec4f', 0), x.f32(2)))).toEqual([]);
    expect(typing(x.bitAnd(x.f32(1), x.f32(2)))).toEqual(['there is no f32 & f32']);
    expect(typing(x.lt(x.vector('vec2f', 0), x.vector('vec2f', 0)))).toEqual(['there is no vec2f < vec2f']);
  });
  test('functions take what WGSL takes', () => {
    expect(typing(x.exp(t))).toEqual(['there is no exp(u32)']);
    expect(typing(x.call('fma', x.f32(1), x.f32(2)))).toEqual(['there is no fma(f32, f32)']);
    expect(typing(x.dot(x.f32(1), x.f32(1)))).toEqual(['there is no dot(f32, f32)']);
    expect(typing(x.call('round_bf16', x.vector('vec4f', 1)))).toEqual([]);
  });
  test('an expression has the type it claims', () => {
    expect(typing({ kind: 'binary', type: 'i32', operator: '+', left: t, right: t })).toEqual([
      'u32 + u32 is a u32, not a i32',
    ]);
    expect(typing({ kind: 'component', type: 'f32', value: x.vector('vec2f', 0), index: 2 })).toEqual([
      'component 2 of vec2f',
    ]);
    expect(typing(x.vector('vec4f', x.f32(0), x.f32(0)))).toEqual(['a vec4f of 2 components']);
  });
  test('literals fit and are finite', () => {
    expect(typing(x.f32(Infinity))).toEqual(['Infinity is not a finite f32']);
    expect(typing(x.f32(NaN))).toEqual(['NaN is not a finite f32']);
    expect(typing(x.f32(3.5e38))).toEqual(['3.5e+38 is not a finite f32']);
    expect(typing(x.u32(-1))).toEqual(['-1 is not a u32']);
    expect(typing(x.i32(2 ** 31))).toEqual(['2147483648 is not an i32']);
  });
  test('what WGSL would compute beforehand may not overflow', () => {
    const tile: Expression = { kind: 'constant', type: 'u32', name: 'tile' };
    const k = (e: Expression): readonly string[] => problems((b) => (b.tile('tile', 4), b.let('v', e)));
    expect(k(x.sub(tile, 5))).toEqual(['0.let(v): the constant 4 - 5 is not a u32']);
    expect(k(x.div(t, x.sub(tile, 4)))).toEqual(['0.let(v): division by zero']);
    expect(k(x.shiftLeft(t, x.mul(tile, 8)))).toEqual(['0.let(v): shift by 32']);
  });
});

describe('names', () => {
  test('are declared once, before they are used, in scope', () => {
    const local = (name: string): Expression => ({ kind: 'local', type: 'u32', name });
    expect(typing(local('nobody'))).toEqual(['nobody is not a local here']);
    expect(
      problems((b) => {
        b.if(x.lt(t, 3), () => b.let('inner', t));
        b.let('outer', local('inner'));
      }),
    ).toEqual(['1.let(outer): inner is not a local here']);
    const twice: Statement = { kind: 'let', name: 'v', value: t };
    expect(problems((b) => (b.emit(twice), b.emit(twice)))).toEqual(['1.let(v): v is declared twice']);
  });
  test('are identifiers', () => {
    expect(problems((b) => b.emit({ kind: 'let', name: 'a; b', value: t }))).toEqual([
      '0.let(a; b): "a; b" is not an identifier',
    ]);
  });
});

describe('memory', () => {
  test('is used as declared', () => {
    expect(problems((b) => b.buffer('y', 'f32', 'read', '').set(0, x.f32(0)))).toEqual(['0.store(y): y is read-only']);
    expect(problems((b) => b.buffer('y', 'f32', 'read_write', '').set(0, x.u32(0)))).toEqual([
      '0.store(y): a u32 where a f32 is needed',
    ]);
    expect(problems((b) => b.emit({ kind: 'assign', name: 'v', value: t }))).toEqual([
      '0.assign(v): v is not a variable here',
    ]);
    expect(problems((b) => b.shared('s', 'f32', 4).set(4, x.f32(0)))).toEqual([
      '0.store_shared(s): index 4 of 4 elements',
    ]);
    expect(problems((b) => b.let('v', b.array('a', 'f32', 2, x.f32(0)).at(2)))).toEqual([
      '1.let(v): index 2 of 2 elements',
    ]);
    const weights = kernel((b) => void b.buffer('w', 'weights', 'read', ''));
    const load: Expression = { kind: 'load', type: 'vec4f', buffer: 'w', index: t };
    expect(verifyKernel({ ...weights, body: [{ kind: 'let', name: 'v', value: load }] }).map((p) => p.message)).toEqual(
      ['w of weights is read by load'],
    );
  });
  test('keeps the default limits', () => {
    expect(problems((b) => void b.shared('s', 'vec4f', 1025))).toEqual([': 16400 bytes of workgroup memory']);
    expect(problems((b) => void b.shared('s', 'vec4f', 1024))).toEqual([]);
    const many = (n: number) => (b: KernelBuilder) => {
      for (let i = 0; i < n; i++) b.buffer('b', 'f32', 'read', '');
    };
    expect(problems(many(8))).toEqual([]);
    expect(problems(many(9))).toEqual([': 9 storage buffers']);
    expect(problems(() => undefined, { workgroupSize: [32, 16, 1] })).toEqual([': a workgroup of 32 × 16 × 1']);
  });
});

test('features are required by what uses them', () => {
  expect(problems((b) => b.let('v', x.subgroup('add', t)))).toEqual([
    '0.let(v): a subgroup operation needs the feature subgroups',
  ]);
  expect(problems((b) => b.let('v', x.convert('f16', t)))).toEqual(['0.let(v): f16 needs the feature shader-f16']);
  expect(problems((b) => b.let('v', x.convert('f16', t)), { requires: ['shader-f16'] })).toEqual([]);
});

describe('uniform control flow', () => {
  const barrier = 'a barrier that not every invocation reaches';
  test('follows uniforms, workgroup numbers and read-only buffers', () => {
    const inIf = (condition: (b: KernelBuilder) => Expression): readonly string[] =>
      problems((b) => b.if(condition(b), () => b.barrier()));
    expect(inIf((b) => x.lt(b.uniform('n', 'u32', ''), 3))).toEqual([]);
    expect(inIf(() => x.lt(x.builtin('workgroup_x'), 3))).toEqual([]);
    expect(inIf((b) => x.lt(b.buffer('n', 'u32', 'read', '').at(x.builtin('workgroup_x')), 3))).toEqual([]);
    expect(inIf((b) => x.lt(b.buffer('n', 'u32', 'read', '').at(t), 3))).toEqual([`0.if.then.0.barrier: ${barrier}`]);
    expect(inIf((b) => x.lt(b.buffer('n', 'u32', 'read_write', '').at(0), 3))).toEqual([
      `0.if.then.0.barrier: ${barrier}`,
    ]);
    expect(inIf((b) => x.lt(b.shared('n', 'u32', 1).at(0), 3))).toEqual([`0.if.then.0.barrier: ${barrier}`]);
  });
  test('a variable is uniform as long as uniform values are assigned in uniform flow', () => {
    const afterwards = (condition: Expression, value: Expression): readonly string[] =>
      problems((b) => {
        const v = b.variable('v', 'u32', x.u32(0));
        b.if(condition, () => v.set(value));
        b.if(x.eq(v.value, 0), () => b.barrier());
      });
    expect(afterwards(x.lt(x.builtin('workgroup_x'), 3), x.u32(1))).toEqual([]);
    expect(afterwards(x.lt(t, 3), x.u32(1))).toEqual([`2.if.then.0.barrier: ${barrier}`]);
    expect(afterwards(x.lt(x.builtin('workgroup_x'), 3), t)).toEqual([`2.if.then.0.barrier: ${barrier}`]);
  });
  test('loops carry what their bodies assign', () => {
    const k = problems((b) => {
      const v = b.variable('v', 'u32', x.u32(0));
      b.for('i', 0, 4, () => {
        b.if(x.eq(v.value, 0), () => b.barrier());
        v.set(t);
      });
    });
    expect(k).toEqual([`1.for(i).body.0.if.then.0.barrier: ${barrier}`]);
    expect(problems((b) => b.for('i', 0, t, () => b.barrier()))).toEqual([`0.for(i).body.0.barrier: ${barrier}`]);
    expect(problems((b) => b.for('i', t, 9, () => b.barrier()))).toEqual([`0.for(i).body.0.barrier: ${barrier}`]);
    expect(problems((b) => b.for('i', 0, b.uniform('n', 'u32', ''), () => b.barrier()))).toEqual([]);
  });
  test('a subgroup operation is not skipped by && or in a loop head', () => {
    const sum = x.subgroup('add', t);
    const requires = ['subgroups'] as const;
    expect(problems((b) => b.let('v', x.and(x.lt(t, 3), x.lt(sum, 3))), { requires })).toEqual([
      '0.let(v): a subgroup operation on the right of && or ||',
    ]);
    expect(problems((b) => b.for('i', 0, sum, () => undefined), { requires })).toEqual([
      '0.for(i): a subgroup operation in the head of a loop',
    ]);
    expect(problems((b) => b.if(x.lt(t, 3), () => b.let('v', sum)), { requires })).toEqual([
      '0.if.then.0.let(v): a subgroup operation that not every invocation reaches',
    ]);
  });
});
