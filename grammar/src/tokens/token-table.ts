/**
 * The one table of Hyb's tokens. The lexer, the TextMate grammar, the formatter's spelling and the docs derive from it;
 * nothing else may list keywords or operators.
 */

/** What kind of token a row is, which also says how the parser treats it and how editors colour it. */
export type TokenCategory =
  /** Begins a declaration when a name (for `use` also a string) follows. */
  | 'declaration'
  /** Begins a statement of a body unless `=` follows. */
  | 'statement'
  /** A word with a meaning inside a declaration, statement or expression. */
  | 'keyword'
  /** A word that is an infix or prefix operator. */
  | 'word-operator'
  /** A word that is a value. */
  | 'constant'
  /** A word that is a unit after a number on the same line. */
  | 'unit'
  /** A type of a parameter: a word of the checker that the parser does not know; listed for editors and docs. */
  | 'type'
  /** A number format of `precision`, another word of the checker. */
  | 'format'
  | 'literal'
  | 'operator'
  | 'punctuation'
  | 'comment';

export interface TokenRow {
  /** Name of the lexer's token, of the TextMate rule and of the anchor in docs. */
  readonly name: string;
  readonly category: TokenCategory;
  /** Exact spelling, or a pattern for tokens that have many. */
  readonly pattern: string | RegExp;
  /** How messages call the token; a quoted spelling if absent. */
  readonly label?: string;
  /** TextMate scope without the `.hyb` at the end. */
  readonly scope: string;
  /** One line for hover texts and the reference. */
  readonly doc: string;
}

type Row = readonly [name: string, pattern: string, doc: string];

function rows(category: TokenCategory, scope: string, table: readonly Row[]): TokenRow[] {
  return table.map(([name, pattern, doc]) => ({ name, category, pattern, scope, doc }));
}

/** Words: every one of them may also be a name. */
const words: readonly TokenRow[] = [
  ...rows('declaration', 'keyword.declaration', [
    ['Use', 'use', 'Brings names of the standard library or of another file into this one.'],
    ['Model', 'model', 'Declares a model: sizes, named blocks, the layer pattern, norms, precision and head.'],
    ['Train', 'train', 'Declares how a model is trained.'],
    ['Block', 'block', 'Declares a block: parameters, inputs with named dimensions, and what it computes.'],
    ['Norm', 'norm', 'Declares a block that keeps the shape of its one input and may stand in a slot.'],
    ['Fn', 'fn', 'Declares a function without parameters to train.'],
    ['Weights', 'weights', 'Declares how the tensors of a checkpoint are made of logical parameters.'],
  ]),
  ...rows('statement', 'keyword.statement', [
    ['Param', 'param', 'A parameter to train: `param up = linear(width -> inner)` or `param scale: [features] = 1`.'],
    ['Dim', 'dim', 'A named dimension computed from constants.'],
    ['Slot', 'slot', 'A place for a norm, which `norm = { … }` of a model fills.'],
    ['Let', 'let', 'Names a value, or the parts of one: `let (a, b) = split(…)`.'],
    ['Require', 'require', 'A condition on parameters, checked when the block is used.'],
    ['Return', 'return', 'The value of the block or function.'],
    ['Yield', 'yield', 'The output of one step of a scan.'],
  ]),
  ...rows('keyword', 'keyword.control', [
    ['If', 'if', 'Chooses between two values by a condition known at compile time.'],
    ['Then', 'then', 'Stands before the value of a conditional whose condition holds.'],
    ['Else', 'else', 'Stands before the value of a conditional whose condition does not hold.'],
    ['Scan', 'scan', 'The general recurrence over time: `scan (t in time, state h: [width] = 0) { … }`.'],
    ['State', 'state', 'A state that a scan carries from step to step, with its shape and first value.'],
    ['When', 'when', 'Without its condition the parameter does not exist.'],
    ['Precision', 'precision', 'Where values are rounded, and to which type: `role in selector = type`.'],
    ['In', 'in', 'Stands before the selector of a precision rule, or the dimension that a scan runs over.'],
    ['With', 'with', 'Derives a model or recipe by changing fields of another one.'],
    ['Of', 'of', 'Stands before the model that a recipe trains.'],
    ['Shared', 'shared', 'All occurrences of the name in a pattern have the same weights.'],
  ]),
  ...rows('word-operator', 'keyword.operator.word', [
    ['And', 'and', 'Both conditions hold.'],
    ['Or', 'or', 'At least one condition holds.'],
    ['Not', 'not', 'The condition does not hold.'],
    ['As', 'as', 'The same elements in row-major order under other dimensions; in `use`, another name.'],
    ['Div', 'div', 'Division of whole numbers, rounded down.'],
  ]),
  ...rows('constant', 'constant.language', [
    ['True', 'true', 'The condition that always holds.'],
    ['False', 'false', 'The condition that never holds.'],
    ['None', 'none', 'No value: empties a slot, turns an option off.'],
  ]),
  ...rows('unit', 'keyword.other.unit', [
    ['KB', 'KB', '1000 bytes.'],
    ['MB', 'MB', '1000² bytes.'],
    ['GB', 'GB', '1000³ bytes.'],
    ['TB', 'TB', '1000⁴ bytes.'],
    ['KiB', 'KiB', '1024 bytes.'],
    ['MiB', 'MiB', '1024² bytes.'],
    ['GiB', 'GiB', '1024³ bytes.'],
    ['TiB', 'TiB', '1024⁴ bytes.'],
    ['Steps', 'steps', 'Optimizer steps.'],
    ['Tokens', 'tokens', 'Tokens of training data.'],
    ['Sequences', 'sequences', 'Sequences of training data.'],
    ['Seconds', 'seconds', 'Seconds.'],
    ['Minutes', 'minutes', 'Minutes.'],
    ['Hours', 'hours', 'Hours.'],
  ]),
  ...rows('type', 'support.type', [
    ['Int', 'int', 'Type of a parameter that is a whole number.'],
    ['Float', 'float', 'Type of a parameter that is a number.'],
    ['Bool', 'bool', 'Type of a parameter that is `true` or `false`.'],
    ['Text', 'string', 'Type of a parameter that is a text.'],
    ['TupleType', 'tuple', 'Type of a parameter that holds several values.'],
  ]),
  ...rows('format', 'support.type.format', [
    ['F32', 'f32', 'IEEE 754 single precision.'],
    ['F16', 'f16', 'IEEE 754 half precision.'],
    ['Bf16', 'bf16', 'The upper half of a single: 8 bits of exponent, 7 of mantissa.'],
    ['E4m3', 'e4m3', '8-bit float with 4 bits of exponent and 3 of mantissa, up to 448; no infinities.'],
    ['E5m2', 'e5m2', '8-bit float with 5 bits of exponent and 2 of mantissa, up to 57,344.'],
  ]),
];

