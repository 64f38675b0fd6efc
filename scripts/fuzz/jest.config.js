import base from '../../jest.config.js';

export default {
  ...base,
  rootDir: '../..',
  moduleNameMapper: { ...base.moduleNameMapper, '^fast-check$': '<rootDir>/scripts/fuzz/fast-check.mjs' },
  testTimeout: 2 ** 31 - 1,
};
