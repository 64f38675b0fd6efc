/** The pattern of a model's layers as a picture: one stripe a layer, as papers draw hybrids. */
import type { ModelGraph } from '../graph/graph.js';

/** For aliases in order of appearance; beyond them colours repeat. */
const COLOURS = ['#76b900', '#4c78a8', '#f58518', '#b279a2', '#e45756', '#54a24b', '#9d755d', '#bab0ac'];
const STRIPE = 10;
const HEIGHT = 36;
const LEGEND = 30;
const MARGIN = 10;

/** SVG text. Names come from source files: they are escaped. */
export function layerStrip(model: ModelGraph): string {
  const aliases = model.instances.filter((i) => i.layer !== undefined).map((i) => i.alias ?? '');
  const kinds = [...new Set(aliases)];
  const colour = (alias: string): string => COLOURS[kinds.indexOf(alias) % COLOURS.length]!;
  const stripes = aliases.map(
    (alias, i) =>
      `<rect x="${MARGIN + i * STRIPE}" y="${MARGIN}" width="${STRIPE - 1}" height="${HEIGHT}" fill="${colour(alias)}">` +
      `<title>${i} ${escape(alias)}</title></rect>`,
  );
  let x = MARGIN;
  const legend = kinds.map((alias) => {
    const count = aliases.filter((a) => a === alias).length;
    const text = `${alias} × ${count}`;
    const at = x;
    // A letter is about 7 units wide.
    x += 26 + 7 * text.length;
    const y = MARGIN + HEIGHT + LEGEND - 10;
    return (
      `<rect x="${at}" y="${y - 10}" width="12" height="12" fill="${colour(alias)}"/>` +
      `<text x="${at + 16}" y="${y}">${escape(text)}</text>`
    );
  });
  const width = Math.max(x, 2 * MARGIN + aliases.length * STRIPE);
  const height = 2 * MARGIN + HEIGHT + LEGEND;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `font-family="sans-serif" font-size="12" fill="currentColor" role="img">\n` +
    `<title>${escape(model.name)}: ${aliases.length} layers</title>\n${[...stripes, ...legend].join('\n')}\n</svg>\n`
  );
}

function escape(text: string): string {
  return text.replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
