import type { ExplainedCatalogue } from '../../diagnostics/catalogue.js';
import { LARGEST_FILE } from '../limits.js';

/** Characters, numbers, strings and comments. */
export const lexicalMessages = {
  HYB0001: {
    title: 'Unknown character',
    message: '{characters} no meaning in Hyb.',
    explanation:
      'Outside of strings and comments a file is made of words, numbers, operators and brackets. A character that belongs to none of them was probably typed by accident, or belongs to another language.',
    example: 'model Tiny { width = 64 $ }',
    fixed: 'model Tiny { width = 64 }',
  },
  HYB0002: {
    title: 'Wrong quotes',
    message: 'A string stands in double quotes.',
    explanation: 'There is one kind of string: on one line, between straight double quotes (`"`).',
    example: "use './blocks.hyb'.Leaky",
    fixed: 'use "./blocks.hyb".Leaky',
  },
  HYB0003: {
    title: 'String without an end',
    message: 'The string does not end on its line.',
    explanation:
      'A string begins and ends with `"` on the same line. Write `\\n` for a new line in it, and `\\"` for a quote in it.',
    example: 'model Tiny {\n  title = "tiny\n}',
    fixed: 'model Tiny {\n  title = "tiny"\n}',
  },
  HYB0004: {
    title: 'Malformed number',
    message: 'This is not a number. {reason}',
    explanation:
      'Numbers are decimal: `131_072`, `0.5`, `1e-5`, `25e9`. A separator `_` stands between two digits, and a point has digits on both sides. There are no hexadecimal numbers and no suffixes such as `k`: write `4e3`. A unit stands after the number, as in `6 GB`.',
    example: 'model Tiny { vocab = 131__072 }',
    fixed: 'model Tiny { vocab = 131_072 }',
  },
  HYB0005: {
    title: 'Spelling of another language',
    message: 'Hyb writes `{replacement}` for `{spelling}`.',
    explanation:
      'Operators are ASCII, and conditions are joined by words: `and`, `or`, `not`. Other spellings are understood, so that the rest of the file can be checked, but they are errors.',
    example: 'block Twice(x: [time, width]) → [time, width] { return 2 * x }',
    fixed: 'block Twice(x: [time, width]) -> [time, width] { return 2 * x }',
  },
  HYB0006: {
    title: 'Number too large',
    message: 'This number is too large for the 64-bit format in which constants are computed.',
    explanation: 'Constants are IEEE 754 doubles: at most about 1.8e308. Write `inf` for infinity.',
    example: 'model Tiny { width = 1e999 }',
    fixed: 'model Tiny { width = 64 }',
  },
  HYB0007: {
    title: 'Comment of another language',
    message: 'A comment begins with `//`, not with `{opening}`.',
    explanation:
      'There are line comments (`//`) and doc comments (`///`), which describe the declaration, field, parameter, param or slot that follows. There are no block comments.',
    example: '# A tiny model.\nmodel Tiny { width = 64 }',
    fixed: '// A tiny model.\nmodel Tiny { width = 64 }',
  },
  HYB0008: {
    title: 'Doc comment before nothing',
    message: 'This doc comment describes nothing: no declaration, field, parameter, param or slot follows.',
    severity: 'warning',
    explanation:
      'A doc comment (`///`) belongs to the declaration, field, parameter, `param` or `slot` after it, and appears in hover texts and in the documentation of the package. Before anything else it is lost: write `//`.',
    example: 'block Twice(x: [time, width]) -> [time, width] {\n  /// The double.\n  return 2 * x\n}',
    fixed: 'block Twice(x: [time, width]) -> [time, width] {\n  // The double.\n  return 2 * x\n}',
  },
  HYB0009: {
    title: 'File too large',
    message: 'The file has {size} characters; at most {limit} are read.',
    explanation:
      'A file of this size was not written by a person. The limit keeps every answer within a second; a model of a hundred layers needs a few thousand characters.',
    // One character too many; whoever shows it cuts it short.
    example: `// ${'='.repeat(LARGEST_FILE)}`,
    fixed: 'model Tiny { width = 64 }',
  },
  HYB0010: {
    title: 'Letter outside of ASCII in a name',
    message: "The name '{name}' has letters other than a to z.",
    explanation:
      'Names appear in generated TypeScript and WGSL and in the names of files and tensors, so they are made of the letters a to z and A to Z, digits and `_`, and do not begin with a digit.',
    example: 'model Größe { width = 64 }',
    fixed: 'model Groesse { width = 64 }',
  },
  HYB0011: {
    title: 'Unknown escape',
    message: "There is no escape '{escape}' in strings.",
    explanation:
      'A string knows the escapes `\\"`, `\\\\`, `\\n`, `\\t` and `\\u{…}` with the code point in hexadecimal. A backslash itself is written `\\\\`.',
    example: 'use ".\\blocks.hyb".Leaky',
    fixed: 'use "./blocks.hyb".Leaky',
  },
  HYB0012: {
    title: 'Comment in place of a division',
    message: '`//` begins a comment, so `{operand}` is not part of the dimension.',
    severity: 'warning',
    explanation:
      'Some languages divide whole numbers by `//`. In Hyb that begins a comment, and the division is written `div`: `width div heads`.',
    example:
      'block Half(x: [time, width]) -> [time, width] {\n  dim half = width // 2\n  param w: [half]\n  return x\n}',
    fixed:
      'block Half(x: [time, width]) -> [time, width] {\n  dim half = width div 2\n  param w: [half]\n  return x\n}',
  },
  HYB0013: {
    title: 'Not a text',
    message: 'The file holds the control character U+{code}: it is not a text.',
    explanation:
      'A `.hyb` file is UTF-8 text. Control characters other than white space show that the file is something else, such as weights or an archive, or is in another encoding.',
    example: 'model Tiny\u0001 { width = 64 }',
    fixed: 'model Tiny { width = 64 }',
  },
  HYB0014: {
    title: 'Doc comment after code',
    message: 'A doc comment stands before what it describes; this one describes what follows.',
    severity: 'warning',
    explanation:
      'A doc comment (`///`) belongs to what comes after it. At the end of a line it seems to describe the line, but it describes the next one: put it on a line before, or write `//`.',
    example: 'model Tiny {\n  width = 64 /// Size of the residual stream.\n  vocab = 256\n}',
    fixed: 'model Tiny {\n  /// Size of the residual stream.\n  width = 64\n  vocab = 256\n}',
  },
} as const satisfies ExplainedCatalogue;
