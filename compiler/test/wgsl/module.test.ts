import fc from 'fast-check';
import { KernelBuilder } from '@hyb/compiler/kernel/build';
import * as x from '@hyb/compiler/kernel/expressions';
import type { Expression, Kernel, Statement } from '@hyb/compiler/kernel/ir';
import { printKernel } from '@hyb/compiler/kernel/print';
import { verifyKernel } from '@hyb/compiler/kernel/verify';
import { InvalidNameError, NonFiniteLiteralError, printWgsl } from '@hyb/compiler/wgsl/index';
import { printLiteral } from '@hyb/compiler/wgsl/literals';
import { WGSL_RESERVED } from '@hyb/compiler/wgsl/reserved';
import { compilerMessages, moduleSource } from '../support/kernel-device.js';

const t = x.builtin('local_index');

/** A matvec with a fused gate: y = silu(W x) over rows of 64 · 4. */
function matvec(): Kernel {
  const b = new KernelBuilder();
  const w = b.buffer('w', 'weights', 'read', 'in_z.weight [rows, columns]');
  const input = b.buffer('x', 'vec4f', 'read', 'normed stream [tokens, columns]');
  const y = b.buffer('y', 'f32', 'read_write', 'gate [tokens, rows]');
  const columns = b.uniform('columns', 'u32', 'elements of a row, over 4');
  const rows = b.uniform('rows', 'u32', 'rows of the matrix');
  const partial = b.shared('partial', 'f32', 64);
  const row = b.let('row', x.builtin('workgroup_x'));
  const total = b.variable('total', 'f32', x.f32(0));
  b.comment('Threads stride over the row.');
  b.for(
    'k',
    t,
    columns,
    (k) => total.set(x.add(total.value, x.dot(w.at(x.add(x.mul(row, columns), k)), input.at(k)))),
    {
      step: 64,
    },
  );
  partial.set(t, total.value);
  b.for(
    'level',
    0,
    2,
    (level) => {
      const stride = b.let('stride', x.shiftRight(x.u32(32), level));
      b.barrier();
      b.if(x.lt(t, stride), () => partial.set(t, x.add(partial.at(t), partial.at(x.add(t, stride)))));
    },
    { unroll: true },
  );
  b.barrier();
  b.if(x.and(x.eq(t, 0), x.lt(row, rows)), () => y.set(row, x.call('silu', partial.at(0))));
  return b.finish({ name: 'matvec_silu', doc: 'Product with a matrix, then silu.', workgroupSize: [64, 1, 1] });
}

test('a kernel as WGSL', () => {
  expect(printWgsl(matvec())).toMatchInlineSnapshot(`
   "// matvec_silu: Product with a matrix, then silu.

   struct Uniforms {
     /// elements of a row, over 4
     columns: u32,
     /// rows of the matrix
     rows: u32,
   }

   /// in_z.weight [rows, columns]
   @group(0) @binding(0) var<storage, read> w: array<w_element>;
   /// normed stream [tokens, columns]
   @group(0) @binding(1) var<storage, read> x: array<vec4f>;
   /// gate [tokens, rows]
   @group(0) @binding(2) var<storage, read_write> y: array<f32>;
   @group(0) @binding(3) var<uniform> uniforms: Uniforms;

   var<workgroup> partial_: array<f32, 64>;

   /// 1 / (1 + exp(-x)); the exponent is limited so that nothing overflows.
   fn sigmoid(x: f32) -> f32 {
     return 1.0 / (1.0 + exp(min(-x, 87.0)));
   }

   /// x * sigmoid(x).
   fn silu(x: f32) -> f32 {
     return x * sigmoid(x);
   }

   @compute @workgroup_size(64, 1, 1)
   fn main(
     @builtin(local_invocation_index) local_index: u32,
     @builtin(workgroup_id) workgroup_id: vec3u,
   ) {
     let row = workgroup_id.x;
     var total = 0.0;
     // Threads stride over the row.
     for (var k = local_index; k < uniforms.columns; k += 64) {
       total += dot(w_decode(w[row * uniforms.columns + k]), x[k]);
     }
     partial_[local_index] = total;
     {
       let stride = 32u;
       workgroupBarrier();
       if (local_index < stride) {
         partial_[local_index] += partial_[local_index + stride];
       }
     }
     {
       let stride = 16u;
       workgroupBarrier();
       if (local_index < stride) {
         partial_[local_index] += partial_[local_index + stride];
       }
     }
     workgroupBarrier();
     if (local_index == 0 && row < uniforms.rows) {
       y[row] = silu(partial_[0]);
     }
   }
   "
  `);
});

