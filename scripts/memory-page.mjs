// docs/memory.md: each script that measures replaces its part, between comments of the part's name.
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { format } from 'prettier';
import { root } from './setup.mjs';

const PAGE = join(root, 'docs/memory.md');

export async function writePart(name, text) {
  const page = await readFile(PAGE, 'utf8');
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/memory.md has no part ${name}`);
  const written = `${page.slice(0, from + start.length)}\n\n${text}\n\n${page.slice(to)}`;
  const options = { ...JSON.parse(await readFile(join(root, '.prettierrc.json'), 'utf8')), parser: 'markdown' };
  await writeFile(PAGE, await format(written, options));
}

/** A sentence. */
export function machine(adapter) {
  return `Adapter: ${adapter}; Node ${process.versions.node}; ${cpus().length} cores.`;
}
