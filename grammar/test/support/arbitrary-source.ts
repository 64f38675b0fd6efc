import fc from 'fast-check';

/**
 * Random files that are valid by construction: lists of tokens, and what stands between them. A token that begins with
 * `~` stays on the line of the one before it (units).
 */

/** Words that the grammar uses, which may all be names. */
const keywords = [
  ...['use', 'model', 'train', 'block', 'norm', 'fn', 'weights', 'param', 'dim', 'slot', 'let', 'require', 'return'],
  ...['yield', 'if', 'then', 'else', 'scan', 'state', 'when', 'precision', 'in', 'with', 'of', 'shared', 'and', 'or'],
  ...['not', 'as', 'div', 'true', 'false', 'none', 'GB', 'steps', 'int', 'bf16', '_'],
];
const plain = [
  'x',
  'y',
  'width',
  'heads',
  'A',
  'M',
  'A_log',
  'Mamba2',
  'q1',
  '_x',
  'Infinity',
  'constructor',
  '__proto__',
];

type Tokens = readonly string[];

const join = (...parts: fc.Arbitrary<Tokens>[]): fc.Arbitrary<Tokens> => fc.tuple(...parts).map((all) => all.flat());
const just = (...tokens: string[]): fc.Arbitrary<Tokens> => fc.constant(tokens);
const maybe = (part: fc.Arbitrary<Tokens>): fc.Arbitrary<Tokens> => fc.oneof(just(), part);
const many = (part: fc.Arbitrary<Tokens>, maxLength = 3, minLength = 0): fc.Arbitrary<Tokens> =>
  fc.array(part, { maxLength, minLength }).map((parts) => parts.flat());

/** Parts with commas between them and maybe after the last one. */
const commas = (part: fc.Arbitrary<Tokens>, minLength = 0, trailing = true): fc.Arbitrary<Tokens> =>
  fc
    .tuple(fc.array(part, { maxLength: 3, minLength }), trailing ? fc.boolean() : fc.constant(false))
    .map(([parts, more]) => [
      ...parts.flatMap((each, index) => (index === 0 ? each : [',', ...each])),
      ...(more && parts.length > 0 ? [','] : []),
    ]);

/** How names are chosen: where a keyword could be taken for one, or only where it cannot. */
export interface NameChoice {
  readonly keywordsAsValues: boolean;
  /** Whether names may be keywords at all; by default they may. */
  readonly keywordsAsNames?: boolean;
}

