// Makes the generated sections of docs/language.md anew. Needs `npm run build`.
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { fillReference } from '../compiler/dist/inspect/language-reference.js';
import { root } from './setup.mjs';

const file = `${root}docs/language.md`;
const page = fillReference(readFileSync(file, 'utf8'));
writeFileSync(file, await format(page, { parser: 'markdown', printWidth: 120 }));
