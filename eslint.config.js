import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** What each package may not import. Together with the package boundaries this makes circles between packages impossible. */
const forbidden = {
  grammar: ['compiler', 'runtime', 'adapter', 'server', 'cli', 'view', 'playground'],
  runtime: ['grammar', 'compiler', 'adapter', 'server', 'cli', 'view', 'playground'],
  compiler: ['adapter', 'server', 'cli', 'view', 'playground'],
  adapter: ['grammar', 'compiler', 'runtime', 'server', 'cli', 'view', 'playground'],
  server: ['runtime', 'adapter', 'cli', 'view', 'playground'],
  view: ['runtime', 'adapter', 'server', 'cli', 'playground'],
  playground: ['adapter', 'cli'],
};

const boundaries = Object.entries(forbidden).map(([name, others]) => ({
  files: [`${name}/src/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^@hyb/(${others.join('|')})(/|$)`,
            message: `@hyb/${name} stands below that package: see the map in CONTRIBUTING.md.`,
          },
          {
            regex: `^(\\.\\./)+(${Object.keys(forbidden).join('|')}|cli|tests)/src/`,
            message: 'Import packages by name.',
          },
          { regex: `^@hyb/${name}(/|$)`, message: 'Import files of the same package by relative path.' },
        ],
      },
    ],
  },
}));

export default defineConfig(
  globalIgnores([
    '**/dist/',
    '**/build/',
    '**/coverage/',
    '**/golden/',
    'bench/peers/',
    'site/source/',
    'tests/vscode-web/files/',
    'site/.vitepress/cache/',
  ]),
  tseslint.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Indexing is checked (noUncheckedIndexedAccess); where an index is known to be good, `!` says so.
      '@typescript-eslint/no-non-null-assertion': 'off',
      'max-lines': ['warn', 500],
      eqeqeq: 'error',
      'prefer-const': 'error',
    },
  },
  {
    // Rules that need types are slow, so they run where most promises are.
    files: ['{runtime,adapter,server,cli}/{src,test}/**/*.ts', 'tests/**/*.ts'],
    // One program over all sources takes a third of the time of one per package.
    languageOptions: { parserOptions: { project: 'tsconfig.eslint.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
    },
  },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
  ...boundaries,
);
