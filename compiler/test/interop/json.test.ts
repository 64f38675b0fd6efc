import fc from 'fast-check';
import { parseJson } from '../../src/interop/json.js';
import type { JsonNode } from '../../src/interop/json.js';

function plain(node: JsonNode): unknown {
  switch (node.kind) {
    case 'object':
      return Object.fromEntries([...node.entries].map(([key, value]) => [key, plain(value)]));
    case 'array':
      return node.elements.map(plain);
    case 'null':
      return null;
    default:
      return node.value;
  }
}

function read(text: string): unknown {
  const result = parseJson(text, 'config.json');
  if ('reason' in result) throw new Error(`${result.reason} at ${result.span.start}`);
  return plain(result.root);
}

function wrong(text: string): string {
  const result = parseJson(text, 'config.json');
  return 'reason' in result ? `${result.reason} at ${result.span.start}` : 'nothing';
}

test('reads what JSON.stringify writes', () => {
  const keys = fc.string().filter((key) => key !== '__float__' && key !== '__proto__');
  const value = fc
    .jsonValue()
    .filter((v) => !JSON.stringify(v).includes('__float__') && !JSON.stringify(v).includes('__proto__'));
  fc.assert(
    fc.property(fc.dictionary(keys, value), (object) => {
      expect(read(JSON.stringify(object, null, 2))).toEqual(JSON.parse(JSON.stringify(object)));
    }),
  );
});

test('agrees with JSON.parse on what is JSON, except for the numbers that Python writes', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '1',
    '-1.5e3',
    '01',
    'true',
    'null',
    ' ',
    '\\u0041',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      let expected: unknown;
      let valid = true;
      try {
        expected = JSON.parse(text);
      } catch {
        valid = false;
      }
      const result = parseJson(text, 'config.json');
      expect('root' in result).toBe(valid);
      if ('root' in result) expect(plain(result.root)).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});

test('numbers that Python writes', () => {
  expect(read('{"time_step_limit": [0.0, Infinity]}')).toEqual({ time_step_limit: [0, Infinity] });
  expect(read('{"a": {"__float__": "Infinity"}, "b": {"__float__": "-Infinity"}}')).toEqual({
    a: Infinity,
    b: -Infinity,
  });
  expect(read('[NaN, -Infinity]')).toEqual([NaN, -Infinity]);
  expect(read('{"a": 1, "a": 2}')).toEqual({ a: 2 });
});

test('keys are data, whatever they are called', () => {
  const result = parseJson('{"__proto__": {"vocab_size": 1}, "constructor": 2}', 'config.json');
  expect('root' in result && result.root.kind === 'object' && [...result.root.entries.keys()]).toEqual([
    '__proto__',
    'constructor',
  ]);
});

test('says what is wrong and where', () => {
  expect(wrong('')).toBe('it ends where a value should stand at 0');
  expect(wrong('{"a": 1,}')).toBe('a comma stands before } at 8');
  expect(wrong('{"a" 1}')).toBe('a colon is missing at 5');
  expect(wrong('{"a": 1 "b": 2}')).toBe('a comma is missing at 8');
  expect(wrong('{"a": 1')).toBe('a } is missing at 7');
  expect(wrong('{"a": "x')).toBe('a string does not end at 6');
  expect(wrong('{"a": "\\x"}')).toBe('an escape in a string is wrong at 7');
  expect(wrong('{} {}')).toBe('something follows its end at 3');
  expect(wrong('{"a": infinity}')).toBe('a value is missing at 6');
  expect(wrong('['.repeat(50_000))).toMatch(/^it is nested more than 128 deep/);
});
