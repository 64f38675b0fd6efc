/** The pattern of a model's layers as a picture: one stripe a layer, as papers draw hybrids. */
import type { ModelGraph } from '../graph/graph.js';

/**
 * Green, blue, orange, purple, red, teal, brown, grey, for aliases in order of appearance; beyond them colours repeat. All are
 * as light as one another, so that white letters on them and they themselves on white and on near-black can be made out
 * (WCAG AA: 4.5 and 3 to 1).
 */
export const STRIPE_COLOURS: readonly string[] = [
  ...['#4e7c0a', '#2370c7', '#b9500a', '#9f4cbb'],
  ...['#d32d43', '#167d79', '#896b2e', '#6b7079'],
];
const END_COLOUR = '#6b7079';
export const STRIPE_WIDTH = 16;
const HEIGHT = 40;
const GAP = 8;
const LEGEND = 30;
const MARGIN = 8;

export interface Stripe {
  readonly alias: string;
  /** Shown under a pointer, read aloud by screen readers. */
  readonly title: string;
  /** The embedding or the head: grey and not in the legend. */
  readonly end?: boolean;
}

export interface StripOptions {
  /** Most stripes in a row; default: all. */
  readonly perRow?: number;
  /** Each stripe can be chosen: it is an option of a list box, marked `data-stripe`. */
  readonly selectable?: boolean;
}

/** SVG text. Names come from source files: they are escaped. */
export function layerStrip(model: ModelGraph): string {
  const layers = model.instances.filter((i) => i.layer !== undefined);
  const stripes = layers.map(({ alias = '' }, i) => ({ alias, title: `${i} ${alias}` }));
  return drawStrip(`${model.name}: ${stripes.length} layers`, stripes);
}

/** The same for layers that somebody else has named, in rows where there is little room. */
export function drawStrip(title: string, stripes: readonly Stripe[], options: StripOptions = {}): string {
  const { perRow = Math.max(1, stripes.length), selectable = false } = options;
  const layers = stripes.filter(({ end }) => !end);
  const kinds = [...new Set(layers.map(({ alias }) => alias))];
  const colour = (alias: string): string => STRIPE_COLOURS[kinds.indexOf(alias) % STRIPE_COLOURS.length]!;
  const drawn = stripes.map((stripe, i) => {
    const x = MARGIN + (i % perRow) * STRIPE_WIDTH;
    const y = MARGIN + Math.floor(i / perRow) * (HEIGHT + GAP);
    const attributes = selectable
      ? ` role="option" aria-selected="false" aria-label="${escape(stripe.title)}" tabindex="-1" data-stripe="${i}"`
      : '';
    return (
      `<g class="stripe"${attributes}><rect x="${x}" y="${y}" width="${STRIPE_WIDTH - 1}" height="${HEIGHT}" ` +
      `fill="${stripe.end ? END_COLOUR : colour(stripe.alias)}"><title>${escape(stripe.title)}</title></rect>${letter(stripe.alias, x, y)}</g>`
    );
  });
  const rows = Math.max(1, Math.ceil(stripes.length / perRow));
  const bottom = MARGIN + rows * (HEIGHT + GAP) - GAP;
  const room = 2 * MARGIN + Math.min(perRow, stripes.length) * STRIPE_WIDTH;
  const most = options.perRow === undefined ? Infinity : 2 * MARGIN + perRow * STRIPE_WIDTH;
  const legend = drawLegend(kinds, layers, colour, bottom, most);
  const [width, height] = [Math.max(legend.width, room), legend.bottom];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `font-family="sans-serif" font-size="12" fill="currentColor" ` +
    `${selectable ? `role="listbox" aria-label="${escape(title)}"` : 'role="img"'}>\n` +
    `<title>${escape(title)}</title>\n${[...drawn, ...legend.parts].join('\n')}\n</svg>\n`
  );
}

/** Only short names fit. */
function letter(alias: string, x: number, y: number): string {
  if (alias.length !== 1) return '';
  const place = `x="${x + (STRIPE_WIDTH - 1) / 2}" y="${y + HEIGHT / 2 + 4}" text-anchor="middle"`;
  return `<text ${place} font-size="11" fill="#fff" aria-hidden="true" pointer-events="none">${escape(alias)}</text>`;
}

function drawLegend(
  kinds: readonly string[],
  stripes: readonly Stripe[],
  colour: (alias: string) => string,
  top: number,
  room: number,
): { readonly parts: readonly string[]; readonly width: number; readonly bottom: number } {
  let [x, y, width] = [MARGIN, top + LEGEND - 10, 0];
  const parts = kinds.map((alias) => {
    const text = `${alias} × ${stripes.filter((s) => s.alias === alias).length}`;
    // A letter is about 7 units wide.
    const wide = 26 + 7 * text.length;
    if (x > MARGIN && x + wide > room) [x, y] = [MARGIN, y + 20];
    const at = x;
    x += wide;
    width = Math.max(width, x);
    return (
      `<rect x="${at}" y="${y - 10}" width="12" height="12" fill="${colour(alias)}"/>` +
      `<text x="${at + 16}" y="${y}">${escape(text)}</text>`
    );
  });
  return { parts, width, bottom: y + MARGIN };
}

function escape(text: string): string {
  return text.replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
