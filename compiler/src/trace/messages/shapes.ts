import type { DocumentedCatalogue } from '../../diagnostics/entry.js';
import { blockWith, modelWith } from './examples.js';

/** Dimensions, sizes and operators. */
export const shapeMessages = {
  HYB3009: {
    title: 'Wrong operands in a body',
    message: "'{operator}' takes {takes}.",
    explanation:
      'Arithmetic works on numbers and tensors, `and`, `or` and `not` on conditions. `none` can be compared with anything, other values only with their own kind.',
    example: blockWith('return x + "1"'),
    fixed: blockWith('return x + 1'),
  },
  HYB3010: {
    title: 'Wrong shape',
    message: '{what} has the wrong shape.',
    explanation:
      'Dimensions have names, and a declared shape says which of them must be there and in which order. A tensor whose elements are right but grouped otherwise is regrouped by `as`, one whose dimensions have other names is renamed by `rename`.',
    example: [
      'block Example(heads: int, head_dim: int)(x: [time, width]) -> [time, width] {',
      '  param up   = linear(width -> (heads, head_dim))',
      '  dim inner  = heads * head_dim',
      '  param down = linear(inner -> width)',
      '  return down(up(x))',
      '}',
    ].join('\n'),
    fixed: [
      'block Example(heads: int, head_dim: int)(x: [time, width]) -> [time, width] {',
      '  param up   = linear(width -> (heads, head_dim))',
      '  dim inner  = heads * head_dim',
      '  param down = linear(inner -> width)',
      '  return down((up(x) as [time, inner]))',
      '}',
    ].join('\n'),
  },
  HYB3011: {
    title: 'Unknown dimension',
    message: "The tensor has no dimension '{name}'.",
    explanation: 'Reductions name the dimensions that go away; they must be dimensions of the tensor.',
    example: blockWith('dim heads = 4', 'return x - mean(x, heads)'),
    fixed: blockWith('return x - mean(x, width)'),
  },
  HYB3012: {
    title: 'Two sizes of one dimension',
    message: "'{name}' has two sizes here.",
    explanation:
      'Element-wise operations match dimensions by name, and repeat a tensor along dimensions that it lacks. A dimension that both operands have must have one size. Give one of the two another name by `rename`.',
    example: blockWith('dim half = 2 * width', 'param a = linear(width -> half)', 'return a(rename(x, width -> half))'),
    fixed: blockWith(
      'dim twice = 2 * width',
      'param a = linear(width -> twice)',
      'let (y, _z) = split(a(x), width, width)',
      'return y',
    ),
  },
  HYB3013: {
    title: 'Other number of elements',
    message: '`as {shape}` has another number of elements.',
    explanation:
      '`as` keeps the elements in row-major order and groups them under other dimensions, so the sizes must have the same product. `time` stays as it is.',
    example: blockWith('dim half = 2 * width', 'let y = x as [time, half]', 'return x'),
    fixed: blockWith('dim same = width', 'let y = x as [time, same]', 'return x'),
  },
  HYB3014: {
    title: 'Condition of a tensor',
    message:
      'The condition of `if` must be known at compile time; element by element chooses `where(condition, x, y)`.',
    explanation:
      '`if … then … else` chooses which of two computations a block has. A choice that depends on values is made for each element by `where`, which computes both.',
    example: blockWith('return if x > 0 then x else 0.1 * x'),
    fixed: blockWith('return where(x > 0, x, 0.1 * x)'),
  },
  HYB3015: {
    title: 'Not a size',
    message: "'{what}' is not a size.",
    explanation:
      'Sizes of dimensions are positive whole numbers. `/` gives a number that is not whole even where the division comes out even; `div` divides whole numbers.',
    example: blockWith('dim half = 1 - 1', 'return x'),
    fixed: blockWith('dim half = 1 + 1', 'return x'),
  },
  HYB3016: {
    title: 'Too large',
    message: '{what} is over 2^53.',
    explanation: 'Whole numbers over 2^53 have no exact representation; no tensor of that size fits any device.',
    example: blockWith('dim huge = 9_007_199_254_740_991 * 2', 'return x'),
    fixed: blockWith('dim large = 4096 * 2', 'return x'),
  },
  HYB3017: {
    title: 'Dimension twice',
    message: "Two dimensions would be called '{name}'.",
    explanation:
      'Dimensions are told apart by their names, so a tensor has each name once. Declare a second name for the size, `dim other = width`, and use it for one of the two.',
    example: blockWith('let y = x as [time, width, width]', 'return x'),
    fixed: blockWith('dim other = 1', 'let y = x as [time, width, other]', 'return x'),
  },
  HYB3018: {
    title: 'Open shape',
    message: '`{what}` cannot stand here.',
    explanation:
      '`...` and `_` stand for dimensions of an input, in the signature of a block, norm or function; in a body `...` means what the signature matched. Shapes that are made must be complete.',
    example: blockWith('return x as [time, _]'),
    fixed: blockWith('return x as [time, width]'),
  },
  HYB3019: {
    title: 'A reordering in `as`',
    message: '`as` does not move dimensions; `transpose` does.',
    explanation:
      '`as` only regroups neighbouring elements. A dimension of the same name at another place would silently mix up elements: `transpose(x, …)` reorders the dimensions, and `as` can follow it.',
    example: blockWith(
      'dim half = width div 2',
      'let pairs = x as [time, 2, half]',
      'return pairs as [time, half, 2] as [time, width]',
    ),
    fixed: blockWith(
      'dim half = width div 2',
      'let pairs = x as [time, 2, half]',
      'return transpose(pairs, half, 2) as [time, width]',
    ),
  },
  HYB3021: {
    title: '`time` is first',
    message: '`time` must be the first dimension.',
    explanation:
      'Tokens of all sequences lie one after another, so `time` is always the outermost dimension. Order matters only for `as` and `split`; elsewhere dimensions go by name.',
    example: blockWith('dim one = 1', 'return x as [one, time, width] as [time, width]'),
    fixed: blockWith('dim one = 1', 'return x as [time, one, width] as [time, width]'),
  },
  HYB3022: {
    title: 'Parameter over time',
    message: "The parameter '{name}' cannot have the dimension `time`.",
    explanation:
      'Parameters are the same for all tokens. What differs from token to token is computed from the input or carried by a `scan`.',
    example: blockWith('param shift: [time, width] = 0', 'return x + shift'),
    fixed: blockWith('param shift: [width] = 0', 'return x + shift'),
  },
  HYB3023: {
    title: '`time` cannot be changed',
    message: '`time` cannot be split, joined, renamed or mapped.',
    explanation:
      'The time axis holds the tokens of all sequences and stays as it is through a block. Values pass from token to token only by `attend`, `ssd`, `conv1d` and `scan`, which are causal.',
    example: blockWith('param mix = linear(time -> width)', 'return x'),
    fixed: blockWith('param mix = linear(width -> width)', 'return mix(x)'),
  },
  HYB3041: {
    title: 'Not a number in a body',
    message: 'The result of {operation} is not a finite number.',
    explanation:
      'Divisions by zero and roots or logarithms of negative numbers are errors. `inf` itself may only stand as a limit of `clamp` and in options that say so.',
    example: blockWith('return x * (1 / 0)'),
    fixed: blockWith('return x * (1 / 2)'),
  },
  HYB3061: {
    title: 'Not causal',
    message: "'{callee}' over `time` would let a token see later ones.",
    explanation:
      'Everything a block does is causal: the result at a token depends on that token and earlier ones. A running sum or maximum over time is a `scan`.',
    example: blockWith('return x - mean(x, time)'),
    fixed: blockWith(
      'return scan (t in time, state total: [width] = 0) {',
      '  total = total + x[t]',
      '  yield total',
      '}',
    ),
  },
  HYB3064: {
    title: 'Parts do not add up',
    message: 'The sizes of the parts do not add up to the whole.',
    explanation:
      '`split` cuts the whole last dimension into parts, and `concat` joins parts into a dimension that has been declared, so the sizes must add up.',
    example: blockWith('dim half = width div 2', 'let (a, b) = split(x, half, width)', 'return x'),
    fixed: blockWith(
      'dim half = width',
      'dim twice = 2 * half',
      'let (a, b) = split(concat(x, x, twice), half, width)',
      'return b',
    ),
  },
  HYB3065: {
    title: 'Heads do not divide',
    message: "'{whole}' must be a multiple of '{part}'.",
    explanation:
      'Heads share keys and values, or input and output maps, in equal groups: the number of heads is a multiple of the number of groups.',
    example: modelWith(
      [
        'block Example(heads: int, kv_heads: int, head_dim: int)(x: [time, width]) -> [time, width] {',
        '  param q  = linear(width -> (heads, head_dim))',
        '  param kv = linear(width -> (kv_heads, head_dim))',
        '  param o  = linear((heads, head_dim) -> width)',
        '  let keys = kv(x)',
        '  return o(attend(q(x), keys, keys))',
        '}',
      ].join('\n'),
      'Example(heads = 4, kv_heads = 3, head_dim = 16)',
    ),
    fixed: modelWith(
      [
        'block Example(heads: int, kv_heads: int, head_dim: int)(x: [time, width]) -> [time, width] {',
        '  param q  = linear(width -> (heads, head_dim))',
        '  param kv = linear(width -> (kv_heads, head_dim))',
        '  param o  = linear((heads, head_dim) -> width)',
        '  let keys = kv(x)',
        '  return o(attend(q(x), keys, keys))',
        '}',
      ].join('\n'),
      'Example(heads = 4, kv_heads = 2, head_dim = 16)',
    ),
  },
  HYB3040: {
    title: 'The op does not fit',
    message: '{message}.',
    explanation:
      'The operation cannot be applied to tensors of these types. Comparisons give conditions, which only `and`, `or`, `not` and `where` take; everything else computes with numbers.',
    example: blockWith('return sigmoid(x > 0)'),
    fixed: blockWith('return where(x > 0, 0.73, 0.5)'),
  },
} as const satisfies DocumentedCatalogue;
