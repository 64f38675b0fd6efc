/**
 * Random kernels of the whole kernel language. Floats hold small whole numbers, so that every device computes the same
 * bits; indices are taken modulo lengths; each invocation writes its own elements.
 */
import type { PrivateArray, Variable } from '@hyb/compiler/kernel/build';
import { KernelBuilder } from '@hyb/compiler/kernel/build';
import { someExpression } from '@hyb/compiler/kernel/walk';
import type { RunOptions } from '@hyb/compiler/kernel/check/index';
import * as x from '@hyb/compiler/kernel/expressions';
import type { Expression, Kernel, ValueType, VectorType } from '@hyb/compiler/kernel/ir';

/** A source of choices: a number from 0 to n - 1. */
export type Choose = (n: number) => number;

export interface RandomKernelOptions {
  /** Barriers anywhere, whether or not control flow is uniform there; default: only where it is. */
  readonly wildBarriers?: boolean;
  readonly subgroups?: boolean;
  /** Half precision as well; results are then no longer the same on every device. */
  readonly half?: boolean;
}

const TYPES: readonly ValueType[] = [
  'f32', 'u32', 'i32', 'bool', 'vec2f', 'vec4f', 'vec2u', 'vec4u', 'vec2i', 'vec4i',
]; // prettier-ignore
const HALF_TYPES: readonly ValueType[] = [...TYPES, 'f16', 'vec2h', 'vec4h'];
/** Outputs per invocation. */
const SLOTS = 4;
const INPUTS = 16;
const CONSTANT: ReadonlySet<string> = new Set(['literal', 'constant', 'unary', 'binary', 'call', 'select', 'convert', 'bitcast', 'vector', 'component']); // prettier-ignore
/** Bound of whole numbers in floats: products stay exact. */
const LARGEST = 1024;

export interface RandomKernel {
  readonly kernel: Kernel;
  readonly options: Omit<RunOptions, 'buffers'>;
  /** Fresh buffers with the same contents each time. */
  readonly buffers: () => RunOptions['buffers'] & { readonly out: Uint32Array };
}

export function randomKernel(choose: Choose, options: RandomKernelOptions = {}): RandomKernel {
  return new Generator(choose, options).generate();
}

interface Scope {
  readonly locals: Expression[];
  readonly variables: { readonly variable: Variable; readonly type: ValueType }[];
  readonly arrays: { readonly array: PrivateArray; readonly type: ValueType; readonly length: number }[];
}

class Generator {
  readonly #b = new KernelBuilder();
  readonly #size: readonly [number, number, number];
  readonly #count: number;
  readonly #scopes: Scope[] = [{ locals: [], variables: [], arrays: [] }];
  readonly #types: readonly ValueType[];
  #statements = 0;

  constructor(
    private readonly choose: Choose,
    private readonly options: RandomKernelOptions,
  ) {
    this.#types = options.half ? HALF_TYPES : TYPES;
    this.#size = this.#one([[1, 1, 1], [8, 1, 1], [32, 1, 1], [4, 4, 2], [7, 3, 1]]); // prettier-ignore
    this.#count = this.#size[0] * this.#size[1] * this.#size[2];
  }

