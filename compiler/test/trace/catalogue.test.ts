/** Every message of the stage: its example shows exactly that, and the repaired example nothing at all. */
import { check } from '../../src/compile.js';
import { memoryHost } from '../../src/sources/host.js';
import { traceMessages } from '../../src/trace/messages/report.js';

function findings(source: string) {
  return check(memoryHost({ 'example.hyb': source }), 'example.hyb').diagnostics;
}

describe.each(Object.entries(traceMessages))('%s', (code, { example, fixed, message }) => {
  test('the example has this finding and no other', () => {
    const found = findings(example);
    expect([...new Set(found.map((d) => d.code))]).toEqual([code]);
    // Every placeholder of the message is filled.
    expect(found[0]!.message).not.toMatch(/\{\w+\}/);
    expect(message).toMatch(/[.`)]$/);
  });

  test('the repaired example has none', () => {
    expect(findings(fixed)).toEqual([]);
  });
});
