import type { DocumentedCatalogue } from '../../diagnostics/entry.js';
import { blockWith, modelWith } from './examples.js';

/** Statements, parameters, norms and options. */
export const bodyMessages = {
  HYB3029: {
    title: 'Statement in the wrong place',
    message: '{what} cannot stand in {where}.',
    explanation:
      '`param` and `slot` stand in blocks and norms, assignments and `yield` in a `scan`, and `return` ends blocks, norms and functions.',
    example: `fn shifted(x) {\n  param shift = linear(width -> width)\n  return shift(x)\n}\n\n${blockWith('return shifted(x)')}`,
    fixed: blockWith('param shift = linear(width -> width)', 'return shift(x)'),
  },
  HYB3033: {
    title: 'Not a parameter',
    message: "'{name}' needs `linear(…)`, `conv1d(…)`, a block, or a shape: `param {name}: [width] = 0`.",
    explanation:
      'A parameter is a linear map, a causal convolution, a block or norm with weights of its own, or a plain tensor with a shape and initial values.',
    example: blockWith('param up = linar(width -> width)', 'return up(x)'),
    fixed: blockWith('param up = linear(width -> width)', 'return up(x)'),
  },
  HYB3034: {
    title: 'Two initial values',
    message: "'{name}' has an initial value and `@init`.",
    explanation: '`param x: [width] = 1` and `@init(…)` say the same thing; only one of them may stand.',
    example: blockWith('param scale: [width] = 1 @init(normal(0.02))', 'return x * scale'),
    fixed: blockWith('param scale: [width] @init(normal(0.02))', 'return x * scale'),
  },
  HYB3035: {
    title: 'No initial value',
    message: "'{name}' has no initial value: write `= 0` or `@init(…)`.",
    explanation:
      'Training starts from the initial values, so each plain tensor says its own. Linear maps and convolutions have the usual defaults.',
    example: blockWith('param scale: [width]', 'return x * scale'),
    fixed: blockWith('param scale: [width] = 1', 'return x * scale'),
  },
  HYB3038: {
    title: 'Unknown initializer',
    message: "There is no initializer '{name}'.",
    explanation:
      'Initial values are numbers, `normal`, `output`, `uniform`, `log_uniform`, `kaiming_uniform` and `constant`, and functions of those: `log`, `exp`, `neg` and `inverse_softplus`.',
    example: blockWith('param scale: [width] @init(gaussian(0.02))', 'return x * scale'),
    fixed: blockWith('param scale: [width] @init(normal(0.02))', 'return x * scale'),
  },
  HYB3045: {
    title: 'Wrong initializer',
    message: "'{name}' cannot be made of these numbers: {reason}.",
    explanation:
      'The numbers of an initializer must describe a distribution: limits in order, deviations that are not negative.',
    example: blockWith('param scale: [width] @init(uniform(1, 0))', 'return x * scale'),
    fixed: blockWith('param scale: [width] @init(uniform(0, 1))', 'return x * scale'),
  },
  HYB3044: {
    title: 'Unknown attribute',
    message: "There is no attribute '@{name}' here.",
    explanation: 'Parameters have the attribute `@init(…)`: how they are initialized. Blocks inside blocks have none.',
    example: blockWith('param up = linear(width -> width) @initial(output)', 'return up(x)'),
    fixed: blockWith('param up = linear(width -> width) @init(output)', 'return up(x)'),
  },
  HYB3043: {
    title: 'Unknown kind of parameter',
    message: "There is no kind '{type}'.",
    explanation:
      'Parameters of blocks are `int`, `float`, `bool`, `fn`, `norm`, `string` or `tuple`. Without a kind, the default says it.',
    example: 'block Example(size: integer = 4)(x: [time, width]) -> [time, width] {\n  return x * size\n}',
    fixed: 'block Example(size: int = 4)(x: [time, width]) -> [time, width] {\n  return x * size\n}',
  },
  HYB3039: {
    title: 'Not a norm',
    message: "'{name}' does not keep the shape of its one input.",
    explanation:
      'A norm stands in slots, before, after and inside blocks, so it takes one tensor and gives one of the same shape.',
    example: [
      'norm Mean(x: [..., d]) {',
      '  return mean(x, d)',
      '}',
      '',
      blockWith('slot inner = Mean', 'return inner(x)'),
    ].join('\n'),
    fixed: [
      'norm Centre(x: [..., d]) {',
      '  return x - mean(x, d)',
      '}',
      '',
      blockWith('slot inner = Centre', 'return inner(x)'),
    ].join('\n'),
  },
  HYB3046: {
    title: 'After the end',
    message: 'This is never reached: the body has returned.',
    severity: 'warning',
    explanation: '`return` ends a body; statements after it mean nothing.',
    example: blockWith('return x', 'let y = 2 * x'),
    fixed: blockWith('let y = 2 * x', 'return y'),
  },
  HYB3047: {
    title: 'Nothing returned',
    message: "'{name}' returns nothing.",
    explanation: 'The body of a block, norm or function ends with `return` and its result.',
    example: blockWith('let y = 2 * x'),
    fixed: blockWith('let y = 2 * x', 'return y'),
  },
  HYB3048: {
    title: 'Requirement not met',
    message: "'{name}' cannot have these arguments: {message}.",
    explanation: 'A block says by `require` which arguments make sense together.',
    example: modelWith(
      [
        'block Example(groups: int)(x: [time, width]) -> [time, width] {',
        '  require width % groups == 0, "width must be a multiple of groups"',
        '  return x',
        '}',
      ].join('\n'),
      'Example(groups = 3)',
    ),
    fixed: modelWith(
      [
        'block Example(groups: int)(x: [time, width]) -> [time, width] {',
        '  require width % groups == 0, "width must be a multiple of groups"',
        '  return x',
        '}',
      ].join('\n'),
      'Example(groups = 4)',
    ),
  },
  HYB3049: {
    title: 'Other number of values',
    message: 'This must be {expected}.',
    explanation: '`let (a, b) = …` names each element of a tuple, such as the parts of a `split`.',
    example: blockWith('let (a, b) = x', 'return a'),
    fixed: blockWith('let (a, b) = (x, 2 * x)', 'return a + b'),
  },
  HYB3062: {
    title: 'Limits in the wrong order',
    message: 'The lower limit {low} is above the upper one {high}.',
    explanation: '`clamp(x, low, high)` keeps x within its limits, so the first is the lower one.',
    example: blockWith('return clamp(x, 1, -1)'),
    fixed: blockWith('return clamp(x, -1, 1)'),
  },
  HYB3063: {
    title: 'An option that varies',
    message: "'{name}' of '{callee}' must be known at compile time.",
    explanation: 'Options of operations are part of the compiled program. Only tensors may vary with the input.',
    example: blockWith('return clamp(x, (0, 1), 2 * x)').replace('clamp(x, (0, 1), 2 * x)', 'rope(x, base = x)'),
    fixed: blockWith('return rope(x, base = 10_000)'),
  },
  HYB3066: {
    title: 'Option out of range',
    message: "'{name}' cannot be that: {reason}.",
    explanation: 'The value of an option makes no sense for the operation; the message says what it has to be.',
    example: blockWith('return rope(x, base = 0.5)'),
    fixed: blockWith('return rope(x, base = 10_000)'),
  },
  HYB3067: {
    title: 'Not a layer',
    message: "'{name}' cannot be a layer: a layer takes one input [time, width] and gives its like.",
    explanation:
      'Layers stand in the residual stream: each reads it and adds to it. A block with other inputs or another result can be used inside blocks, as a parameter.',
    example: modelWith(
      'block Example(x: [time, width], y: [time, width]) -> [time, width] {\n  return x + y\n}',
      'Example()',
    ),
    fixed: modelWith('block Example(x: [time, width]) -> [time, width] {\n  return x + x\n}', 'Example()'),
  },
  HYB3068: {
    title: 'A slot that every block has',
    message: "Every block has the slot '{name}': it stands around the block, not in it.",
    explanation:
      '`pre` normalizes what a block reads, `out` what it gives, and `post` the residual stream after that. They are applied around the body, so a body neither declares nor applies them.',
    example: blockWith('slot pre', 'return pre(x)'),
    fixed: blockWith('slot inner', 'return inner(x)'),
  },
  HYB3070: {
    title: 'Norm of another matrix',
    message: "'spectral_norm' takes the weight of a linear map that the block applies.",
    explanation:
      'Spectral norms are computed of weights as kernels read them, once they are loaded. A matrix that is computed, or one that no `linear` of the block applies, does not lie there.',
    example: modelWith(
      blockWith(
        'param map = linear(width -> width)',
        'param other = linear(width -> width)',
        'return map(x) / spectral_norm(other.weight)',
      ),
      'Example()',
    ),
    fixed: modelWith(
      blockWith('param map = linear(width -> width)', 'return map(x) / spectral_norm(map.weight)'),
      'Example()',
    ),
  },
  HYB3069: {
    title: 'Too much to expand',
    message: "'{name}' expands to more than {limit} calls.",
    explanation:
      'Functions and blocks are expanded where they are used, so functions that call each other several times over several levels grow without end. What repeats over time is a `scan`; what repeats over layers is a pattern.',
    example: `${Array.from({ length: 20 }, (_, i) => `fn f${i + 1}(x) = f${i}(x) + f${i}(x + 1)`).join('\n')}\nfn f0(x) = x\n\n${blockWith('return f20(x)')}`,
    fixed: `fn f0(x) = x\nfn f1(x) = f0(x) + f0(x + 1)\n\n${blockWith('return f1(x)')}`,
  },
} as const satisfies DocumentedCatalogue;
