/** A page about the ops of graphs, from the table of ops. */
import { OPS } from '../ops/table.js';

/** Markdown. */
export function opReference(): string {
  const ops = Object.values(OPS);
  const isGradient = (name: string): boolean => name.endsWith('_gradient');
  const forward = ops.filter(({ name }) => !isGradient(name));
  const backward = ops.filter(({ name }) => isGradient(name));
  return `# Ops

What graphs are made of (\`hyb build --print graph\`). Each op is a file under \`compiler/src/ops\`, with its shape rule, its
meaning in f64, its gradient and its decode state. How a block calls them is in [the language](language.md).

## Forward

${table(forward)}

## Gradients

${table(backward)}
`;
}

interface Row {
  readonly name: string;
  readonly doc: string;
  readonly gradient?: unknown;
  readonly state?: unknown;
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ name, doc, gradient, state }) =>
      `| \`${name}\` | ${cell(doc)} | ${gradient === undefined ? '' : 'yes'} | ${state === undefined ? '' : 'yes'} |`,
  );
  return ['| op | what it computes | gradient | decode state |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

/** Text in a cell of a Markdown table that is read as a template of Vue too. */
function cell(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').replace(/[|<>{}*_[\]\\]/g, (c) => `&#${c.charCodeAt(0)};`);
}