test('a kernel as compact text', () => {
  expect(printKernel(matvec())).toMatchInlineSnapshot(`
   "kernel matvec_silu [64×1×1]
     # Product with a matrix, then silu.
     in  w: weights  # in_z.weight [rows, columns]
     in  x: vec4f  # normed stream [tokens, columns]
     out y: f32  # gate [tokens, rows]
     uniform columns: u32  # elements of a row, over 4
     uniform rows: u32  # rows of the matrix
     shared partial: f32[64]
     let row: u32 = @workgroup_x
     var total: f32 = 0.0
     # Threads stride over the row.
     for k in @local_index .. columns by 64
       total = total + dot(w[row * columns + k], x[k])
     partial[@local_index] = total
     for level in 0 .. 2 unrolled
       let stride: u32 = 32 >> level
       barrier
       if @local_index < stride
         partial[@local_index] = partial[@local_index] + partial[@local_index + stride]
     barrier
     if @local_index == 0 && row < rows
       y[row] = silu(partial[0])
   "
  `);
});

test('features are enabled first; the rest follows in a fixed order', async () => {
  const b = new KernelBuilder();
  const y = b.buffer('y', 'f32', 'read_write', '');
  const rows = b.tile('rows', 4, [4, 8]);
  const a = b.array('a', 'vec4h', rows, x.vector('vec4h', 1.5));
  const h = x.call('sigmoid', a.at(1));
  const sum = b.let('sum', x.subgroup('add', x.component(h, 0)));
  y.set(t, x.convert('f32', sum));
  const kernel = b.finish({
    name: 'half',
    doc: 'Half precision.',
    workgroupSize: [8, 4, 1],
    requires: ['subgroups', 'shader-f16'],
  });
  expect(verifyKernel(kernel)).toEqual([]);
  expect(await compilerMessages(printWgsl(kernel))).toEqual([]);
  expect(printWgsl(kernel, { constants: { rows: 8 } })).toMatchInlineSnapshot(`
   "// half: Half precision.

   enable f16;
   enable subgroups;

   const rows = 8u; // one of 4, 8

   @group(0) @binding(0) var<storage, read_write> y: array<f32>;

   /// 1 / (1 + exp(-x)); the exponent is limited so that nothing overflows.
   fn sigmoid(x: f32) -> f32 {
     return 1.0 / (1.0 + exp(min(-x, 87.0)));
   }

   fn sigmoid_4(v: vec4f) -> vec4f {
     return vec4f(sigmoid(v.x), sigmoid(v.y), sigmoid(v.z), sigmoid(v.w));
   }

   @compute @workgroup_size(8, 4, 1)
   fn main(
     @builtin(local_invocation_index) local_index: u32,
   ) {
     var a: array<vec4h, rows>;
     for (var a_at = 0u; a_at < rows; a_at++) {
       a[a_at] = vec4h(1.5h);
     }
     let sum = subgroupAdd(vec4h(sigmoid_4(vec4f(a[1]))).x);
     y[local_index] = f32(sum);
   }
   "
  `);
});

/** The body's text for one statement. */
function body(...statements: Statement[]): string {
  const b = new KernelBuilder();
  b.buffer('a', 'u32', 'read', '');
  b.uniform('n', 'u32', '');
  statements.forEach((s) => b.emit(s));
  const text = printWgsl(b.finish({ name: 'test', doc: '', workgroupSize: [1, 1, 1] }));
  return text.slice(text.indexOf('{\n', text.indexOf('fn main')) + 2, -2).trim();
}
const value = (e: Expression): string => body({ kind: 'let', name: 'v', value: e }).replace(/^let v = |;$/g, '');