const literals: readonly TokenRow[] = [
  {
    name: 'Number',
    category: 'literal',
    // A separator stands between digits, and a point has digits on both sides: `1..4` is a range.
    pattern: /\d(?:_?\d)*(?:\.\d(?:_?\d)*)?(?:[eE][+-]?\d+)?/,
    label: 'a number',
    scope: 'constant.numeric',
    doc: 'A number such as `131_072`, `0.5`, `1e-5`; a unit may follow on the same line.',
  },
  {
    name: 'String',
    category: 'literal',
    pattern: /"(?:[^"\\\r\n]|\\[^\r\n])*"/,
    label: 'a string',
    scope: 'string.quoted.double',
    doc: String.raw`A text on one line, with the escapes \" \\ \n \t \u{…}.`,
  },
];

/** Longer spellings stand before their beginnings. */
const operators: readonly TokenRow[] = [
  ...rows('operator', 'keyword.operator', [
    ['Power', '**', 'Power, grouped from the right: `2 ** 3 ** 2` is `2 ** 9`.'],
    ['Arrow', '->', 'From one width to another, and from inputs to the result.'],
    ['Equal', '==', 'The two are equal.'],
    ['NotEqual', '!=', 'The two differ.'],
    ['LessEqual', '<=', 'At most.'],
    ['GreaterEqual', '>=', 'At least.'],
    ['Less', '<', 'Less than.'],
    ['Greater', '>', 'Greater than.'],
    ['Plus', '+', 'Sum.'],
    ['Minus', '-', 'Difference, or the negative.'],
    ['Star', '*', 'Product; after a name or group of a pattern, how often it repeats.'],
    ['Slash', '/', 'Quotient; `div` is the division of whole numbers.'],
    ['Percent', '%', 'Remainder of `div`.'],
    ['Ellipsis', '...', 'Any leading dimensions, in a shape.'],
    ['DotDot', '..', 'Half-open range: `2..5` is 2, 3, 4; `..4` the first four.'],
  ]),
];

const punctuation: readonly TokenRow[] = [
  ...rows('punctuation', 'punctuation', [
    ['Assign', '=', 'Gives a field, parameter or name its value.'],
    ['Dot', '.', 'A member: a field of a block, a tensor of a parameter, a file of the library.'],
    ['Comma', ',', 'Separates; may follow the last one too.'],
    ['Semicolon', ';', 'Ends a statement; a new line does too.'],
    ['Colon', ':', 'Stands before a type, a shape, or the value of a map entry.'],
    ['At', '@', 'Begins an attribute: `@init(normal(0.02))`.'],
    ['LeftParen', '(', 'Opens arguments, a tuple, or a part of an expression.'],
    ['RightParen', ')', 'Closes `(`.'],
    ['LeftBracket', '[', 'Opens a shape, an index or a layer pattern.'],
    ['RightBracket', ']', 'Closes `[`.'],
    ['LeftBrace', '{', 'Opens a body, a record or a map.'],
    ['RightBrace', '}', 'Closes `{`.'],
  ]),
];

const comments: readonly TokenRow[] = [
  {
    name: 'DocComment',
    category: 'comment',
    pattern: /\/\/\/(?!\/)[^\r\n]*/,
    label: 'a doc comment',
    scope: 'comment.line.documentation',
    doc: 'Describes the next declaration, field, parameter, param or slot.',
  },
  {
    name: 'Comment',
    category: 'comment',
    pattern: /\/\/[^\r\n]*/,
    label: 'a comment',
    scope: 'comment.line.double-slash',
    doc: 'A remark for readers, up to the end of the line.',
  },
];

export const tokenTable: readonly TokenRow[] = [...comments, ...literals, ...words, ...operators, ...punctuation];

/** Spellings of all words of a category. */
export function wordsOf(...categories: readonly TokenCategory[]): readonly string[] {
  return words.filter((row) => categories.includes(row.category)).map((row) => row.pattern as string);
}

/** Units that may follow a number. */
export const units: ReadonlySet<string> = new Set(wordsOf('unit'));
