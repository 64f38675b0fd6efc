import type { DocumentedCatalogue } from '../../diagnostics/entry.js';
import { blockWith, scanWith } from './examples.js';

/** Recurrences. */
export const scanMessages = {
  HYB3030: {
    title: 'Index missing in a scan',
    message: 'This varies over time: inside the scan read it at a token, `…[{index}]`.',
    explanation:
      'The body of a scan computes one token. A tensor over time is read at the token, `a[t]`, or at an earlier one, `a[t - 1]`; tensors without time, such as parameters, are used as they are.',
    example: scanWith('h = 0.9 * h + x', 'yield h'),
    fixed: scanWith('h = 0.9 * h + x[t]', 'yield h'),
  },
  HYB3031: {
    title: 'Index outside of a scan',
    message: 'Only inside a `scan` is a tensor read at one token.',
    explanation:
      'Outside of scans tensors are whole: operations work on all tokens. Parts of other dimensions are cut by `split`.',
    example: blockWith('return x[0] + x'),
    fixed: blockWith('return x + x'),
  },
  HYB3032: {
    title: 'Not in a scan',
    message: '{what} cannot stand in a scan.',
    explanation:
      'The body of a scan runs once for each token, so only element-wise operations, reductions and changes of shape may stand in it. Linear maps, convolutions, norms and attention are applied to all tokens before or after the scan.',
    example: blockWith(
      'param up = linear(width -> width)',
      'return scan (t in time, state h: [width] = 0) {',
      '  h = up(x[t]) + h',
      '  yield h',
      '}',
    ),
    fixed: blockWith(
      'param up = linear(width -> width)',
      'let u = up(x)',
      'return scan (t in time, state h: [width] = 0) {',
      '  h = u[t] + h',
      '  yield h',
      '}',
    ),
  },
  HYB3050: {
    title: 'Scan in a scan',
    message: 'A scan cannot stand in a scan.',
    explanation:
      'One scan carries as many states as it declares; two recurrences over the same time are two states of one scan.',
    example: scanWith(
      'h = h + x[t]',
      'let y = scan (s in time, state g: [width] = 0) { g = g + x[s]  yield g }',
      'yield h',
    ),
    fixed: blockWith(
      'return scan (t in time, state h: [width] = 0, state g: [width] = 0) {',
      '  h = h + x[t]',
      '  g = g + x[t]',
      '  yield h + g',
      '}',
    ),
  },
  HYB3051: {
    title: 'Scan over another dimension',
    message: "A scan runs over `time`, not over '{name}'.",
    explanation: 'A scan is the recurrence over the tokens of a sequence. Along other dimensions there are reductions.',
    example: scanWith('h = h + x[t]', 'yield h').replace('in time', 'in width'),
    fixed: scanWith('h = h + x[t]', 'yield h'),
  },
  HYB3052: {
    title: 'State over time',
    message: "The state '{name}' cannot have the dimension `time`.",
    explanation: 'A state is what passes from one token to the next: the value at one token.',
    example: scanWith('h = h + x[t]', 'yield h').replace('h: [width]', 'h: [time, width]'),
    fixed: scanWith('h = h + x[t]', 'yield h'),
  },
  HYB3053: {
    title: 'Two yields',
    message: 'A scan yields once.',
    explanation:
      '`yield` says what the scan gives at each token. To give several values, join them by `concat` after two scans, or yield one tensor that holds both.',
    example: scanWith('h = h + x[t]', 'yield h', 'yield 2 * h'),
    fixed: scanWith('h = h + x[t]', 'yield 2 * h'),
  },
  HYB3054: {
    title: 'Nothing yielded',
    message: 'The scan yields nothing.',
    explanation: '`yield` says what the scan gives at each token; without it nothing of the recurrence would be seen.',
    example: scanWith('h = h + x[t]'),
    fixed: scanWith('h = h + x[t]', 'yield h'),
  },
  HYB3055: {
    title: 'State never set',
    message: "The state '{name}' never gets a next value.",
    explanation: 'Each state of a scan is assigned: `h = …` is its value at this token, which the next one reads.',
    example: scanWith('yield h + x[t]'),
    fixed: scanWith('h = h + x[t]', 'yield h'),
  },
  HYB3056: {
    title: 'Not a state',
    message: "'{name}' is no state of this scan; name other values with `let`.",
    explanation: 'Only states are assigned. Everything else in a body is named once, by `let`.',
    example: scanWith('y = 2 * x[t]', 'h = h + x[t]', 'yield h'),
    fixed: scanWith('let y = 2 * x[t]', 'h = h + y', 'yield h'),
  },
  HYB3057: {
    title: 'Index of one token',
    message: "'{name}' belongs to this token and has no index.",
    explanation:
      'States and what is computed inside a scan are values of one token. Of the states, the earlier value is what the name means before the assignment.',
    example: scanWith('h = h[t - 1] + x[t]', 'yield h'),
    fixed: scanWith('h = h + x[t]', 'yield h'),
  },
  HYB3058: {
    title: 'Not over time',
    message: 'This does not vary over time.',
    explanation:
      'Only tensors with `time` are read at a token. Parameters and numbers are the same at all of them: use them without an index.',
    example: blockWith(
      'param decay: [width] = 1',
      'return scan (t in time, state h: [width] = 0) {',
      '  h = decay[t] * h + x[t]',
      '  yield h',
      '}',
    ),
    fixed: blockWith(
      'param decay: [width] = 1',
      'return scan (t in time, state h: [width] = 0) {',
      '  h = decay * h + x[t]',
      '  yield h',
      '}',
    ),
  },
  HYB3059: {
    title: 'A later token',
    message: 'A scan cannot read a later token than `{index}`.',
    explanation:
      'Everything is causal: at a token, later ones are not there yet. Earlier ones are read as `a[t - 1]`; before the start of the sequence they are zero.',
    example: scanWith('h = h + x[t + 1]', 'yield h'),
    fixed: scanWith('h = h + x[t - 1]', 'yield h'),
  },
  HYB3060: {
    title: 'Index as a value',
    message: "'{name}' stands only in indices: `a[{name}]`.",
    explanation:
      'The index of a scan is no number to compute with. The position of each token is `position()`, outside of the scan.',
    example: scanWith('h = h + t', 'yield h'),
    fixed: blockWith(
      'let p = position()',
      'return scan (t in time, state h: [width] = 0) {',
      '  h = h + p[t]',
      '  yield h',
      '}',
    ),
  },
} as const satisfies DocumentedCatalogue;
