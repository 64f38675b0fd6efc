import { layerStrip } from '../../src/inspect/index.js';
import { nemotronH } from '../support/published.js';

test('one stripe a layer, in the colour of its kind, and a legend', () => {
  const svg = layerStrip(nemotronH(8));
  const stripes = [...svg.matchAll(/fill="(#\w+)"><title>(\d+) (\w)<\/title>/g)].map(([, fill, index, alias]) => ({
    fill,
    index: Number(index),
    alias,
  }));
  expect(stripes.map((s) => s.index)).toEqual(Array.from({ length: 52 }, (_, i) => i));
  expect(stripes.map((s) => s.alias).join('')).toBe(
    'M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-'.replaceAll('-', 'F').replaceAll('*', 'A'),
  );
  expect(new Set(stripes.map((s) => `${s.alias} ${s.fill}`)).size).toBe(3);
  for (const text of ['M × 24', 'F × 24', 'A × 4']) expect(svg).toContain(`>${text}</text>`);
});

test('names cannot end the text they stand in', () => {
  const model = nemotronH(8);
  const hostile = {
    ...model,
    name: '</title><script>',
    instances: model.instances.map((i) => ({ ...i, alias: '"<&>' })),
  };
  expect(layerStrip(hostile).replace(/<\/?(svg|rect|title|text)\b[^<>]*>/g, '')).not.toMatch(/[<>]/);
});
