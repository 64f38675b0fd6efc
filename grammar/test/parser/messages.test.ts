import { parse } from '@hyb/grammar';
import { messages } from '@hyb/grammar/parser/messages';

const entries = Object.entries(messages).map(([code, entry]) => ({ code, ...entry }));

/** What the message points at in its own example. */
const pointsAt: Readonly<Record<keyof typeof messages, string>> = {
  HYB0001: '$',
  HYB0002: "'./blocks.hyb'",
  HYB0003: '"tiny',
  HYB0004: '131__072',
  HYB0005: '→',
  HYB0006: '1e999',
  HYB0007: '#',
  HYB0008: '///',
  HYB0009: '',
  HYB0010: 'Größe',
  HYB0011: '\\b',
  HYB0012: '//',
  HYB0013: '\x01',
  HYB0014: '///',
  HYB0101: '{',
  HYB0102: '}',
  HYB0103: ']',
  HYB0104: '(',
  HYB0201: 'modle',
  HYB0202: 'use',
  HYB0203: '"Tiny"',
  HYB0204: ':',
  HYB0205: 'lte',
  HYB0206: '',
  HYB0207: '',
  HYB0208: 'of',
  HYB0209: 'use "./blocks.hyb"',
  HYB0210: '{',
  HYB0211: 'int',
  HYB0212: '',
  HYB0213: 'last',
  HYB0301: '',
  HYB0302: '<',
  HYB0303: 'if',
  HYB0304: 'not',
  HYB0305: '=',
  HYB0306: 'gb',
  HYB0307: '64',
  HYB0310: '()',
  HYB0401: '0.9',
  HYB0402: '2.5',
  HYB0403: '3*',
  HYB0405: '*',
};

/** The text before the place, where the place itself is empty. */
const standsAfter: Partial<Record<keyof typeof messages, string>> = {
  HYB0009: '',
  HYB0206: '(0.9',
  HYB0207: 'block Nothing',
  HYB0212: 'then x',
  HYB0301: 'width =',
};

test.each(entries)('$code ($title): its example shows it and nothing else', ({ code, example }) => {
  const { diagnostics } = parse(example, 'example.hyb');
  expect(diagnostics.map((each) => each.code)).toEqual([code]);
  const { span, message } = diagnostics[0]!;
  expect(example.slice(span.start, span.end)).toBe(pointsAt[code as keyof typeof messages]);
  const after = standsAfter[code as keyof typeof messages];
  if (after !== undefined) expect(example.slice(0, span.start).endsWith(after)).toBe(true);
  expect(message).not.toMatch(/\{\w+\}/);
  expect({ ...diagnostics[0], span: undefined }).toMatchSnapshot();
});

test.each(entries)('$code ($title): the repaired example has no errors', ({ fixed }) => {
  expect(parse(fixed, 'fixed.hyb').diagnostics).toEqual([]);
});

test.each(entries)('$code ($title): is explained', ({ explanation }) => {
  expect(explanation.length).toBeGreaterThan(40);
});
