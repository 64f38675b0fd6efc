// Whether the links of static pages lead somewhere: files and headings.
import { readdir, readFile } from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * @param headings whether a page's links to headings are looked at: typedoc counts those of equal names in its own way
 * @returns what is wrong, a line each
 */
export async function brokenLinks(site, { headings = () => true } = {}) {
  const files = (await readdir(site, { recursive: true })).filter((file) => file.endsWith('.html'));
  const pages = new Map();
  for (const file of files) pages.set(file, await readFile(join(site, file), 'utf8'));
  const broken = [];
  for (const [file, text] of pages) {
    // What a search or a highlighter writes is no link of ours.
    for (const [, href] of text.matchAll(/<a\b[^>]*?\shref="([^"]*)"/g)) {
      const link = href.replaceAll('&amp;', '&');
      if (/^[a-z]+:/i.test(link) || link === '') continue;
      const [path, anchor = ''] = link.split('#');
      let target =
        path === '' ? join(site, file) : path.startsWith('/') ? join(site, path) : join(site, dirname(file), path);
      target = decodeURIComponent(target);
      if (existsSync(target) && statSync(target).isDirectory()) target = join(target, 'index.html');
      if (!existsSync(target) && existsSync(`${target}.html`)) target = `${target}.html`;
      if (!existsSync(target)) broken.push(`${file}: ${href}`);
      else if (anchor !== '' && headings(file) && target.endsWith('.html')) {
        const there = pages.get(relative(site, target));
        if (!there.includes(`id="${decodeURIComponent(anchor)}"`)) broken.push(`${file}: no heading for ${href}`);
      }
    }
  }
  return [...new Set(broken)];
}