function grammar({ keywordsAsValues, keywordsAsNames = true }: NameChoice) {
  const anyName = fc.constantFrom(...plain, ...(keywordsAsNames ? keywords : [])).map((name) => [name]);
  // On a line of its own a word of the grammar may begin something new, even after a dot.
  const member = join(
    just('.'),
    anyName.map(([name]) => [keywords.includes(name!) ? `~${name}` : name!]),
  );
  const valueName = keywordsAsValues ? anyName : fc.constantFrom(...plain).map((name) => [name]);
  const number = fc.constantFrom('0', '7', '131_072', '0.5', '1e-5', '25e9', '1.5E+3').map((each) => [each]);
  const whole = fc.constantFrom('0', '3', '1_000').map((each) => [each]);
  const string = fc
    .constantFrom('""', '"a"', '"M-M*-"', String.raw`"\n\"\\\u{1F600}"`, '"// no comment"', '"é `${x}`"')
    .map((each) => [each]);

  const depth = fc.createDepthIdentifier();
  const { expression, pattern } = fc.letrec<{
    expression: Tokens;
    operation: Tokens;
    operand: Tokens;
    atom: Tokens;
    pattern: Tokens;
    statement: Tokens;
  }>((tie) => {
    const expression = tie('expression');
    // Before `[` and `..` the words `if` and `not` are names.
    const condition = fc.oneof(
      valueName,
      join(just('('), expression, just(')')),
      join(
        valueName,
        fc.constantFrom('==', '!=', '<').map((each) => [each]),
        tie('operand'),
      ),
    );
    const argument = fc.oneof(expression, join(anyName, just('='), expression));
    const args = join(just('('), commas(argument), just(')'));
    const index = join(just('['), commas(expression, 1), just(']'));
    const entry = join(fc.oneof(anyName, string), just(':'), expression);
    const shape = join(just('['), commas(fc.oneof(expression, just('...'), just('_'))), just(']'));
    const state = join(just('state'), anyName, just(':'), shape, just('='), expression);
    return {
      pattern: join(
        fc.oneof({ maxDepth: 4, depthIdentifier: depth }, anyName, join(just('('), many(tie('pattern')), just(')'))),
        fc.oneof(just(), join(just('*'), whole)),
        fc.oneof(
          just(),
          just(','),
          just(',', ',').map(() => [',']),
        ),
      ),
      atom: fc.oneof(
        { maxDepth: 4, depthIdentifier: depth, withCrossShrink: true },
        valueName,
        number,
        string,
        just('none'),
        just('true'),
        join(just('('), expression, just(')')),
        join(just('('), just('('), expression, just(')'), just(')')),
        join(just('('), commas(expression, 2), just(')')),
        join(just('('), expression, just(','), just(')')),
        join(
          just('{'),
          many(join(anyName, many(join(just('.'), anyName), 1), just('='), expression, just(','))),
          just('}'),
        ),
        join(just('{'), commas(entry, 1), just('}')),
        join(just('['), many(tie('pattern')), just(']')),
        join(
          just('shared'),
          fc.constantFrom(...plain).map((name) => [name]),
          args,
        ),
        join(
          just('scan', '(', 't', 'in', 'time', ','),
          commas(state, 1),
          just(')', '{'),
          many(join(tie('statement'), just(';'))),
          just('}'),
        ),
      ),
      operand: join(tie('atom'), many(fc.oneof({ weight: 4, arbitrary: just() }, args, index, member), 2)),
      operation: fc.oneof(
        tie('operand'),
        fc.tuple(number, fc.constantFrom('GB', 'steps', 'minutes')).map(([[value], unit]) => [value!, `~${unit}`]),
        join(
          many(just('-'), 1),
          tie('operand'),
          many(
            join(
              fc.constantFrom('+', '-', '*', '/', 'div', '%', '**').map((each) => [each]),
              many(just('-'), 1),
              tie('operand'),
            ),
          ),
        ),
        join(
          tie('operand'),
          fc.constantFrom('==', '<', '>=').map((each) => [each]),
          tie('operand'),
        ),
        join(tie('operand'), just('as'), shape),
        join(
          just('not'),
          condition,
          fc.constantFrom('and', 'or').map((each) => [each]),
          tie('operand'),
        ),
      ),
      expression: fc.oneof(
        { maxDepth: 4, depthIdentifier: depth },
        { weight: 6, arbitrary: tie('operation') },
        join(just('if'), condition, just('then'), expression, just('else'), expression),
        join(tie('operation'), just('->'), tie('operation')),
        join(just('('), tie('operation'), just('..'), maybe(tie('operation')), just(')')),
        join(just('(', '..'), tie('operation'), just(')')),
      ),
      statement: fc.oneof(join(anyName, just('='), expression), join(just('yield'), expression)),
    };
  });

  const shape = join(just('['), commas(fc.oneof(expression, just('...'), just('_'))), just(']'));
  const path = join(
    anyName,
    many(
      fc.oneof(
        join(just('.'), anyName),
        join(just('['), fc.oneof(whole, join(just('..'), whole), join(whole, just('..'))), just(']')),
      ),
      2,
    ),
  );
  const field = join(path, just('='), expression, just(','));
  const rule = join(anyName, maybe(join(just('in'), path)), just('='), anyName, just(','));
  const precision = join(just('precision', '{'), many(rule), just('}'));
  const items = join(just('{'), many(fc.oneof({ weight: 4, arbitrary: field }, precision), 4), just('}'));
  const body = fc.oneof(items, join(just('='), anyName, maybe(join(just('with'), items))));
  const input = join(anyName, maybe(join(just(':'), shape)));
  const inputs = join(just('('), commas(input), just(')'));
  const parameter = join(anyName, maybe(join(just(':'), anyName)), maybe(join(just('='), expression)));
  const result = maybe(join(just('->'), shape));
  const args = join(just('('), commas(expression), just(')'));
  const attribute = join(just('@'), anyName, maybe(args));
  const statement = fc.oneof(
    join(
      just('param'),
      anyName,
      maybe(join(just(':'), shape)),
      maybe(join(just('='), expression)),
      maybe(join(just('when'), expression)),
      many(attribute, 2),
    ),
    join(just('dim'), anyName, just('='), expression),
    join(just('slot'), anyName, maybe(join(just('='), expression))),
    join(just('let'), fc.oneof(anyName, join(just('('), commas(anyName, 1), just(')'))), just('='), expression),
    join(just('require'), expression, maybe(join(just(','), string))),
    join(just('return'), expression),
  );
  const statements = join(just('{'), many(join(statement, just(';')), 4), just('}'));
  const declaration = fc.oneof(
    join(just('model'), anyName, body),
    join(just('train'), anyName, maybe(join(just('of'), anyName)), body),
    join(
      fc.constantFrom('block', 'norm').map((each) => [each]),
      anyName,
      maybe(join(just('('), commas(parameter), just(')'))),
      inputs,
      result,
      statements,
    ),
    join(just('fn'), anyName, inputs, result, fc.oneof(join(just('='), expression), statements)),
    join(
      just('weights'),
      anyName,
      maybe(join(just('='), anyName, just('with'))),
      just('{'),
      many(join(string, maybe(join(just(':'), shape)), just('='), expression, just(','))),
      just('}'),
    ),
  );
  const used = join(anyName, maybe(join(just('as'), anyName)));
  const use = join(
    just('use'),
    fc.oneof(string, just('std'), just('std', '.', 'rope')),
    fc.oneof(join(just('.', '{'), commas(used, 1), just('}')), join(just('.'), used)),
  );
  return { file: join(many(use, 2), many(declaration, 3)), expression, pattern };
}