describe('parentheses', () => {
  const n: Expression = { kind: 'uniform', type: 'u32', name: 'n' };
  const binary = (
    operator: '+' | '<' | '>>' | '&' | '||' | '&&' | '==',
    left: Expression,
    right: Expression,
  ): Expression => ({
    kind: 'binary',
    type: ['<', '||', '&&', '=='].includes(operator) ? 'bool' : 'u32',
    operator,
    left,
    right,
  });
  test('are minimal', () => {
    expect(value(x.add(x.mul(n, t), x.sub(n, t)))).toBe('uniforms.n * local_index + (uniforms.n - local_index)');
    expect(value(x.sub(x.sub(n, t), n))).toBe('uniforms.n - local_index - uniforms.n');
    expect(value(x.mul(x.add(n, 1), 2))).toBe('(uniforms.n + 1) * 2');
  });
  test('stand where WGSL has no precedence', () => {
    expect(value(x.shiftRight(x.shiftRight(n, 1), 2))).toBe('(uniforms.n >> 1) >> 2');
    expect(value(x.bitAnd(x.bitOr(n, 1), x.shiftLeft(n, 2)))).toBe('(uniforms.n | 1) & (uniforms.n << 2)');
    expect(value(x.and(x.or(x.lt(n, 1), x.gt(n, 3)), x.lt(t, 5)))).toBe(
      '(uniforms.n < 1 || uniforms.n > 3) && local_index < 5',
    );
    expect(value(binary('==', x.lt(n, 1), x.lt(t, 2)))).toBe('(uniforms.n < 1) == (local_index < 2)');
  });
  test('keep < and > from becoming a template list', () => {
    expect(value(x.lt(n, x.shiftRight(n, 1)))).toBe('uniforms.n < (uniforms.n >> 1)');
    expect(value(x.select(x.lt(n, 1), n, 2))).toBe('select(2, uniforms.n, (uniforms.n < 1))');
  });
  test('keep - - apart', () => {
    const f = x.convert('f32', n);
    expect(value(x.neg(x.neg(f)))).toBe('-(-f32(uniforms.n))');
    expect(value(x.sub(f, x.neg(f)))).toBe('f32(uniforms.n) - -f32(uniforms.n)');
    expect(value(x.mul(f, -1))).toBe('f32(uniforms.n) * -1.0');
  });
});

describe('literals', () => {
  test('read back as the same f32, directly and through f64', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (v) => {
        const text = printLiteral('f32', v, false);
        expect(text).toMatch(/^-?\d+(\.\d+)?(e-?\d+)?$/);
        expect(text).toMatch(/[.e]/);
        expect(Math.fround(Number(text))).toBe(v);
      }),
      { numRuns: 2000 },
    );
    expect(printLiteral('f32', 0.1, false)).toBe('0.1');
    expect(printLiteral('f32', -3.4e38, true)).toBe('-3.4e38f');
    expect(printLiteral('f32', -0, false)).toBe('-0.0');
  });
  test('have a suffix where nothing else gives the type', () => {
    expect(value(x.u32(4))).toBe('4u');
    expect(value(x.add({ kind: 'uniform', type: 'u32', name: 'n' }, 4))).toBe('uniforms.n + 4');
    expect(value(x.div(x.f32(1), x.f32(3)))).toBe('1.0f / 3.0f');
    expect(
      value(x.select({ kind: 'binary', type: 'bool', operator: '<', left: t, right: t }, x.u32(1), x.u32(0))),
    ).toBe('select(0u, 1u, (local_index < local_index))');
    expect(value(x.i32(-0x80000000))).toBe('-2147483648');
  });
  test('are finite and in range', () => {
    expect(() => value(x.f32(NaN))).toThrow(NonFiniteLiteralError);
    expect(() => value(x.f32(1e39))).toThrow(NonFiniteLiteralError);
    expect(() => value(x.u32(-1))).toThrow(RangeError);
  });
});

