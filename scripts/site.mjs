// The documentation and the playground as static pages in build/site. `--serve [PORT]` shows them on the loopback interface.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dim, fail, root, setup, step, CommandError } from './setup.mjs';

export const source = join(root, 'site/source');
export const site = join(root, 'build/site');
const tools = join(root, 'site');

/** A program of the site's own packages. */
function run(command, args, cwd = tools) {
  return new Promise((resolve, reject) => {
    // Links to models are links to files as they are.
    const env = { ...process.env, VITE_EXTRA_EXTENSIONS: 'hyb' };
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new CommandError(command, output))));
  });
}

/** What only the site needs has a lockfile of its own, so that nobody else waits for it. */
async function install() {
  const stamp = join(tools, 'node_modules/.lockfile');
  const wanted = createHash('sha256')
    .update(readFileSync(join(tools, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return 'there already';
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund'];
  if (npm?.endsWith('.js')) await run(process.execPath, [npm, ...args]);
  else await run('npm', args);
  writeFileSync(stamp, wanted);
}

/** The repository's pages where the site's tools look for them, links between them as they are. */
async function layOut() {
  await rm(source, { recursive: true, force: true });
  await cp(join(root, 'docs'), join(source, 'docs'), { recursive: true });
  for (const file of [
    'README.md',
    'CONTRIBUTING.md',
    'models/README.md',
    'examples/README.md',
    'bench/README.md',
    'vscode/README.md',
  ]) {
    if (!existsSync(join(root, file))) continue;
    await mkdir(dirname(join(source, file)), { recursive: true });
    await cp(join(root, file), join(source, file));
  }
  const { opReference } = await import('../compiler/dist/inspect/op-reference.js');
  await writeFile(join(source, 'docs/ops.md'), opReference());
  for (const [folder, title] of LISTED) {
    const files = (await readdir(join(root, folder))).filter((file) => file !== 'template.md').sort();
    const list = files.map((file) => `- [${file}](${file.endsWith('.md') ? file : `/${folder}/${file}`})`).join('\n');
    await mkdir(join(source, folder), { recursive: true });
    await writeFile(join(source, folder, 'README.md'), `# ${title}\n\n${list}\n`);
  }
  await linkFolders();
  // Sources that pages lead to.
  for (const folder of ['models', 'examples/blocks', 'examples/training', 'demo', 'compiler/std']) {
    await mkdir(join(source, 'public', folder), { recursive: true });
    for (const file of existsSync(join(root, folder)) ? await readdir(join(root, folder)) : []) {
      if (file.endsWith('.hyb')) await cp(join(root, folder, file), join(source, 'public', folder, file));
    }
  }
}

/** Folders that pages lead to and that have no page of their own. */
const LISTED = [
  ['docs/decisions', 'Decisions'],
  ['compiler/std', 'The standard library'],
  ['examples/blocks', 'Blocks that the compiler has never heard of'],
];

/**
 * Folders are pages, and their README is one: links to them end in a slash, or a browser takes them for files. A folder without
 * a README gets a page that lists its files. Reports and pictures beside a README come with it.
 */
async function linkFolders() {
  const open = (await readdir(source, { recursive: true })).filter((file) => file.endsWith('.md'));
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const path = join(source, file);
    const text = await readFile(path, 'utf8');
    for (const [, link] of text.matchAll(/\]\(([\w./-]+)\)/g)) {
      const folder = join(dirname(file), link);
      const there = join(root, folder);
      const page = join(folder, 'README.md');
      if (folder.startsWith('..') || !existsSync(there)) continue;
      if (/\.(md|png|svg)$/.test(link) && !existsSync(join(source, folder))) {
        await mkdir(dirname(join(source, folder)), { recursive: true });
        await cp(there, join(source, folder));
        if (link.endsWith('.md')) open.push(folder);
      }
      if (existsSync(join(source, page)) || !statSync(there).isDirectory()) continue;
      await mkdir(join(source, folder), { recursive: true });
      if (existsSync(join(there, 'README.md'))) {
        await cp(join(there, 'README.md'), join(source, page));
        open.push(page);
      } else {
        const files = (await readdir(there)).sort();
        await writeFile(join(source, page), `# ${folder}\n\n${files.map((each) => `- \`${each}\``).join('\n')}\n`);
      }
    }
    const linked = text
      // Files that are no pages are in the repository, not here.
      .replace(/\[([^\]]*)\]\(([\w./-]+)\)/g, (all, label, link) => {
        const named = join(root, dirname(file), link);
        const other = !/\.(md|hyb|png|svg)$/.test(link) && existsSync(named) && statSync(named).isFile();
        return other ? label : all;
      })
      .replace(/\]\(([\w./-]+)\)/g, (all, link) =>
        existsSync(join(source, dirname(file), link, 'README.md')) && !link.endsWith('/') ? `](${link}/)` : all,
      )
      .replace(/\]\(([\w./-]*\/)?README\.md(#[^)]*)?\)/g, (_, folder = './', anchor = '') => `](${folder}${anchor})`);
    if (linked !== text) await writeFile(path, linked);
  }
}

const PACKAGES = ['runtime', 'compiler', 'grammar'];

/** What the packages export, from their doc comments. */
async function api() {
  for (const name of PACKAGES) {
    const options = {
      entryPoints: [join(root, name, 'src/index.ts')],
      tsconfig: join(root, name, 'tsconfig.json'),
      out: join(source, 'docs/api', name),
      plugin: ['typedoc-plugin-markdown'],
      name: `@hyb/${name}`,
      readme: 'none',
      disableSources: true,
      hideBreadcrumbs: true,
      excludeExternals: true,
      skipErrorChecking: true,
      logLevel: 'Error',
      outputFileStrategy: 'modules',
    };
    const file = join(source, `typedoc-${name}.json`);
    await writeFile(file, JSON.stringify(options));
    await run(process.execPath, ['node_modules/typedoc/bin/typedoc', '--options', file]);
  }
  const list = PACKAGES.map((name) => `- [@hyb/${name}](./${name}/)`).join('\n');
  await writeFile(join(source, 'docs/api/README.md'), `# API\n\nWhat the packages export.\n\n${list}\n`);
}

async function build() {
  await setup();
  await step('Packages of the site', install);
  await step('Pages', layOut);
  await step('API reference', api);
  await step('Documentation', async () => {
    await rm(site, { recursive: true, force: true });
    await run(process.execPath, ['node_modules/vitepress/bin/vitepress.js', 'build', '.']);
  });
  await step('Playground', async () => {
    const { build: playground } = await import('../playground/build.mjs');
    await playground(join(site, 'playground'));
  });
  await step('Links', async () => {
    const { brokenLinks } = await import('./site-links.mjs');
    const broken = await brokenLinks(site, { headings: (page) => !page.startsWith('docs/api/') });
    if (broken.length > 0) throw new CommandError('Links', `These lead nowhere:\n${broken.join('\n')}`);
  });
  console.log(`The site is in build/site. ${dim('npm run site -- --serve shows it.')}`);
}

/** The server of the tests, on the loopback interface alone. */
async function serve(port) {
  const { serve: start } = await import('../cli/dist/environments/server.js');
  const { base } = await start(new Map([['', site]]), port);
  console.log(`${base}/ and ${base}/playground/ until Ctrl+C`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [serving, port = '8080'] = process.argv.slice(2);
  if (serving !== undefined && (serving !== '--serve' || !/^\d{1,5}$/.test(port))) {
    console.error('Usage: npm run site [-- --serve [port]]');
    process.exit(2);
  }
  await build()
    .then(() => (serving === undefined ? undefined : serve(Number(port))))
    .catch(fail);
}
