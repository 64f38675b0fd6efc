import { version } from '@hyb/grammar';

test('the package has a version', () => {
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
});
