// The site's pages are the repository's own Markdown files: scripts/site.mjs lays them out in site/source.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';

const root = fileURLToPath(new URL('../..', import.meta.url));
const source = `${root}site/source`;
const grammar = JSON.parse(readFileSync(`${root}grammar/syntaxes/hyb.tmLanguage.json`, 'utf8'));
const base = process.env.HYB_SITE_BASE ?? '/';

/** Names of headings as GitHub makes them, for which the pages are written. */
const slugify = (title) =>
  title
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-');

/** `# Title` of a page. */
function titleOf(path) {
  const [, title] = /^# (.*)$/m.exec(readFileSync(`${source}/${path}`, 'utf8')) ?? [];
  return (title ?? path).replaceAll('`', '');
}

/** A link to a page of the folder `docs`; nothing where there is none. */
function page(path, text) {
  const file = path.endsWith('/') ? `${path}README.md` : `${path}.md`;
  if (!existsSync(`${source}/${file}`)) return [];
  return [{ text: text ?? titleOf(file), link: `/${path}` }];
}

/** All pages of a folder, by name. */
function pages(folder) {
  if (!existsSync(`${source}/${folder}`)) return [];
  return readdirSync(`${source}/${folder}`)
    .filter((file) => file.endsWith('.md') && !['README.md', 'template.md'].includes(file))
    .sort()
    .flatMap((file) => page(`${folder}/${file.slice(0, -3)}`));
}

const group = (text, items, collapsed) => ({ text, items, ...(collapsed ? { collapsed: true } : {}) });
const listed = [
  'language',
  'grammar-notes',
  'kernel-language',
  'ops',
  'benchmarks',
  'gpu',
  'throughput',
  'screenshots',
];

export default defineConfig({
  title: 'Hyb',
  description: 'A declarative language for hybrid language models, and its compiler to WebGPU',
  base,
  srcDir: source,
  outDir: `${root}build/site`,
  cacheDir: `${root}node_modules/.cache/hyb/vitepress`,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${base}playground/icon.svg` }]],
  rewrites: (path) => path.replace(/(^|\/)README\.md$/, '$1index.md'),
  // The playground is put beside the pages, and sources are served as they are.
  ignoreDeadLinks: [
    /^(\.\/|\/)?playground/,
    /\.(hyb|ts|mjs|jsonl?|js)$/,
    /^\.?\/?(\.\.\/)*(LICENSE|models\/|examples\/|bench\/|golden)/,
  ],
  markdown: { languages: [{ ...grammar, name: 'hyb' }], anchor: { slugify } },
  transformPageData: (data) => void (data.frontmatter.editLink = false),
  themeConfig: {
    search: {
      provider: 'local',
      // What people look for is in the language's pages more often than among the exports of packages.
      options: { miniSearch: { searchOptions: { boostDocument: (id) => (id.includes('/api/') ? 0.1 : 1) } } },
    },
    outline: [2, 3],
    nav: [
      { text: 'Language', link: '/docs/language' },
      { text: 'Errors', link: '/docs/errors/' },
      { text: 'API', link: '/docs/api/' },
      { text: 'Playground', link: `${base}playground/index.html`, target: '_self' },
    ],
    sidebar: [
      group('Language', [
        ...page('docs/language'),
        ...page('docs/grammar-notes'),
        ...page('docs/errors/', 'Errors and warnings'),
      ]),
      group('Guides', [
        ...readdirSync(`${source}/docs`)
          .filter((file) => file.endsWith('.md') && file !== 'README.md' && !listed.includes(file.slice(0, -3)))
          .flatMap((file) => page(`docs/${file.slice(0, -3)}`)),
        ...pages('docs/editors'),
        ...page('docs/screenshots'),
        ...page('models/', 'Models'),
        ...page('examples/', 'Examples'),
      ]),
      group('How it works', [
        ...page('docs/ops'),
        ...page('docs/kernel-language'),
        ...page('docs/throughput'),
        ...page('docs/benchmarks'),
        ...page('docs/gpu'),
        ...page('CONTRIBUTING'),
      ]),
      group('API', [
        ...page('docs/api/runtime/', '@hyb/runtime'),
        ...page('docs/api/compiler/', '@hyb/compiler'),
        ...page('docs/api/grammar/', '@hyb/grammar'),
      ]),
      group('Decisions', pages('docs/decisions'), true),
    ],
  },
});
