/** A report: one HTML file that needs nothing else, not even a network. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Chart } from './charts.js';

export interface ReportPage {
  readonly title: string;
  /** Rows of two under the title. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly tables?: readonly Table[];
  readonly charts: readonly Chart[];
  readonly texts: readonly { readonly title: string; readonly text: string }[];
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export async function printReport({ title, facts, tables = [], charts, texts }: ReportPage): Promise<string> {
  const require = createRequire(import.meta.url);
  const [script, style] = await Promise.all(
    ['uPlot.iife.min.js', 'uPlot.min.css'].map((file) => readFile(require.resolve(`uplot/dist/${file}`), 'utf8')),
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escape(title)}</title>
<style>
${style}
${STYLE}
</style>
<h1>${escape(title)}</h1>
<table class="facts">${facts.map((row) => tableRow(row, 'th')).join('')}</table>
${tables.map(printTable).join('\n')}
<div id="charts"></div>
${texts.map(({ title: name, text }) => `<h2>${escape(name)}</h2>\n<pre>${escape(text)}</pre>`).join('\n')}
<script type="application/json" id="data">${inScript(charts)}</script>
<script>
${LANGUAGE}
${script}
</script>
<script>
${DRAW}
</script>
</html>
`;
}

function printTable({ title, head, rows }: Table): string {
  const heading = `<tr>${head.map((cell) => `<th>${escape(cell)}</th>`).join('')}</tr>`;
  return `<h2>${escape(title)}</h2>\n<table>${heading}${rows.map((row) => tableRow(row, 'td')).join('')}</table>`;
}

function tableRow([first, ...rest]: readonly string[], tag: 'th' | 'td'): string {
  return `<tr><${tag}>${escape(first ?? '')}</${tag}>${rest.map((cell) => `<td>${escape(cell)}</td>`).join('')}</tr>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON in which nothing can end the element it stands in. */
function inScript(value: unknown): string {
  return JSON.stringify(value)
    .replace(/</g, '\\u003c')
    .replace(/\u2028/g, '\\u2028')
    .replace(/\u2029/g, '\\u2029');
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1180px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); padding: .8rem; }
#charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(480px, 1fr)); gap: 1rem; margin-top: 1.5rem; }
.uplot { background: #fff; color: #222; } .u-legend { font-size: 12px; max-height: 9rem; overflow: auto; }
`;

/**
 * uPlot formats numbers in the browser's language as soon as it is run. Chromium under the POSIX locale names one that there is none
 * of (`en-US@posix`), and nothing would be drawn.
 */
const LANGUAGE = `
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
}
`;

const DRAW = `
const charts = JSON.parse(document.getElementById('data').textContent);
const hue = (i, n) => 'hsl(' + Math.round(210 + 360 * i / n) + ' 70% 42%)';
for (const chart of charts) {
  const place = document.createElement('div');
  document.getElementById('charts').append(place);
  const few = chart.steps.length < 40;
  const positive = chart.series.every((s) => s.values.every((v) => v === null || v > 0));
  new uPlot({
    title: chart.title + (chart.unit ? ' (' + chart.unit + ')' : ''),
    width: 480, height: 280,
    scales: { x: { time: false }, y: chart.logarithmic && positive ? { distr: 3 } : {} },
    axes: [{}, { size: 70 }],
    series: [{ label: 'step' }, ...chart.series.map((s, i) => ({
      label: s.label, stroke: hue(i, chart.series.length), width: 1.5, spanGaps: true, points: { show: few },
    }))],
  }, [chart.steps, ...chart.series.map((s) => s.values)], place);
}
`;
