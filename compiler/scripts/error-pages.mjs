// Writes docs/errors from the tables of messages. Needs a build (`npm run build`).
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { catalogue, errorIndex, errorPage } from '../dist/index.js';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../docs/errors');
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (/^HYB\d+\.md$/.test(name)) rmSync(join(folder, name));
for (const [code, entry] of catalogue) writeFileSync(join(folder, `${code}.md`), errorPage(code, entry));
writeFileSync(join(folder, 'README.md'), errorIndex(catalogue));
