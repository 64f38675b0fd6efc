// A figure of curves for pages that show no scripts: panels side by side, a logarithmic axis.

const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [300, 220, 46, 28, 34];
const COLOURS = ['#2060b0', '#e08000', '#c02030', '#208050'];

/**
 * @param panels each with a `title` and `lines` of `label` and `points` (`step` and `value`; null breaks a line); lines of one
 *   label have one colour in all panels
 * @returns SVG
 */
export function figure(panels, { title }) {
  const labels = [...new Set(panels.flatMap(({ lines }) => lines.map(({ label }) => label)))];
  const values = panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(({ value }) => value)));
  const positive = values.filter((value) => value !== null && value > 0);
  const [low, high] = [Math.min(...positive), Math.max(...positive)].map(Math.log10);
  const [bottom, top] = [Math.floor(low), Math.max(Math.floor(low) + 1, Math.ceil(high))];
  const steps = panels.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(({ step }) => step)));
  const last = Math.max(...steps);
  const x = (step) => LEFT + ((WIDTH - LEFT - 10) * step) / last;
  const y = (value) => TOP + ((HEIGHT - TOP - BOTTOM) * (top - Math.log10(value))) / (top - bottom);
  const powers = Array.from({ length: top - bottom + 1 }, (_, i) => 10 ** (bottom + i));
  const frame = ({ title: name, lines }, i) => {
    const grid = powers.map(
      (power) =>
        `<line x1="${LEFT}" x2="${WIDTH - 10}" y1="${fixed(y(power))}" y2="${fixed(y(power))}" stroke="#ccc"/>` +
        `<text x="${LEFT - 5}" y="${fixed(y(power) + 4)}" text-anchor="end">${short(power)}</text>`,
    );
    const ticks = [0, last / 2, last].map(
      (step) => `<text x="${fixed(x(step))}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${step}</text>`,
    );
    const drawn = lines.map(
      ({ label, points }) =>
        `<path d="${path(points)}" fill="none" stroke="${COLOURS[labels.indexOf(label) % COLOURS.length]}" stroke-width="1.4"/>`,
    );
    const head = `<text x="${(LEFT + WIDTH) / 2}" y="18" text-anchor="middle" font-weight="bold">${escape(name)}</text>`;
    return `<g transform="translate(${i * WIDTH} 0)">${[head, ...grid, ...ticks, ...drawn].join('\n')}</g>`;
  };
  const path = (points) => {
    let pen = 'M';
    const parts = [];
    for (const { step, value } of points) {
      if (value === null || value <= 0) pen = 'M';
      else {
        parts.push(`${pen}${fixed(x(step))} ${fixed(y(value))}`);
        pen = 'L';
      }
    }
    return parts.join('');
  };
  const width = WIDTH * panels.length;
  const legend = labels.map(
    (label, i) =>
      `<text x="${LEFT + 150 * i}" y="${HEIGHT + 12}" fill="${COLOURS[i % COLOURS.length]}">— ${escape(label)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT + 24}" width="${width}" font-family="sans-serif" font-size="11">
<title>${escape(title)}</title>
<rect width="100%" height="100%" fill="#fff"/>
${panels.map(frame).join('\n')}
${legend.join('\n')}
</svg>
`;
}

const fixed = (value) => Number(value.toFixed(1));

const short = (power) => (power >= 0.01 && power < 10_000 ? String(power) : `1e${Math.round(Math.log10(power))}`);

function escape(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
