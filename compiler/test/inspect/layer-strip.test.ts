import { drawStrip, layerStrip, STRIPE_COLOURS } from '../../src/inspect/layer-strip.js';
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
  expect(layerStrip(hostile).replace(/<\/?(svg|g|rect|title|text)\b[^<>]*>/g, '')).not.toMatch(/[<>]/);
});

test('in rows, nothing is wider than the rows are', () => {
  const stripes = [...'MFMFMAFMFMFMAF'].map((alias, i) => ({ alias, title: `${i}` }));
  const svg = drawStrip('x', stripes, { perRow: 5, selectable: true });
  const width = Number(/ width="(\d+)"/.exec(svg)![1]);
  const rights = [...svg.matchAll(/<rect x="(\d+)" y="(\d+)" width="(\d+)"/g)].map(
    ([, x, , w]) => Number(x) + Number(w),
  );
  expect(Math.max(...rights)).toBeLessThanOrEqual(width);
  const tops = new Set([...svg.matchAll(/data-stripe="\d+"><rect x="\d+" y="(\d+)"/g)].map(([, y]) => y));
  expect(tops.size).toBe(3);
  expect(svg.match(/role="option"/g)).toHaveLength(stripes.length);
});

/** WCAG 2.2: relative luminance of an sRGB colour, and the contrast of two. */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
const contrast = (a: string, b: string): number => {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light! + 0.05) / (dark! + 0.05);
};

test('letters on stripes, and stripes on light and dark pages, have the contrast that WCAG AA asks for', () => {
  for (const colour of STRIPE_COLOURS) {
    expect(contrast('#ffffff', colour)).toBeGreaterThanOrEqual(4.5);
    expect(contrast('#1e1e1e', colour)).toBeGreaterThanOrEqual(3);
  }
});
