// Writes grammar/syntaxes from the token table. Needs a build (`npm run build`); a test says when it is to be run.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { syntaxFiles } from '../dist/highlight/syntax-files.js';

const folder = fileURLToPath(new URL('../syntaxes/', import.meta.url));
mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(syntaxFiles())) writeFileSync(`${folder}${name}`, text);
