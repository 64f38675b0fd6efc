import { parse } from '@hyb/grammar';

const deep = 50_000;
const sources: Readonly<Record<string, string>> = {
  'open parentheses': `fn f(x) = ${'('.repeat(deep)}`,
  'nested parentheses': `fn f(x) = ${'('.repeat(deep)}1${')'.repeat(deep)}`,
  'closed parentheses': `fn f(x) = ${')'.repeat(deep)}`,
  'nested calls': `fn f(x) = ${'f('.repeat(deep)}1${')'.repeat(deep)}`,
  'nested records': `model A ${'{ a = '.repeat(deep / 2)}1${' }'.repeat(deep / 2)}`,
  'nested patterns': `model A { a = [${'('.repeat(deep)}M${')'.repeat(deep)}] }`,
  'nested indices': `fn f(x) = ${'x['.repeat(deep)}1${']'.repeat(deep)}`,
  'brackets of all kinds': `fn f(x) = ${'({['.repeat(deep / 2)}`,
  negations: `fn f(x) = ${'-'.repeat(deep)}x`,
  'many nots': `fn f(x) = ${'not '.repeat(deep)}x`,
  powers: `fn f(x) = ${'2 **'.repeat(deep)}x`,
  sums: `fn f(x) = ${'1 + '.repeat(deep)}x`,
  conditions: `fn f(x) = ${'if '.repeat(deep)}x`,
  'else if': `fn f(x) = ${'if a then b else '.repeat(deep / 5)}x`,
  'shared shared': `model A { a = ${'shared '.repeat(deep / 2)}x }`,
  members: `fn f(x) = x${'.a'.repeat(deep)}`,
  calls: `fn f(x) = x${'()'.repeat(deep)}`,
  casts: `fn f(x) = x${' as[]'.repeat(deep)}`,
};

test.each(Object.entries(sources))('%s by the ten thousands are refused at once', (_, text) => {
  const start = process.cpuUsage();
  const { diagnostics } = parse(text, 'deep.hyb');
  // Ten times what it takes: work that grows with the square of the length would take minutes.
  expect(process.cpuUsage(start).user).toBeLessThan(20_000_000);
  expect(diagnostics.length).toBeGreaterThan(0);
  expect(diagnostics.length).toBeLessThanOrEqual(200);
});

test('what is nested too deeply does not hide the next declaration', () => {
  const { file, diagnostics } = parse(`fn f(x) = ${'('.repeat(deep)}\nfn g(x) = x +\nfn h(x) = x\n`, 'deep.hyb');
  expect(file.declarations.map(({ name }) => name.text)).toEqual(['f', 'g', 'h']);
  expect(diagnostics.map(({ code }) => code)).toContain('HYB0301');
});

test.each([
  ['parentheses', '(', ')'],
  ['calls', 'f(', ')'],
  ['tuples', '(', ',)'],
  ['indices', 'x[', ']'],
])('%s may be nested 250 levels deep', (_, open, close) => {
  const text = `fn f(x) = ${open.repeat(250)}1${close.repeat(250)}`;
  expect(parse(text, 'deep.hyb').diagnostics).toEqual([]);
});

test('records and scans may be nested 60 levels deep', () => {
  const record = `model A ${'{ a = '.repeat(60)}1${' }'.repeat(60)}`;
  expect(parse(record, 'deep.hyb').diagnostics).toEqual([]);
  const scan = `fn f(x) = ${'scan (t in time) { yield '.repeat(60)}1${' }'.repeat(60)}`;
  expect(parse(scan, 'deep.hyb').diagnostics).toEqual([]);
});

test('a long file of errors ends with the most important ones', () => {
  const { diagnostics } = parse('model ;\n'.repeat(20_000), 'long.hyb');
  expect(diagnostics.length).toBe(200);
});
