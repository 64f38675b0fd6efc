// Writes docs/throughput.md from the models in models/. Needs `npm run build`.
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { check } from '../compiler/dist/index.js';
import { modelWork } from '../compiler/dist/inspect/index.js';
import { CONTENDERS, throughputPage } from '../compiler/dist/inspect/throughput-page.js';
import { root } from './setup.mjs';

const host = {
  read: (path) => {
    try {
      return readFileSync(`${root}${path}`, 'utf8');
    } catch {
      return undefined;
    }
  },
};
const works = new Map(
  CONTENDERS.map(({ file }) => {
    const { models } = check(host, `models/${file}.hyb`);
    if (models.length === 0) throw new Error(`models/${file}.hyb has errors`);
    return [file, modelWork(models[0].graph)];
  }),
);
const page = await format(throughputPage(works), { parser: 'markdown', printWidth: 120 });
writeFileSync(`${root}docs/throughput.md`, page);
