import type { ExplainedCatalogue } from '../../diagnostics/catalogue.js';

/** Brackets, declarations, statements and fields. */
export const structureMessages = {
  HYB0101: {
    title: 'Bracket without an end',
    message: 'This `{opener}` is never closed.',
    explanation:
      'Every bracket needs its partner. Where one is missing, the indentation of the lines says where it was meant, and the rest of the file is checked as if it stood there.',
    example: 'model Tiny {\n  norm = { pre = none\n  width = 64\n}',
    fixed: 'model Tiny {\n  norm = { pre = none }\n  width = 64\n}',
  },
  HYB0102: {
    title: 'Closing bracket without a beginning',
    message: 'There is no open bracket that this `{bracket}` could close.',
    explanation: 'Every bracket needs its partner. This one has none, or its partner is closed already.',
    example: 'model Tiny { width = 64 } }',
    fixed: 'model Tiny { width = 64 }',
  },
  HYB0103: {
    title: 'Wrong closing bracket',
    message: '`{opener}` is closed by `{closer}`, not by `{found}`.',
    explanation: 'Parentheses, square brackets and braces are closed by their own kind.',
    example: 'model Tiny { betas = (0.9, 0.95] }',
    fixed: 'model Tiny { betas = (0.9, 0.95) }',
  },
  HYB0104: {
    title: 'Nested too deeply',
    message: 'Brackets and expressions are nested more than {limit} levels deep here.',
    explanation:
      'A file may nest brackets and operations 256 levels deep, far more than anybody reads. The limit protects every tool that reads the file. Give parts of the expression names with `let`.',
    example: `model Tiny { width = ${'('.repeat(257)}64${')'.repeat(257)} }`,
    fixed: 'model Tiny { width = 64 }',
  },
  HYB0201: {
    title: 'Declaration expected',
    message: 'A file is made of declarations, and {found} begins none.',
    explanation:
      'At the outermost level stand `use`, `model`, `train`, `block`, `norm`, `fn` and `weights`. Fields belong in the braces of a model, statements in those of a block.',
    example: 'modle Tiny { width = 64 }',
    fixed: 'model Tiny { width = 64 }',
  },
  HYB0202: {
    title: '`use` after a declaration',
    message: '`use` stands before all declarations.',
    explanation: 'What a file uses is said at its beginning, so that readers find it there.',
    example: 'model Tiny { width = 64 }\nuse std.MLP',
    fixed: 'use std.MLP\nmodel Tiny { width = 64 }',
  },
  HYB0203: {
    title: 'Name expected',
    message: 'A name is expected here.',
    explanation:
      'A name is made of the letters a to z and A to Z, digits and `_`, and does not begin with a digit. Any word may be a name, keywords too. Names stand without quotes.',
    example: 'model "Tiny" { width = 64 }',
    fixed: 'model Tiny { width = 64 }',
  },
  HYB0204: {
    title: '`=` and `:` confused',
    message: '`{expected}` is expected here, not `{found}`.',
    explanation:
      'Values follow `=`, in fields, arguments and parameters alike. Types, shapes and the values of a map follow `:`, as in `x: [time, width]` and `{ M: Mamba, "*": A }`.',
    example: 'model Tiny { width: 64 }',
    fixed: 'model Tiny { width = 64 }',
  },
  HYB0205: {
    title: 'Statement expected',
    message: 'A body is made of statements, and {found} begins none.',
    explanation:
      'In the braces of a block, norm, function or scan stand `param`, `dim`, `slot`, `let`, `require`, `return` and `yield`, and `state = …` in a scan. There are no loops and no assignments to other names: `scan` is the loop over time.',
    example: 'block Twice(x: [time, width]) -> [time, width] {\n  lte y = 2 * x\n  return y\n}',
    fixed: 'block Twice(x: [time, width]) -> [time, width] {\n  let y = 2 * x\n  return y\n}',
  },
  HYB0206: {
    title: 'Missing comma',
    message: 'A comma is missing here.',
    explanation:
      'Arguments, parameters, inputs, the parts of tuples and shapes, and the entries of maps have commas between them. Fields, statements and the items of a layer pattern need none.',
    example: 'model Tiny { betas = (0.9 0.95) }',
    fixed: 'model Tiny { betas = (0.9, 0.95) }',
  },
  HYB0207: {
    title: 'Block without inputs',
    message: "The inputs of '{name}' are missing.",
    explanation:
      'A block has its parameters in a first pair of parentheses, which may be left out, and its inputs in a second one: `block MLP(inner: int)(x: [time, width]) -> [time, width] { … }`. A function has inputs only.',
    example: 'block Nothing { return 0 }',
    fixed: 'block Nothing(x: [time, width]) { return x }',
  },
  HYB0208: {
    title: 'Unexpected text',
    message: 'Here {expected} is expected, not {found}.',
    explanation: 'The text cannot be read at this place. The message says what would fit.',
    example: 'model Tiny of Other { width = 64 }',
    fixed: 'model Tiny { width = 64 }',
  },
  HYB0209: {
    title: '`use` without a name',
    message: 'This `use` does not say which names it brings.',
    explanation:
      'A `use` lists what it brings into the file, so that every name can be found in the file in which it stands: `use std.MLP`, `use std.{Mamba2, Attention as A}`, `use "./blocks.hyb".{Leaky}`.',
    example: 'use "./blocks.hyb"',
    fixed: 'use "./blocks.hyb".{Leaky}',
  },
  HYB0210: {
    title: 'Missing `with`',
    message: '`with` stands between the base and the changed fields.',
    explanation: 'A derivation names its base and then the fields that differ: `model B = A with { A.cap = 50 }`.',
    example: 'model B = A { cap = 50 }',
    fixed: 'model B = A with { cap = 50 }',
  },
  HYB0211: {
    title: 'Input with a type',
    message: "An input has a shape such as `[time, width]`, not a type: '{type}' is for parameters.",
    explanation:
      'Parameters such as `inner: int` stand in a first pair of parentheses, inputs such as `x: [time, width]` in a second one. A single pair holds the inputs.',
    example: 'block MLP(inner: int) -> [time, width] { return 0 }',
    fixed: 'block MLP(inner: int)(x: [time, width]) -> [time, width] { return x }',
  },
  HYB0212: {
    title: 'Missing `else`',
    message: 'A conditional has a value for both cases: `else` is missing.',
    explanation: '`if … then … else …` is an expression, so it has a value whether or not the condition holds.',
    example: 'fn f(x) = if true then x',
    fixed: 'fn f(x) = if true then x else 0',
  },
  HYB0213: {
    title: 'Index of a path',
    message: 'In the brackets of a path stands a whole number or a range of whole numbers.',
    explanation:
      '`layers[7].cap` is one layer, `linears[..4]` the first four matrix products in order of execution and `linears[-4..]` the last four. Ranges are half-open and count from 0.',
    example: 'model B = A with { layers[last].cap = 50 }',
    fixed: 'model B = A with { layers[7].cap = 50 }',
  },
} as const satisfies ExplainedCatalogue;