describe('names', () => {
  test('are kept apart from words of WGSL, of our own text and of helpers', async () => {
    const words = [
      ...WGSL_RESERVED,
      'main',
      'uniforms',
      'local_index',
      'dot',
      'vec4f',
      'sigmoid',
      'w_decode',
      '__v',
      '_',
    ];
    const b = new KernelBuilder();
    const w = b.buffer('w', 'weights', 'read', '');
    const y = b.buffer('y', 'f32', 'read_write', '');
    const n = b.uniform('loop', 'f32', '');
    const total = b.variable('total', 'f32', x.call('sigmoid', x.component(w.at(0), 0)));
    for (const name of words) {
      b.emit({ kind: 'let', name, value: n });
      total.set(x.add(total.value, { kind: 'local', type: 'f32', name }));
    }
    y.set(0, total.value);
    const kernel = b.finish({ name: 'names', doc: '', workgroupSize: [1, 1, 1] });
    const source = moduleSource(kernel, { buffers: {} });
    expect(await compilerMessages(source)).toEqual([]);
    expect(source).toContain('let while_ = uniforms.loop_;');
  });
  test('that are not identifiers are refused', () => {
    const bad: Statement = { kind: 'let', name: 'v; discard', value: t };
    expect(() => body(bad)).toThrow(InvalidNameError);
    expect(() => printWgsl({ ...matvec(), name: 'x\n*/' })).toThrow(InvalidNameError);
  });
});

test('comments cannot end early', async () => {
  const b = new KernelBuilder();
  const doc = 'one\u2028two\nthree\rfour\u0085five\u0000 */ six\u202e';
  b.buffer('y', 'f32', 'read_write', doc).set(0, x.f32(0));
  b.comment(doc);
  const kernel = b.finish({ name: 'comments', doc, workgroupSize: [1, 1, 1] });
  const source = printWgsl(kernel);
  expect(await compilerMessages(source)).toEqual([]);
  for (const line of source.split('\n')) {
    if (/one|two|three|four|five|six/.test(line)) expect(line.trim()).toMatch(/^\/\//);
  }
});

test('snapshots compile', async () => {
  expect(verifyKernel(matvec())).toEqual([]);
  expect(await compilerMessages(moduleSource(matvec(), { buffers: {} }))).toEqual([]);
});

test('what is unrolled and what is not', () => {
  const loop = (to: number, declares: boolean): string => {
    const b = new KernelBuilder();
    const y = b.buffer('y', 'u32', 'read_write', '');
    b.for('i', 0, to, (i) => y.set(i, declares ? b.let('v', x.mul(i, 2)) : x.mul(i, 2)), { unroll: true });
    return printWgsl(b.finish({ name: 'test', doc: '', workgroupSize: [1, 1, 1] }));
  };
  expect(loop(2, false)).toContain('  y[0] = 0;\n  y[1] = 2;\n');
  expect(loop(2, true)).toContain('  {\n    let v = 0u;\n    y[0] = v;\n  }\n  {\n    let v = 2u;\n');
  expect(loop(1000, false)).toContain('for (var i = 0u; i < 1000; i++) {');
});

test('unrolling computes what becomes constant, wraps as at run time and drops what is never reached', async () => {
  const b = new KernelBuilder();
  const y = b.buffer('y', 'u32', 'read_write', '');
  b.for(
    'i',
    0,
    3,
    (i) => {
      b.if(
        x.gt(i, 0),
        () => y.set(x.sub(i, 1), x.shiftLeft(i, 2)),
        () => y.set(2, b.let('first', x.add(t, i))),
      );
      y.set(3, x.select(x.eq(x.mod(i, 2), 0), x.sub(i, 1), t));
    },
    { unroll: true },
  );
  const kernel = b.finish({ name: 'test', doc: '', workgroupSize: [1, 1, 1] });
  const source = printWgsl(kernel);
  expect(source.slice(source.indexOf(') {\n') + 4)).toMatchInlineSnapshot(`
   "  {
       let first = local_index;
       y[2] = first;
     }
     y[3] = 4294967295;
     y[0] = 4;
     y[3] = local_index;
     y[1] = 8;
     y[3] = 1;
   }
   "
  `);
  expect(await compilerMessages(source)).toEqual([]);
});
