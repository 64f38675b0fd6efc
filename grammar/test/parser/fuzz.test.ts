import { type AstNode, childrenOf, parse, type ParseResult, type Span } from '@hyb/grammar';
import fc from 'fast-check';
import { arbitrarySoup, arbitrarySource } from '../support/arbitrary-source.js';
import { design, standardLibrary } from '../support/sources.js';

const valid = [...standardLibrary().map(({ text }) => text), ...Object.values(design)];

/** What holds of every result, whatever the text. Without `expect`, which is slow in such numbers. */
function checkResult(text: string, { file, diagnostics }: ParseResult) {
  const demand = (holds: boolean, what: string) => {
    if (!holds) throw new Error(`${what}: ${JSON.stringify({ text, diagnostics })}`);
  };
  const isIn = ({ start, end }: Span, outer: { start: number; end: number }) =>
    outer.start <= start && start <= end && end <= outer.end;
  const whole = { start: 0, end: text.length };
  let last = 0;
  for (const { code, span, message, fixes, related } of diagnostics) {
    demand(/^HYB0\d{3}$/.test(code), 'code');
    demand(!/undefined|\[object/.test(message), 'message');
    for (const place of [span, ...related.map((each) => each.span)]) demand(isIn(place, whole), 'span');
    for (const { edits } of fixes)
      demand(
        edits.every((edit) => isIn(edit.span, whole)),
        'edit',
      );
    demand(span.start >= last, 'order');
    last = span.start;
  }
  const open: AstNode[] = [file];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    demand(isIn(node.span, whole), `span of ${node.kind}`);
    for (const child of childrenOf(node)) {
      demand(isIn(child.span, node.span), `${child.kind} outside of ${node.kind}`);
      open.push(child);
    }
  }
}

function parseInTime(text: string): ParseResult {
  const start = process.cpuUsage();
  const result = parse(text, 'fuzz.hyb');
  // Far over what any takes: a guard against work without bounds, not a measurement.
  expect(process.cpuUsage(start).user).toBeLessThan(20_000_000);
  return result;
}

test('valid files with any layout and comments have no errors', () => {
  fc.assert(
    fc.property(arbitrarySource({ keywordsAsValues: false }), (text) => {
      const result = parse(text, 'fuzz.hyb');
      expect(result.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
      checkResult(text, result);
    }),
    { numRuns: 100 },
  );
});

test('any sequence of tokens gives diagnostics, never an exception', () => {
  fc.assert(
    fc.property(arbitrarySoup(), (text) => checkResult(text, parseInTime(text))),
    { numRuns: 300 },
  );
});

test('any sequence of characters gives diagnostics, never an exception', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => checkResult(text, parseInTime(text))),
    { numRuns: 200 },
  );
});

test('files with a few characters changed give diagnostics, never an exception', () => {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.integer({ min: 0, max: 12 }),
    added: fc.oneof(
      fc.constant(''),
      fc.constantFrom(...'(){}[]=:,"/'),
      arbitrarySoup().map((soup) => soup.slice(0, 12)),
    ),
  });
  fc.assert(
    fc.property(fc.constantFrom(...valid), fc.array(edit, { minLength: 1, maxLength: 4 }), (text, edits) => {
      let changed = text;
      for (const { at, removed, added } of edits) {
        const place = Math.floor(at * changed.length);
        changed = changed.slice(0, place) + added + changed.slice(place + removed);
      }
      checkResult(changed, parseInTime(changed));
    }),
    { numRuns: 200 },
  );
});

test('every beginning of a file gives diagnostics, never an exception', () => {
  const text = valid.join('\n');
  for (let end = 0; end < text.length; end += 23) checkResult(text.slice(0, end), parseInTime(text.slice(0, end)));
});

test('errors in one declaration do not hide the next one', () => {
  const soup = arbitrarySoup().filter((text) => !text.includes('/*') && !/[\uD800-\uDFFF]/.test(text));
  fc.assert(
    fc.property(soup, fc.nat(3), (text, place) => {
      const names = ['One', 'Two', 'Three', 'Four'];
      const parts = names.map((name) => `block ${name}(x: [time, width]) -> [time, width] {\n  return x\n}\n`);
      parts.splice(place, 0, `model Broken {\n  a = ${text.replace(/[\r\n]+/g, '\n  ')}\n`);
      const { file } = parse(parts.join('\n'), 'fuzz.hyb');
      const found = file.declarations.map(({ name }) => name.text);
      expect(found).toEqual(expect.arrayContaining(names));
    }),
    { numRuns: 100 },
  );
});
