import type { ExplainedCatalogue } from '../../diagnostics/catalogue.js';

/** Expressions and layer patterns. */
export const expressionMessages = {
  HYB0301: {
    title: 'Expression expected',
    message: 'A value is expected {place}.',
    explanation:
      'A value is a number, a string, a name, a call, a tuple, a record, a layer pattern, or an operation on values. The line above may end too early.',
    example: 'model Tiny {\n  width =\n  vocab = 256\n}',
    fixed: 'model Tiny {\n  width = 64\n  vocab = 256\n}',
  },
  HYB0302: {
    title: 'Chained comparison',
    message: 'Comparisons are not chained.',
    explanation:
      'In some languages `a < b < c` compares the result of `a < b` with `c`, in others it asks both. Hyb wants it said: `a < b and b < c`.',
    example: 'fn f(x) = if 0 < 1 < 2 then x else 0',
    fixed: 'fn f(x) = if 0 < 1 and 1 < 2 then x else 0',
  },
  HYB0303: {
    title: 'Conditional in an operation',
    message: 'A conditional in an operation stands in parentheses.',
    explanation:
      'The value after `else` goes as far as possible: `1 + if c then a else b + 2` would add 2 only where the condition does not hold. Parentheses say what is meant.',
    example: 'fn f(x) = 1 + if true then x else 0',
    fixed: 'fn f(x) = 1 + (if true then x else 0)',
  },
  HYB0304: {
    title: '`not` in an operation',
    message: '`not` after this operator stands in parentheses.',
    explanation:
      '`not` binds more loosely than comparisons: `not a == b` is `not (a == b)`. On the right of an operator that binds more tightly, parentheses say what is meant.',
    example: 'fn f(x) = if true == not false then x else 0',
    fixed: 'fn f(x) = if true == (not false) then x else 0',
  },
  HYB0305: {
    title: '`=` in a condition',
    message: 'A comparison is written `==`.',
    explanation: '`=` gives a name its value. Two values are compared by `==`, `!=`, `<`, `<=`, `>` and `>=`.',
    example: 'fn f(x) = if 1 = 1 then x else 0',
    fixed: 'fn f(x) = if 1 == 1 then x else 0',
  },
  HYB0306: {
    title: 'Unknown unit',
    message: "There is no unit '{name}'; did you mean `{meant}`?",
    explanation:
      'Units are KB, MB, GB, TB (powers of 1000 bytes), KiB, MiB, GiB, TiB (powers of 1024 bytes), steps, tokens, sequences, seconds, minutes and hours. Case matters: `GB` is not `Gb`.',
    example: 'train Short of Tiny { length = 6 gb }',
    fixed: 'train Short of Tiny { length = 6 GB }',
  },
  HYB0307: {
    title: 'Text after a value',
    message: 'The value ends before {found}.',
    explanation:
      'Two values stand next to each other without an operator, a comma or a new line between them. Multiplication is written `*`, a call has its parentheses.',
    example: 'model Tiny { width = 64 64 }',
    fixed: 'model Tiny { width = 64 * 64 }',
  },
  HYB0310: {
    title: 'Empty parentheses',
    message: 'There is nothing in these parentheses.',
    explanation: 'Parentheses hold a value, or several as a tuple. `none` is no value, `{}` a record without fields.',
    example: 'model Tiny { betas = () }',
    fixed: 'model Tiny { betas = none }',
  },
  HYB0401: {
    title: 'Value in a layer pattern',
    message: 'A layer pattern holds names of blocks and groups in parentheses, not {found}.',
    explanation:
      'Square brackets hold the layer pattern: names of blocks one after the other, groups in parentheses, `*n` for repetition. There are no calls and no numbers in it: give a block its name first, as in `A = Attention(heads = 8)`. Several values are a tuple: `(1, 2, 3)`.',
    example: 'model Tiny { betas = [0.9, 0.95] }',
    fixed: 'model Tiny { betas = (0.9, 0.95) }',
  },
  HYB0402: {
    title: 'Repetition count',
    message: 'A repetition is a whole number of times, not {found}.',
    explanation: 'After `*` in a layer pattern stands how often the name or group repeats, as a whole number.',
    example: 'model Tiny { layers = [M*2.5] }',
    fixed: 'model Tiny { layers = [M*2] }',
  },
  HYB0403: {
    title: 'Repetition count before the layer',
    message: 'The count stands after the layer: `{fixed}`.',
    explanation: 'A repetition is written like a power in a paper: the name or group, then `*`, then how often.',
    example: 'model Tiny { layers = [3*M] }',
    fixed: 'model Tiny { layers = [M*3] }',
  },
  HYB0405: {
    title: 'Repetition of a repetition',
    message: 'A repetition is repeated as a group: in parentheses.',
    explanation: '`(M*2)*3` repeats a group of two three times. `M*6` says the same.',
    example: 'model Tiny { layers = [M*2*3] }',
    fixed: 'model Tiny { layers = [(M*2)*3] }',
  },
} as const satisfies ExplainedCatalogue;