const comment = fc.constantFrom('// c', '//', '/// doc', '///  two', '//// four', '// fmt: off', '// é 😀');
const gap = fc.oneof(
  { weight: 12, arbitrary: fc.constant(' ') },
  { weight: 3, arbitrary: fc.constant('\n') },
  { weight: 1, arbitrary: fc.constant('\n\n\n') },
  { weight: 1, arbitrary: comment.map((each) => ` ${each}\n`) },
  { weight: 1, arbitrary: comment.map((each) => `\n  ${each}\n`) },
);

/** A valid file with random layout and comments. */
export function arbitrarySource(choice: NameChoice): fc.Arbitrary<string> {
  return grammar(choice).file.chain((tokens) =>
    fc.array(gap, { minLength: tokens.length + 1, maxLength: tokens.length + 1 }).map((gaps) =>
      tokens
        .map((token, index) => (token.startsWith('~') ? ` ${token.slice(1)}` : `${gaps[index]}${token}`))
        .concat(gaps[tokens.length]!)
        .join(''),
    ),
  );
}

/** Tokens of all kinds, and what is none, in any order. */
export function arbitrarySoup(): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(...keywords, ...plain),
    fc.constantFrom('(', ')', '[', ']', '{', '}', '(', ')', '{', '}'),
    fc.constantFrom(...['=', ',', ':', ';', '.', '..', '...', '->', '@', '+', '-', '*', '**', '/', '%', '==', '<']),
    fc.constantFrom(
      '1',
      '1.',
      '.5',
      '0x1F',
      '1__0',
      '1e999',
      '"a"',
      '"a',
      "'a'",
      '`',
      '“a”',
      '\\',
      '#',
      '$',
      '?',
      '→',
      '&&',
    ),
    fc.constantFrom('// c\n', '/// d\n', '/* c */', '\n', '\n\n', '\t', '\r\n', 'é', 'Größe', '😀', '\uD800', '\u00A0'),
  );
  return fc
    .array(fc.tuple(piece, fc.constantFrom('', ' ', ' ', '\n')), { maxLength: 60 })
    .map((all) => all.flat().join(''));
}
