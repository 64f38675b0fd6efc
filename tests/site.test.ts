/** Parts of the documentation's pages that need no site to be built. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OPS } from '@hyb/compiler';
import { opReference } from '@hyb/compiler/inspect/op-reference';
import { brokenLinks } from '../scripts/site-links.mjs';

test('the reference of ops has a row for each, which says something and cannot break the table', () => {
  const rows = opReference().split('\n');
  for (const { name, doc } of Object.values(OPS)) {
    expect(doc.trim()).not.toBe('');
    const row = rows.filter((line) => line.startsWith(`| \`${name}\` |`));
    expect(row).toHaveLength(1);
    expect(row[0]!.split('|')).toHaveLength(6);
  }
});

test('links that lead nowhere are found, others are not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hyb-site-'));
  try {
    await mkdir(join(folder, 'a'));
    await writeFile(
      join(folder, 'a/index.html'),
      '<h2 id="here">x</h2><a href="../b.html">b</a><a class="x" href="/a/#here">h</a>',
    );
    await writeFile(
      join(folder, 'b.html'),
      '<a href="a/">a</a><a href="a/#there">t</a><a href="c.html">c</a><a href="https://example.com/d">d</a>',
    );
    expect(await brokenLinks(folder)).toEqual(['b.html: no heading for a/#there', 'b.html: c.html']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
