import { version } from '@hyb/compiler';

test('the package has a version', () => {
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
});
