import fc from 'fast-check';
import { deflateSync } from 'fflate';
import { fromFragment, toFragment } from '../src/share/fragment.js';

const pack = (value: unknown): string =>
  `#code=${Buffer.from(deflateSync(Buffer.from(JSON.stringify(value)))).toString('base64url')}`;

test('any text comes back as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
      const shared = { path: 'models/x.hyb', text };
      expect(fromFragment(toFragment(shared))).toEqual(shared);
    }),
  );
});

test('anything else is refused', () => {
  fc.assert(fc.property(fc.string(), (text) => expect(fromFragment(`#code=${text}`)).toBeUndefined()));
  expect(fromFragment(pack(['x.hyb', 'text']))).toBeDefined();
  const wrong = [null, 1, {}, ['x.hyb'], ['x.hyb', 1], ['x.txt', ''], ['<b>.hyb', ''], [`${'x'.repeat(300)}.hyb`, '']];
  for (const value of wrong) expect(fromFragment(pack(value))).toBeUndefined();
});

test('a link that unpacks to more than a source ever is, is refused', () => {
  expect(fromFragment(pack(['x.hyb', 'a'.repeat(2 ** 19)]))).toBeDefined();
  expect(fromFragment(pack(['x.hyb', 'a'.repeat(2 ** 26)]))).toBeUndefined();
});
