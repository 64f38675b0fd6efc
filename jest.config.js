/** Tests run the TypeScript sources directly; types are checked apart, by `npm run typecheck`. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/*/test/**/*.test.ts', '<rootDir>/tests/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/build/', '/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  resolver: '<rootDir>/scripts/jest-resolver.cjs',
  moduleNameMapper: {
    '^@hyb/([a-z]+)$': '<rootDir>/$1/src/index.ts',
    '^@hyb/([a-z]+)/(.+)$': '<rootDir>/$1/src/$2.ts',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' }, transform: { verbatimModuleSyntax: true } },
        sourceMaps: 'inline',
      },
    ],
  },
  maxWorkers: 2,
  // Kernels compile slowly on a software adapter, more so beside another worker.
  testTimeout: 600_000,
};
