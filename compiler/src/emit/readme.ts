/** The package's README: how to use it, the model's table, its recipe, its kernels. */
import type { CompiledRecipe, KernelSpec, Program } from '@hyb/runtime';

interface Trained {
  readonly recipe: CompiledRecipe;
  /** Those that inference has no use for. */
  readonly kernels: Program['kernels'];
}

/** @param program what the package runs without training */
export function readme(name: string, program: Program, trained?: Trained): string {
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
    ...(trained === undefined ? [] : training(name, trained.recipe)),
    '## Kernels',
    '',
    ...kernelTable(program.kernels),
    ...(trained === undefined ? [] : ['', '### Of training', '', ...kernelTable(trained.kernels)]),
    '',
  ].join('\n');
}

function kernelTable(kernels: Readonly<Record<string, KernelSpec>>): readonly string[] {
  return [
    '| kernel | what it computes |',
    '| --- | --- |',
    ...Object.entries(kernels).map(
      ([id, { doc }]) => `| [${id}](kernels/${id}.wgsl) | ${markdown(doc.split('\n')[0] ?? '')} |`,
    ),
  ];
}

function training(name: string, recipe: CompiledRecipe): readonly string[] {
  const file = typeof recipe.tokenizer === 'string' ? recipe.tokenizer : undefined;
  const tokenizer = file === undefined ? [] : ["  tokenizer: await loadDataTokenizer('./tokenizer'),"];
  return [
    '## Training',
    '',
    ...(recipe.doc ? [markdown(recipe.doc), ''] : []),
    'In a page, `originFiles` takes the place of `diskFiles`, and files that a visitor chooses are texts as they are.',
    'Leaving the loop ends the run; a signal ends it with a checkpoint, and `resume: true` goes on from the last one.',
    '',
    '```ts',
    `import { ${['dataFile', 'diskFiles', 'lastWeights', ...(file === undefined ? [] : ['loadDataTokenizer'])].join(', ')} } from '@hyb/runtime';`,
    `import { load, train } from '${name}';`,
    '',
    "const files = diskFiles('run');",
    'const metrics = train({',
    "  data: [dataFile('novel.txt', './novel.txt')],",
    ...tokenizer,
    '  files,',
    '  resume: true,',
    "  recipe: { steps: { value: 100, unit: 'steps' } }, // other fields than the recipe's",
    '});',
    'for await (const { step, loss } of metrics) console.log(step, loss);',
    'const model = await load({ weights: await lastWeights(files) });',
    '```',
    '',
    '| | |',
    '| --- | --- |',
    ...recipeRows(recipe).map(([field, value]) => `| ${field} | ${markdown(value)} |`),
    '',
    'The whole of it is `recipe`, in [recipe.js](recipe.js).',
    '',
  ];
}

function recipeRows(recipe: CompiledRecipe): readonly (readonly [string, string])[] {
  const quantity = ({ value, unit }: { readonly value: number; readonly unit: string }): string =>
    `${value.toLocaleString('en-US')} ${unit}`;
  const rows: (readonly [string, string | undefined])[] = [
    ['recipe', recipe.name],
    ['tokenizer', typeof recipe.tokenizer === 'string' ? recipe.tokenizer : 'bytes'],
    ['sequence', recipe.sequence && quantity(recipe.sequence)],
    ['batch', quantity(recipe.batch)],
    ['length', recipe.steps ? quantity(recipe.steps) : recipe.tokens && quantity(recipe.tokens)],
    ['optimizer', recipe.optimizer.name],
    ['rate', `${recipe.rate}, ${recipe.schedule.name}`],
    ['seed', String(recipe.seed)],
  ];
  return rows.flatMap(([field, value]) => (value === undefined ? [] : [[field, value] as const]));
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
