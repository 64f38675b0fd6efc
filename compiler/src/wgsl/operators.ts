/** What operators and functions of the kernel language are called in WGSL. */
import type { BinaryOperator, Builtin, Feature, Intrinsic, SubgroupOperation } from '../kernel/ir.js';

/**
 * Levels of WGSL's expression grammar (§8.18): each binary operator says which levels its operands may have without
 * parentheses. Shifts and bitwise operators take only unary operands, relations do not chain, `&&` and `||` do not mix.
 */
export type Level =
  'unary' | 'multiplicative' | 'additive' | 'shift' | 'relational' | 'and' | 'or' | 'bit_and' | 'bit_or' | 'bit_xor';

interface OperatorRule {
  readonly level: Level;
  readonly left: readonly Level[];
  readonly right: readonly Level[];
}

const multiplicative: OperatorRule = { level: 'multiplicative', left: ['unary', 'multiplicative'], right: ['unary'] };
const additive: OperatorRule = {
  level: 'additive',
  left: ['unary', 'multiplicative', 'additive'],
  right: ['unary', 'multiplicative'],
};
const shift: OperatorRule = { level: 'shift', left: ['unary'], right: ['unary'] };
const shifts: readonly Level[] = ['unary', 'multiplicative', 'additive', 'shift'];
// The grammar has shifts here as well, but `a < b >> (c)` would start a template list.
const sums: readonly Level[] = ['unary', 'multiplicative', 'additive'];
const relational: OperatorRule = { level: 'relational', left: sums, right: sums };

export const BINARY_RULES: Readonly<Record<BinaryOperator, OperatorRule>> = {
  '*': multiplicative,
  '/': multiplicative,
  '%': multiplicative,
  '+': additive,
  '-': additive,
  '<<': shift,
  '>>': shift,
  '<': relational,
  '<=': relational,
  '>': relational,
  '>=': relational,
  '==': relational,
  '!=': relational,
  '&&': { level: 'and', left: [...shifts, 'relational', 'and'], right: [...shifts, 'relational'] },
  '||': { level: 'or', left: [...shifts, 'relational', 'or'], right: [...shifts, 'relational'] },
  '&': { level: 'bit_and', left: ['unary', 'bit_and'], right: ['unary'] },
  '|': { level: 'bit_or', left: ['unary', 'bit_or'], right: ['unary'] },
  '^': { level: 'bit_xor', left: ['unary', 'bit_xor'], right: ['unary'] },
};

/** Functions that are WGSL's own; the others are helpers (`helpers.ts`). */
export const BUILTIN_FUNCTION: Readonly<Partial<Record<Intrinsic, string>>> = {
  abs: 'abs',
  exp: 'exp',
  log: 'log',
  sqrt: 'sqrt',
  rsqrt: 'inverseSqrt',
  sin: 'sin',
  cos: 'cos',
  tanh: 'tanh',
  floor: 'floor',
  pow: 'pow',
  min: 'min',
  max: 'max',
  clamp: 'clamp',
  fma: 'fma',
  dot: 'dot',
  sign: 'sign',
  pack2x16float: 'pack2x16float',
  unpack2x16float: 'unpack2x16float',
  count_one_bits: 'countOneBits',
};

export const SUBGROUP_FUNCTION: Readonly<Record<SubgroupOperation, string>> = {
  add: 'subgroupAdd',
  max: 'subgroupMax',
  min: 'subgroupMin',
  shuffle_xor: 'subgroupShuffleXor',
  shuffle_down: 'subgroupShuffleDown',
  broadcast: 'subgroupBroadcast',
  broadcast_first: 'subgroupBroadcastFirst',
};

/** How a builtin is read, and the entry point's parameter that it needs. */
export const BUILTIN_VALUE: Readonly<Record<Builtin, { readonly text: string; readonly parameter: BuiltinParameter }>> =
  {
    local_index: { text: 'local_index', parameter: 'local_index' },
    local_x: { text: 'local_id.x', parameter: 'local_id' },
    local_y: { text: 'local_id.y', parameter: 'local_id' },
    local_z: { text: 'local_id.z', parameter: 'local_id' },
    workgroup_x: { text: 'workgroup_id.x', parameter: 'workgroup_id' },
    workgroup_y: { text: 'workgroup_id.y', parameter: 'workgroup_id' },
    workgroup_z: { text: 'workgroup_id.z', parameter: 'workgroup_id' },
    num_workgroups_x: { text: 'num_workgroups.x', parameter: 'num_workgroups' },
    num_workgroups_y: { text: 'num_workgroups.y', parameter: 'num_workgroups' },
    num_workgroups_z: { text: 'num_workgroups.z', parameter: 'num_workgroups' },
    subgroup_size: { text: 'subgroup_size', parameter: 'subgroup_size' },
    subgroup_lane: { text: 'subgroup_lane', parameter: 'subgroup_lane' },
  };

export type BuiltinParameter =
  'local_index' | 'local_id' | 'workgroup_id' | 'num_workgroups' | 'subgroup_size' | 'subgroup_lane';

/** In the order in which they are printed. */
export const BUILTIN_PARAMETERS: readonly (readonly [BuiltinParameter, string])[] = [
  ['local_index', '@builtin(local_invocation_index) local_index: u32'],
  ['local_id', '@builtin(local_invocation_id) local_id: vec3u'],
  ['workgroup_id', '@builtin(workgroup_id) workgroup_id: vec3u'],
  ['num_workgroups', '@builtin(num_workgroups) num_workgroups: vec3u'],
  ['subgroup_size', '@builtin(subgroup_size) subgroup_size: u32'],
  ['subgroup_lane', '@builtin(subgroup_invocation_id) subgroup_lane: u32'],
];

/** Lines that a feature needs at the top of the module, in a fixed order. */
export const ENABLES: readonly (readonly [Feature, string])[] = [
  ['shader-f16', 'enable f16;'],
  ['subgroups', 'enable subgroups;'],
  ['chromium-experimental-subgroup-matrix', 'enable chromium_experimental_subgroup_matrix;'],
];
