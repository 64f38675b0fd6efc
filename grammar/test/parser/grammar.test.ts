import { FileParser } from '@hyb/grammar/parser/file-parser';

test('the grammar has no ambiguities, left recursion or unreachable parts', () => {
  expect(() => new FileParser(true)).not.toThrow();
});
