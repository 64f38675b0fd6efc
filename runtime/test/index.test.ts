import { version } from '@hyb/runtime';

test('the package has a version', () => {
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
});
