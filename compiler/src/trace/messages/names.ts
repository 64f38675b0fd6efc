import type { DocumentedCatalogue } from '../../diagnostics/entry.js';
import { blockWith } from './examples.js';

/** Names and calls in bodies. */
export const nameMessages = {
  HYB3001: {
    title: 'Unknown name in a body',
    message: "There is no '{name}' here.",
    explanation:
      'A name in a body is looked up among what the body declares before it (`let`, `param`, `slot`, `dim`, inputs), then the parameters of the block, then what the file declares and imports, then the built-in functions.',
    example: blockWith('return sigmiod(x)'),
    fixed: blockWith('return sigmoid(x)'),
  },
  HYB3002: {
    title: 'Missing argument in a body',
    message: "'{callee}' still needs {missing}.",
    explanation:
      'A function is applied when all its arguments are there. With only named constants, as in `rope(base = 500_000)`, the result is a function of the arguments that are missing; a call with arguments by place must be complete.',
    example: blockWith('return clamp(x)'),
    fixed: blockWith('return clamp(x, -1, 1)'),
  },
  HYB3003: {
    title: 'Too many arguments in a body',
    message: "'{callee}' takes {expected}.",
    explanation: 'More arguments stand in the call than the function, parameter or slot has places for.',
    example: blockWith('return sigmoid(x, 2)'),
    fixed: blockWith('return sigmoid(2 * x)'),
  },
  HYB3004: {
    title: 'Unknown argument in a body',
    message: "'{callee}' has no argument '{name}'.",
    explanation: 'A named argument must be one of the names that the declaration lists.',
    example: blockWith('param up = linear(width -> width, baised = true)', 'return up(x)'),
    fixed: blockWith('param up = linear(width -> width, bias = true)', 'return up(x)'),
  },
  HYB3005: {
    title: 'Unnamed argument after a named one in a body',
    message: 'Arguments by place stand before those by name.',
    explanation:
      'After the first named argument the places are no longer clear, so every further argument needs its name.',
    example: blockWith('return clamp(low = -1, x, high = 1)'),
    fixed: blockWith('return clamp(x, low = -1, high = 1)'),
  },
  HYB3006: {
    title: 'Given twice in a body',
    message: "'{name}' is given twice.",
    explanation: 'An argument, an attribute or a dimension to reduce over may be given only once.',
    example: blockWith('return clamp(x, -1, 1, low = 0)'),
    fixed: blockWith('return clamp(x, 0, 1)'),
  },
  HYB3007: {
    title: 'Another kind of value is needed',
    message: '{what} must be {expected}.',
    explanation:
      'Values in bodies are tensors, compile-time constants (numbers, `true` and `false`, strings, tuples), functions, and things to apply: parameters, slots and norms. Each place takes only some of them; a function or parameter must be applied before its value can be computed with.',
    example: blockWith('param up = linear(width -> width)', 'return relu(up)'),
    fixed: blockWith('param up = linear(width -> width)', 'return relu(up(x))'),
  },
  HYB3008: {
    title: 'Not in a body',
    message: '{what} cannot stand in a body.',
    explanation:
      'Bodies compute with tensors and constants. Records, maps, patterns, ranges and units belong into models and recipes, and arrows into `linear` and `rename`.',
    example: blockWith('return x * 2 seconds'),
    fixed: blockWith('return x * 2'),
  },
  HYB3020: {
    title: 'Not a function',
    message: 'This is {what}; it cannot be applied.',
    explanation:
      'Functions, parameters made by `linear` or `conv1d`, blocks in parameters and slots are applied to tensors. Tensors and numbers are values as they stand.',
    example: blockWith('let y = 2 * x', 'return y(x)'),
    fixed: blockWith('let y = 2 * x', 'return y * x'),
  },
  HYB3024: {
    title: 'Declared twice in a body',
    message: "'{name}' is declared twice.",
    explanation:
      'Every name of a body means one thing from where it is declared to the end. Call the second one something else.',
    example: blockWith('let y = 2 * x', 'let y = y + 1', 'return y'),
    fixed: blockWith('let y = 2 * x', 'let z = y + 1', 'return z'),
  },
  HYB3025: {
    title: 'Unused parameter',
    message: "The parameter '{name}' is never used.",
    severity: 'warning',
    explanation:
      'The parameter does not take part in the result, so it is left out: the model has no such weight. Remove the statement, or give it a `when` that says in which cases the parameter exists.',
    example: blockWith('param gate = linear(width -> width)', 'return x'),
    fixed: blockWith('param gate = linear(width -> width)', 'return x * gate(x)'),
  },
  HYB3026: {
    title: 'Parameter that does not exist',
    message: "The parameter '{name}' does not exist here: its `when` is false.",
    explanation:
      'A parameter with `when` exists only where the condition holds, and a use of it must not be reached otherwise. Put the use into `if … then … else` with the same condition.',
    example:
      'block Example(bias = false)(x: [time, width]) -> [time, width] {\n  param shift: [width] = 0 when bias\n  return x + shift\n}',
    fixed:
      'block Example(bias = false)(x: [time, width]) -> [time, width] {\n  param shift: [width] = 0 when bias\n  return if bias then x + shift else x\n}',
  },
  HYB3027: {
    title: 'Block without a name',
    message: "The block '{name}' has weights; give it a name: `param … = {name}(…)`.",
    explanation:
      'A block inside a block has weights of its own, and their paths need a name. Declare it as a parameter and apply that.',
    example: [
      'block Double(x: [time, width]) -> [time, width] {',
      '  param up = linear(width -> width)',
      '  return up(x)',
      '}',
      '',
      blockWith('return Double(x)'),
    ]
      .join('\n')
      .replace('block Double(x', 'block Double()(x'),
    fixed: [
      'block Double()(x: [time, width]) -> [time, width] {',
      '  param up = linear(width -> width)',
      '  return up(x)',
      '}',
      '',
      blockWith('param double = Double()', 'return double(x)'),
    ].join('\n'),
  },
  HYB3028: {
    title: 'Norm without a name',
    message: "The norm '{name}' has weights; declare a slot or a parameter for it and apply that.",
    explanation:
      'A norm in a body has weights of its own, and their paths need a name. `slot name = Norm(…)` gives it one and lets a model put another norm there.',
    example: [
      'norm Scale(x: [..., d]) -> [..., d] {',
      '  param weight: [d] = 1',
      '  return x * weight',
      '}',
      '',
      blockWith('let scale = Scale', 'return scale(x)'),
    ].join('\n'),
    fixed: [
      'norm Scale(x: [..., d]) -> [..., d] {',
      '  param weight: [d] = 1',
      '  return x * weight',
      '}',
      '',
      blockWith('slot scale = Scale', 'return scale(x)'),
    ].join('\n'),
  },
  HYB3042: {
    title: 'No such part in a body',
    message: "{what} has no '{name}'.",
    explanation:
      'Of a parameter made by `linear` or `conv1d`, the tensors `weight`, `bias` and `gamma` can be read, if it has them; of a tuple, its elements by number, counted from zero.',
    example: blockWith('param up = linear(width -> width)', 'return up(x) + up.bias'),
    fixed: blockWith('param up = linear(width -> width, bias = true)', 'return up(x) + up.bias'),
  },
  HYB3037: {
    title: 'Recursion',
    message: "'{name}' is defined by itself.",
    explanation:
      'Functions and blocks are expanded where they are used, which would never end here. What repeats over time is a `scan`; what repeats over layers is a pattern.',
    example: `fn f(x) = f(x) + 1\n\n${blockWith('return f(x)')}`,
    fixed: `fn f(x) = x + 1\n\n${blockWith('return f(x)')}`,
  },
} as const satisfies DocumentedCatalogue;