  #one<T>(list: readonly T[]): T {
    return list[this.choose(list.length)]!;
  }
  #chance(oneIn: number): boolean {
    return this.choose(oneIn) === 0;
  }

  generate(): RandomKernel {
    const b = this.#b;
    const inputs = {
      f32: b.buffer('in_f', 'f32', 'read', 'whole numbers'),
      u32: b.buffer('in_u', 'u32', 'read', 'bits'),
      i32: b.buffer('in_i', 'i32', 'read', 'bits'),
      vec4f: b.buffer('in_vf', 'vec4f', 'read', 'whole numbers'),
      vec4u: b.buffer('in_vu', 'vec4u', 'read', 'bits'),
    };
    const weights = b.buffer('in_w', 'weights', 'read', 'whole numbers');
    const out = b.buffer('out', 'u32', 'read_write', 'results');
    this.#leaves = {
      load: (type) => {
        const index = this.#index(type.startsWith('vec') ? INPUTS / 4 : INPUTS);
        if (type === 'vec4f' && this.#chance(2)) return weights.at(index);
        return type in inputs ? inputs[type as keyof typeof inputs].at(index) : undefined;
      },
      uniform: { f32: b.uniform('uf', 'f32', ''), u32: b.uniform('uu', 'u32', ''), i32: b.uniform('ui', 'i32', '') },
      tile: b.tile('tile', 4, [4, 8]),
    };
    const shared = {
      array: b.shared('shared_f', 'vec4f', this.#count),
      bits: b.shared('shared_u', 'u32', this.#count),
    };
    this.#shared = shared;
    const own = b.let('own', x.builtin('local_index'));
    const workgroup = b.let(
      'workgroup_number',
      x.add(x.builtin('workgroup_x'), x.mul(x.builtin('workgroup_y'), x.builtin('num_workgroups_x'))),
    );
    shared.array.set(own, x.vector('vec4f', 1, 2, 3, 4));
    shared.bits.set(own, x.mul(own, 7));
    b.barrier();
    this.#own = own;
    this.#statementsOf(6, true, 0);
    const base = b.let('base', x.mul(x.add(x.mul(workgroup, this.#count), own), SLOTS));
    for (let k = 0; k < SLOTS; k++) out.set(x.add(base, k), this.#asBits(this.#one(this.#types)));
    const kernel = b.finish({
      name: 'random',
      doc: 'A random kernel.',
      workgroupSize: this.#size,
      requires: [
        ...(this.options.subgroups ? ['subgroups' as const] : []),
        ...(this.options.half ? ['shader-f16' as const] : []),
      ],
    });
    return { kernel, ...this.#data() };
  }

  #leaves!: {
    readonly load: (type: ValueType) => Expression | undefined;
    readonly uniform: { readonly f32: Expression; readonly u32: Expression; readonly i32: Expression };
    readonly tile: Expression;
  };
  #shared!: { readonly array: PrivateArray; readonly bits: PrivateArray };
  #own!: Expression;

  #data(): Omit<RandomKernel, 'kernel'> {
    const whole = (): number => this.choose(17) - 8;
    const list = (n: number, make: () => number): number[] => Array.from({ length: n }, make);
    const bits = (): number => [0, 1, 2, 31, 32, 0x7fffffff, 0x80000000, 0xffffffff, 0x12345678][this.choose(9)]!;
    const floats = list(INPUTS, whole);
    const vectors = list(INPUTS, whole);
    const words = list(INPUTS, bits);
    const wordVectors = list(INPUTS, bits);
    const weights = list(INPUTS, whole);
    const grid = this.#one([[1, 1, 1], [2, 1, 1], [3, 2, 1]] as const); // prettier-ignore
    const uniforms = { uf: whole(), uu: this.choose(9), ui: whole() };
    const out = grid[0] * grid[1] * this.#count * SLOTS;
    return {
      options: { grid, uniforms, uninitialised: ['out'] },
      buffers: () => ({
        in_f: Float32Array.from(floats),
        in_u: Uint32Array.from(words),
        in_i: Int32Array.from(words),
        in_vf: Float32Array.from(vectors),
        in_vu: Uint32Array.from(wordVectors),
        // The upper half of a small whole number as f32 is all of it.
        in_w: {
          storage: 'bf16',
          data: Uint16Array.from(new Uint32Array(Float32Array.from(weights).buffer), (w) => w >>> 16),
        },
        out: new Uint32Array(out),
      }),
    };
  }

  // Statements

  #statementsOf(count: number, uniformFlow: boolean, depth: number): void {
    for (let k = 0; k < 1 + this.choose(count); k++) this.#statement(uniformFlow, depth);
  }

  #inScope(body: () => void): void {
    this.#scopes.push({ locals: [], variables: [], arrays: [] });
    body();
    this.#scopes.pop();
  }

  get #scope(): Scope {
    return this.#scopes.at(-1)!;
  }

  #statement(uniformFlow: boolean, depth: number): void {
    const b = this.#b;
    if (++this.#statements > 40) return;
    switch (this.choose(10)) {
      case 0:
      case 1: {
        const type = this.#one(this.#types);
        this.#scope.locals.push(b.let('v', this.#expression(type, 3)));
        return;
      }
      case 2: {
        const type = this.#one(this.#types);
        const variable = b.variable('v', type, this.#expression(type, 2));
        this.#scope.variables.push({ variable, type });
        return;
      }
      case 3: {
        const type = this.#one(this.#types);
        const length = 1 + this.choose(10);
        const array = b.array('a', type, this.#chance(3) ? this.#leaves.tile : length, this.#expression(type, 1));
        this.#scope.arrays.push({ array, type, length: Math.min(length, 4) });
        return;
      }
      case 4: {
        const all = this.#scopes.flatMap((s) => s.variables);
        if (all.length === 0) return;
        const { variable, type } = this.#one(all);
        if (x.isVector(type) && this.#chance(2)) {
          variable.setComponent(this.choose(x.lanesOf(type)), this.#expression(x.scalarOf(type), 2));
        } else {
          variable.set(this.#expression(type, 3));
        }
        return;
      }
      case 5: {
        const all = this.#scopes.flatMap((s) => s.arrays);
        if (all.length === 0) return;
        const { array, type, length } = this.#one(all);
        array.set(this.#index(length), this.#expression(type, 2));
        return;
      }
      case 6: {
        if (depth > 2) return;
        const uniform = this.#chance(2);
        const condition = uniform ? x.lt(this.#leaves.uniform.u32, this.choose(9)) : this.#expression('bool', 2);
        const branch = () => this.#inScope(() => this.#statementsOf(3, uniformFlow && uniform, depth + 1));
        b.if(condition, branch, this.#chance(2) ? branch : undefined);
        return;
      }
      case 7: {
        if (depth > 2) return;
        const uniform = this.#chance(2);
        const to = uniform
          ? this.#one([x.u32(3), this.#leaves.tile, x.min(this.#leaves.uniform.u32, 4)])
          : x.mod(this.#expression('u32', 1), 5);
        b.for(
          'i',
          this.choose(2),
          to,
          (i) => {
            this.#inScope(() => {
              this.#scope.locals.push(i);
              this.#statementsOf(3, uniformFlow && uniform, depth + 1);
            });
          },
          { step: 1 + this.choose(2), unroll: this.#chance(2) },
        );
        return;
      }
      case 8: {
        if (this.options.wildBarriers) return b.barrier({ storage: this.#chance(3) });
        if (!uniformFlow) return;
        return this.#exchange();
      }
      case 9:
        if (uniformFlow && this.options.subgroups && !this.options.wildBarriers) {
          const type = this.#one(['u32', 'i32', 'vec2u'] as const);
          this.#scope.locals.push(b.let('s', x.subgroup('shuffle_xor', this.#expression(type, 2), 0)));
        } else {
          b.comment('nothing');
        }
    }
  }

  /** Every invocation writes its element, all read any. */
  #exchange(): void {
    const b = this.#b;
    b.barrier();
    this.#shared.array.set(this.#own, this.#expression('vec4f', 2));
    this.#shared.bits.set(this.#own, this.#expression('u32', 2));
    b.barrier();
    this.#scope.locals.push(b.let('v', this.#shared.array.at(this.#index(this.#count))));
    this.#scope.locals.push(b.let('v', this.#shared.bits.at(this.#index(this.#count))));
    b.barrier();
  }

  // Expressions

  #index(length: number): Expression {
    if (this.#chance(2)) return x.u32(this.choose(length));
    return x.mod(this.#expression('u32', 1), length);
  }

  #asBits(type: ValueType): Expression {
    const value = this.#expression(type, 3);
    const scalar = x.isVector(type) ? x.component(value, this.choose(x.lanesOf(type))) : value;
    if (scalar.type === 'bool') return x.select(scalar, x.u32(1), x.u32(2));
    // No negative zeros: devices may lose the sign.
    if (scalar.type === 'f16') return x.bitcast('u32', x.convert('i32', scalar));
    if (scalar.type === 'f32') return x.bitcast('u32', x.convert('i32', scalar));
    return scalar.type === 'u32' ? scalar : x.bitcast('u32', scalar);
  }

  #leaf(type: ValueType): Expression {
    const known = this.#scopes.flatMap((s) => [
      ...s.locals.filter((e) => e.type === type),
      ...s.variables.filter((v) => v.type === type).map((v) => v.variable.value),
    ]);
    if (known.length > 0 && !this.#chance(3)) return this.#one(known);
    const arrays = this.#scopes.flatMap((s) => s.arrays.filter((a) => a.type === type));
    if (arrays.length > 0 && this.#chance(2)) {
      const { array, length } = this.#one(arrays);
      return array.at(this.choose(length));
    }
    const load = this.#chance(2) ? this.#leaves.load(type) : undefined;
    if (load) return load;
    switch (type) {
      case 'bool':
        return x.bool(this.#chance(2));
      case 'f32':
        return this.#chance(2) ? this.#leaves.uniform.f32 : x.f32(this.choose(17) - 8);
      case 'u32':
        return this.#one([
          this.#leaves.uniform.u32, this.#leaves.tile, x.builtin('local_index'), x.builtin('local_x'), x.builtin('local_y'),
          x.builtin('workgroup_x'), x.u32(this.choose(40)), x.u32(0xffffffff), x.builtin('num_workgroups_y'),
        ]); // prettier-ignore
      case 'f16':
        return this.#chance(2)
          ? { kind: 'literal', type: 'f16', value: this.choose(9) / 4 }
          : x.convert('f16', this.#leaves.uniform.f32);
      case 'i32':
        return this.#one([
          this.#leaves.uniform.i32,
          x.i32(this.choose(40) - 20),
          x.i32(-0x80000000),
          x.i32(0x7fffffff),
        ]);
      default: {
        const scalar = x.scalarOf(type);
        const splat = this.#chance(2);
        const components = Array.from({ length: splat ? 1 : x.lanesOf(type) }, () => this.#leaf(scalar));
        return x.vector(type as VectorType, ...components);
      }
    }
  }

  #expression(type: ValueType, depth: number): Expression {
    if (depth <= 0 || this.#chance(4)) return this.#leaf(type);
    if (this.#chance(8)) {
      return x.select(
        this.#expression('bool', depth - 1),
        this.#expression(type, depth - 1),
        this.#expression(type, depth - 1),
      );
    }
    switch (x.scalarOf(type)) {
      case 'bool':
        return this.#condition(depth - 1);
      case 'f32':
        return this.#float(type, depth - 1);
      case 'f16':
        return this.#half(type, depth - 1);
      default:
        return this.#integer(type, depth - 1);
    }
  }

  #condition(depth: number): Expression {
    const type = this.#one(['f32', 'u32', 'i32'] as const);
    const a = this.#expression(type, depth);
    const c = this.#expression(type, depth);
    switch (this.choose(9)) {
      case 0:
        return x.and(this.#expression('bool', depth), this.#expression('bool', depth));
      case 1:
        return x.or(this.#expression('bool', depth), this.#expression('bool', depth));
      case 2:
        return x.not(this.#expression('bool', depth));
      default:
        return this.#one([x.lt, x.le, x.gt, x.ge, x.eq, x.ne])(a, c);
    }
  }

  /** Whole numbers of at most `LARGEST`. */
  #float(type: ValueType, depth: number): Expression {
    const held = (e: Expression): Expression => {
      const bound = (v: number): Expression => (x.isVector(type) ? x.vector(type, v) : x.f32(v));
      return x.call('clamp', e, bound(-LARGEST), bound(LARGEST));
    };
    const a = this.#expression(type, depth);
    const c = this.#expression(this.#chance(3) && x.isVector(type) ? 'f32' : type, depth);
    switch (this.choose(10)) {
      case 0:
      case 1:
        return held(x.add(a, c));
      case 2:
        return held(x.sub(a, c));
      case 3:
      case 4:
        return held(x.mul(a, c));
      case 5:
        return x.neg(a);
      case 6:
        return x.call(this.#one(['abs', 'sign', 'floor'] as const), a);
      case 7: {
        const same = this.#expression(type, depth);
        return this.#chance(2) ? x.min(a, same) : x.max(a, same);
      }
      case 8:
        if (!x.isVector(type)) {
          const vector = this.#one(['vec2f', 'vec4f'] as const);
          if (this.#chance(2)) return x.component(this.#expression(vector, depth), this.choose(2));
          return held(x.dot(this.#expression(vector, depth), this.#expression(vector, depth)));
        }
        return held(x.call('fma', a, this.#expression(type, depth), this.#expression(type, depth)));
      default: {
        if (x.isVector(type)) return a;
        const whole = this.#chance(2)
          ? x.convert('f32', x.mod(this.#expression('u32', depth), 64))
          : x.convert('f32', x.shiftRight(this.#expression('i32', depth), 26));
        return whole;
      }
    }
  }

  /** Arithmetic on constants alone may leave its type's range, which WGSL rejects. */
  #varying(type: ValueType, depth: number): Expression {
    const e = this.#expression(type, depth);
    if (someExpression(e, (part) => !CONSTANT.has(part.kind))) return e;
    const scalar = this.#leaves.uniform[x.scalarOf(type) as 'u32' | 'i32'];
    return x.isVector(type) ? x.vector(type, scalar) : scalar;
  }

  #half(type: ValueType, depth: number): Expression {
    const a = this.#expression(type, depth);
    const c = this.#expression(type, depth);
    switch (this.choose(8)) {
      case 0:
        return this.#one([x.add, x.sub])(a, c);
      case 1:
        return this.#one([x.min, x.max])(a, c);
      case 2:
        return x.call(this.#one(['abs', 'sign', 'floor'] as const), a);
      case 3:
        return x.call(this.#one(['sigmoid', 'safe_tanh', 'gelu_tanh', 'erf'] as const), a);
      case 4:
        return x.neg(a);
      case 5:
        return x.mul(a, x.isVector(type) ? this.#expression('f16', depth) : c);
      case 6: {
        if (!x.isVector(type)) return x.convert('f16', this.#expression('f32', depth));
        const full = type === 'vec2h' ? 'vec2f' : 'vec4f';
        return x.convert(type, this.#expression(full, depth));
      }
      default: {
        if (type !== 'vec2h') return a;
        // Whole numbers of 16 bits are finite halves when the exponent is not all ones.
        return x.bitcast('vec2h', x.bitAnd(this.#expression('u32', depth), 0x3bff3bff));
      }
    }
  }

  #integer(type: ValueType, depth: number): Expression {
    const a = this.#varying(type, depth);
    const c = this.#expression(type, depth);
    const scalar = x.scalarOf(type);
    const lanes = x.lanesOf(type);
    const unsigned: ValueType = lanes === 1 ? 'u32' : lanes === 2 ? 'vec2u' : 'vec4u';
    switch (this.choose(12)) {
      case 0:
        return x.add(a, c);
      case 1:
        return x.sub(a, c);
      case 2:
        return x.mul(a, c);
      case 3:
        return this.#one([x.bitAnd, x.bitOr, x.bitXor])(a, c);
      case 4:
        return this.#one([x.shiftLeft, x.shiftRight])(a, x.bitAnd(this.#expression(unsigned, depth), 31));
      case 5: {
        // Never by zero, and never the smallest number by -1.
        const divisor = scalar === 'u32' ? x.bitOr(c, 1) : x.bitOr(x.bitAnd(c, 0xff), 1);
        return this.#chance(2) ? x.div(a, divisor) : x.mod(a, divisor);
      }
      case 6:
        return scalar === 'i32' ? x.neg(a) : { kind: 'unary', type, operator: '~', operand: a };
      case 7:
        return this.#one([x.min, x.max])(a, c);
      case 8:
        return x.call('count_one_bits', a);
      case 9: {
        const other = { u32: 'i32', i32: 'u32' } as const;
        if (lanes === 1) return x.convert(type, this.#expression(other[scalar as 'u32' | 'i32'], depth));
        return x.bitcast(type, this.#expression(`vec${lanes}${scalar === 'u32' ? 'i' : 'u'}` as ValueType, depth));
      }
      case 10:
        if (lanes === 1) return x.convert(type, x.call('abs', this.#expression('f32', depth)));
        return x.add(a, this.#expression(scalar, depth));
      default: {
        if (lanes !== 1) {
          const d = this.#expression(type, depth);
          return x.call('clamp', a, x.min(c, d), x.max(c, d));
        }
        return x.component(this.#expression(scalar === 'u32' ? 'vec4u' : 'vec2i', depth), this.choose(2));
      }
    }
  }
}
