import fc from 'fast-check';
import { StopMatcher } from '@hyb/runtime/text/stop-matcher';

function run(stops: readonly string[], pieces: readonly string[]): { text: string; stopped: boolean } {
  const matcher = new StopMatcher(stops);
  let text = '';
  for (const piece of pieces) {
    const result = matcher.push(piece);
    text += result.text;
    if (result.stopped) return { text, stopped: true };
  }
  return { text: text + matcher.end(), stopped: false };
}

test('text goes through until a stop string appears', () => {
  expect(run(['END'], ['a', 'E', 'N', 'b', 'EN', 'D', 'x'])).toEqual({ text: 'aENb', stopped: true });
  expect(run(['\n\n'], ['a\n', 'b\n', '\nc'])).toEqual({ text: 'a\nb', stopped: true });
  expect(run([], ['a', 'b'])).toEqual({ text: 'ab', stopped: false });
  expect(run([''], ['a'])).toEqual({ text: 'a', stopped: false });
});

test('what may become a stop string is held back, and nothing more', () => {
  const matcher = new StopMatcher(['abc', 'cd']);
  expect(matcher.push('xxab')).toEqual({ text: 'xx', stopped: false });
  expect(matcher.push('ab')).toEqual({ text: 'ab', stopped: false });
  expect(matcher.push('x')).toEqual({ text: 'abx', stopped: false });
  expect(matcher.push('c')).toEqual({ text: '', stopped: false });
  expect(matcher.end()).toBe('c');
});

test('is the same as searching the whole text, however it is cut', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 20 });
  const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 }), { maxLength: 3 });
  fc.assert(
    fc.property(stops, fc.array(letters, { maxLength: 8 }), (stops, pieces) => {
      const whole = pieces.join('');
      const result = run(stops, pieces);
      // The first stop string to be complete ends the text; of those complete with one piece, the one that begins first.
      let expected = { text: whole, stopped: false };
      let seen = '';
      for (const piece of pieces) {
        seen += piece;
        const found = stops.map((stop) => seen.indexOf(stop)).filter((at) => at >= 0);
        if (found.length === 0) continue;
        expected = { text: whole.slice(0, Math.min(...found)), stopped: true };
        break;
      }
      expect(result).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});
