import type { DocumentedCatalogue } from '../../diagnostics/entry.js';
import { attentionModel, modelWith } from './examples.js';

/** Names and compile-time values. */
export const nameMessages = {
  HYB1010: {
    title: 'Unknown name',
    message: "There is no '{name}' here.",
    explanation:
      'A name is looked up among the fields of the model (or the earlier parameters of the block), then among what the file declares and imports, then among the built-in functions. Names of the standard library have to be imported: `use std.{MLP}`.',
    example: modelWith('G = MLP(inner = widht)').replace('[F]', '[F G]'),
    fixed: modelWith('G = MLP(inner = width)').replace('[F]', '[F G]'),
  },
  HYB1011: {
    title: 'Not a value',
    message: "'{name}' is {what}; it cannot stand here.",
    explanation:
      'Blocks get a name in the model (`F = MLP(inner = 128)`) and stand in the pattern. Models, recipes and weight maps stand after `of`, after `=` in a derivation, or in the field `weights`. None of them is a value.',
    example: modelWith('G = MLP(inner = Small)').replace('[F]', '[F G]'),
    fixed: modelWith('G = MLP(inner = 64)').replace('[F]', '[F G]'),
  },
  HYB1012: {
    title: 'Not a compile-time value',
    message: '{what} cannot stand here: the value must be known when the model is compiled.',
    explanation:
      'Fields of models and arguments of blocks are constants: numbers, `true` and `false`, strings, tuples, functions, norms, and arithmetic on them. What computes on tensors belongs into a `block` or a `fn`.',
    example: modelWith('embedding = { scale = x as [2] }'),
    fixed: modelWith('embedding = { scale = 2 }'),
  },
  HYB1013: {
    title: 'Wrong operands',
    message: "'{operator}' takes {takes}.",
    explanation:
      'Arithmetic on constants works on numbers, `and`, `or` and `not` on `true` and `false`. Quantities with units can be added and compared only where they measure the same (bytes with bytes), and multiplied by plain numbers.',
    example: modelWith('embedding = { scale = 2 * "3" }'),
    fixed: modelWith('embedding = { scale = 2 * 3 }'),
  },
  HYB1014: {
    title: 'Cannot be called',
    message: "'{name}' cannot be called here.",
    explanation: 'Arguments are given to blocks, norms and functions. Everything else is a value as it stands.',
    example: modelWith('embedding = { scale = width(2) }'),
    fixed: modelWith('embedding = { scale = width * 2 }'),
  },
  HYB1015: {
    title: 'Not a number',
    message: 'The result of {operation} is not a finite number.',
    explanation:
      'Divisions by zero, roots and logarithms of negative numbers and results too large for a number are errors, as are whole numbers over 2^53, which cannot be represented exactly. Only `inf` itself may be infinite.',
    example: modelWith('embedding = { scale = 1 / 0 }'),
    fixed: modelWith('embedding = { scale = 1 / 2 }'),
  },
  HYB1016: {
    title: 'Defined by itself',
    message: 'The value of {chain} depends on itself.',
    explanation:
      'Fields may stand in any order and refer to each other, but not in a circle. In a derivation a field may refer to its own earlier value: `width = width * 2`.',
    example: modelWith('a = b + 1', 'b = a + 1'),
    fixed: modelWith('a = 1', 'b = a + 1', 'embedding = { scale = b }'),
  },
  HYB1018: {
    title: 'No such part',
    message: "{what} has no '{name}'.",
    explanation:
      'Of a named block, its arguments can be read: `A.heads`. An index takes one element of a tuple, counted from zero. Other values have no parts.',
    example: attentionModel(['embedding = { scale = A.head }']),
    fixed: attentionModel(['embedding = { scale = A.heads }']),
  },
  HYB1019: {
    title: 'Too deep',
    message: 'More than {limit} values depend on each other here.',
    explanation:
      'Expressions may contain each other, and fields may refer to fields, but only so deep: what is deeper was hardly written by a person.',
    example: modelWith(`embedding = { scale = ${Array<string>(210).fill('1').join(' + ')} }`),
    fixed: modelWith('embedding = { scale = 210 }'),
  },
} as const satisfies DocumentedCatalogue;
