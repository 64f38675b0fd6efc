/** The package's README: how to use it, the model's table, its kernels. */
import type { Program } from '@hyb/runtime';
import type { Plan } from '../plan/plan.js';

export function readme(name: string, plan: Plan): string {
  const { program } = plan;
  const { model } = program;
  const parameters = program.parameters.reduce((n, p) => n + p.shape.reduce((a, b) => a * b, 1), 0);
  return [
    `# ${markdown(name)}`,
    ...(model.doc ? ['', markdown(model.doc)] : []),
    '',
    'Made by Hyb from a `.hyb` file. Runs in browsers with WebGPU, in Node and in Deno.',
    '',
    '```ts',
    `import { load } from '${name}';`,
    '',
    "const model = await load({ weights: 'model.safetensors' });",
    'for await (const { token } of model.generate([1, 2, 3], { maxTokens: 32 })) console.log(token);',
    '```',
    '',
    '| | |',
    '| --- | --- |',
    `| model | ${markdown(model.name)} |`,
    `| parameters | ${parameters.toLocaleString('en-US')} |`,
    `| vocabulary | ${model.vocab.toLocaleString('en-US')} |`,
    `| width | ${model.width.toLocaleString('en-US')} |`,
    `| context | ${model.context.toLocaleString('en-US')} |`,
    `| layers | ${model.layers.length} |`,
    '',
    '## Layers',
    '',
    '| layer | name | block | parameters |',
    '| --- | --- | --- | --- |',
    ...layerRows(program),
    '',
    '## Kernels',
    '',
    '| kernel | what it computes |',
    '| --- | --- |',
    ...Object.entries(program.kernels).map(
      ([id, k]) => `| [${id}](kernels/${id}.wgsl) | ${markdown(k.doc.split('\n')[0] ?? '')} |`,
    ),
    '',
  ].join('\n');
}

/** Equal neighbours would make a long table: one row a layer is still what people look for. */
function layerRows(program: Program): string[] {
  const counts = new Map<string, number>();
  for (const p of program.parameters) {
    const match = /^layers\.(\d+)\./.exec(p.path);
    if (match) counts.set(match[1]!, (counts.get(match[1]!) ?? 0) + p.shape.reduce((a, b) => a * b, 1));
  }
  return program.model.layers.map(
    (l, i) =>
      `| ${i} | ${markdown(l.alias)} | ${markdown(l.block)} | ${(counts.get(String(i)) ?? 0).toLocaleString('en-US')} |`,
  );
}

/** Source text inside Markdown: no HTML, no table breaks. */
function markdown(text: string): string {
  return text.replace(
    /[<>&|\\`]/g,
    (c) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;', '|': '\\|', '\\': '\\\\', '`': '\\`' })[c] ?? c,
  );
}
