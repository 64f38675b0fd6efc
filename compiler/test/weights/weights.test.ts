import { modelParameters, resolveWeightMap, trace } from '@hyb/compiler';
import type { Model, ModelParameter, WeightMap } from '@hyb/compiler';
import { compile, model, render } from '../support/compile.js';
import { modelSources } from '../support/models.js';

function load(file: string): Model {
  const { models, diagnostics } = compile(modelSources, file);
  expect(render(diagnostics, modelSources)).toBe('');
  return models.at(-1)!;
}

/** Parameters of the library's blocks, written out here a second time. */
function parameters(m: Model): ModelParameter[] {
  const { width, vocab } = m;
  const result: ModelParameter[] = [{ path: 'embedding.weight', shape: [vocab, width] }];
  for (const { index, block } of m.layers) {
    const get = (name: string): number => {
      const value = block.arguments[name];
      return value?.kind === 'number' ? value.value : value?.kind === 'boolean' && value.value ? 1 : 0;
    };
    const add = (path: string, ...shape: number[]): void =>
      void result.push({ path: `layers.${index}.${path}`, shape });
    add('pre.weight', width);
    switch (block.declaration.name.text) {
      case 'Mamba2': {
        const inner = get('heads') * get('head_dim');
        const channels = inner + 2 * get('groups') * get('state');
        add('in_z.weight', inner, width);
        add('in_xbc.weight', channels, width);
        add('in_dt.weight', get('heads'), width);
        add('mix.weight', channels, get('conv'));
        add('mix.bias', channels);
        for (const name of ['dt_bias', 'A_log', 'D']) add(name, get('heads'));
        add('gated.weight', inner);
        add('out.weight', width, inner);
        break;
      }
      case 'Attention': {
        const sizes = { q: get('heads'), k: get('kv_heads'), v: get('kv_heads') };
        for (const [name, heads] of Object.entries(sizes)) {
          add(`${name}.weight`, heads * get('head_dim'), width);
          if (get('bias') === 1) add(`${name}.bias`, heads * get('head_dim'));
        }
        add('o.weight', width, get('heads') * get('head_dim'));
        break;
      }
      case 'GatedMLP':
        add('gate.weight', get('inner'), width);
        add('up.weight', get('inner'), width);
        add('down.weight', width, get('inner'));
        break;
      case 'MLP':
        add('up.weight', get('inner'), width);
        add('down.weight', width, get('inner'));
        break;
    }
  }
  result.push({ path: 'head.norm.weight', shape: [width] });
  if (!m.head.tie) result.push({ path: 'head.weight', shape: [vocab, width] });
  return result;
}

function mapOf(m: Model): WeightMap {
  const { map, diagnostics } = resolveWeightMap(m, parameters(m));
  expect(diagnostics).toEqual([]);
  return map!;
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

test.each([
  ['nemotron-h-8b.hyb', 311, 8_100_852_736],
  ['nemotron-h-4b.hyb', 311, 4_489_223_040],
  ['nemotron-h-56b.hyb', 701, 56_324_350_464],
  ['nemotron-h-47b.hyb', 577, 46_791_554_816],
  ['nemotron-nano-9b-v2.hyb', 27 * 9 + 4 * 5 + 25 * 3 + 3, 8_888_227_328],
  ['nemotron-nano-12b-v2.hyb', 28 * 9 + 6 * 5 + 28 * 3 + 3, 12_310_001_152],
  ['llama-3.1-8b.hyb', 32 * 9 + 3, 8_030_261_248],
  ['qwen-2.5-7b.hyb', 28 * 12 + 3, 7_615_616_512],
  ['mamba2-2.7b.hyb', 64 * 9 + 2, 2_702_599_680],
])('%s: %d tensors with %d elements', (file, tensors, elements) => {
  const map = mapOf(load(file));
  expect(map.entries).toHaveLength(tensors);
  expect(map.entries.reduce((sum, { shape }) => sum + count(shape), 0)).toBe(elements);
});

test('the tensors of Nemotron-H-8B, by the table of its checkpoint', () => {
  const map = mapOf(load('nemotron-h-8b.hyb'));
  const shapes = new Map(map.entries.map(({ tensor, shape }) => [tensor, shape]));
  // Layers 0, 1 and 7 are Mamba-2, feed-forward and attention.
  const expected: Record<string, number[]> = {
    'backbone.embeddings.weight': [131072, 4096],
    'backbone.layers.0.norm.weight': [4096],
    'backbone.layers.0.mixer.in_proj.weight': [18560, 4096],
    'backbone.layers.0.mixer.conv1d.weight': [10240, 1, 4],
    'backbone.layers.0.mixer.conv1d.bias': [10240],
    'backbone.layers.0.mixer.A_log': [128],
    'backbone.layers.0.mixer.D': [128],
    'backbone.layers.0.mixer.dt_bias': [128],
    'backbone.layers.0.mixer.norm.weight': [8192],
    'backbone.layers.0.mixer.out_proj.weight': [4096, 8192],
    'backbone.layers.1.mixer.up_proj.weight': [21504, 4096],
    'backbone.layers.1.mixer.down_proj.weight': [4096, 21504],
    'backbone.norm_f.weight': [4096],
    'lm_head.weight': [131072, 4096],
  };
  for (const [tensor, shape] of Object.entries(expected)) expect([tensor, shapes.get(tensor)]).toEqual([tensor, shape]);
  for (const [name, rows] of [
    ['q', 4096],
    ['k', 1024],
    ['v', 1024],
  ] as const) {
    const tensor = `backbone.layers.7.mixer.${name}_proj.weight`;
    expect([tensor, shapes.get(tensor)]).toEqual([tensor, [rows, 4096]]);
  }
  const inProjection = map.entries.find(({ tensor }) => tensor === 'backbone.layers.0.mixer.in_proj.weight')!;
  expect(inProjection.parts).toEqual(['layers.0.in_z.weight', 'layers.0.in_xbc.weight', 'layers.0.in_dt.weight']);
});

test('every parameter is in exactly one tensor', () => {
  for (const file of ['nemotron-h-47b.hyb', 'llama-3.1-8b.hyb', 'qwen-2.5-7b.hyb', 'mamba2-2.7b.hyb']) {
    const m = load(file);
    const parts = mapOf(m).entries.flatMap((entry) => entry.parts);
    expect(new Set(parts).size).toBe(parts.length);
    expect([...parts].sort()).toEqual(
      parameters(m)
        .map(({ path }) => path)
        .sort(),
    );
  }
});

test.each(['nemotron-h-47b.hyb', 'llama-3.1-8b.hyb', 'qwen-2.5-7b.hyb', 'mamba2-2.7b.hyb'])(
  '%s: the traced model has these very parameters',
  (file) => {
    const m = load(file);
    const byPath = (list: readonly ModelParameter[]): string[] =>
      list.map(({ path, shape }) => `${path} ${shape.join('×')}`).sort();
    expect(byPath(modelParameters(trace(m).graph))).toEqual(byPath(parameters(m)));
  },
);

test('a tied head is a copy that a file may hold', () => {
  expect(mapOf(load('mamba2-2.7b.hyb')).copies).toEqual([{ tensor: 'lm_head.weight', of: 'embedding.weight' }]);
  expect(mapOf(load('llama-3.1-8b.hyb')).copies).toEqual([]);
});

test('Llama counts attention and feed-forward as one layer', () => {
  const map = mapOf(load('llama-3.1-8b.hyb'));
  const at = (tensor: string): readonly string[] => map.entries.find((entry) => entry.tensor === tensor)!.parts;
  expect(at('model.layers.3.self_attn.q_proj.weight')).toEqual(['layers.6.q.weight']);
  expect(at('model.layers.3.mlp.up_proj.weight')).toEqual(['layers.7.up.weight']);
});

const tiny = (entries: string): string => `use std.{MLP, RMSNorm}
model Small {
  vocab = 8, width = 4, context = 16
  F = MLP(inner = 6)
  G = shared MLP(inner = 6)
  layers = [F G F G]
  weights = Map
}
weights Map {
${entries}
}`;
const tinyParameters: ModelParameter[] = [
  { path: 'embedding.weight', shape: [8, 4] },
  ...[0, 1, 2].flatMap((i) => [
    { path: `layers.${i}.up.weight`, shape: [6, 4] },
    { path: `layers.${i}.down.weight`, shape: [4, 6] },
  ]),
  { path: 'head.weight', shape: [8, 4] },
];

test('shared layers have the tensors of the first', () => {
  const m = model(
    tiny(`"embed" = embedding.weight, "head" = head.weight
  "{layer}.up" = layers.up.weight, "f{nth}.down" = F.down.weight, "g.{nth}" = G.down.weight`),
  );
  const { map, diagnostics } = resolveWeightMap(m, tinyParameters);
  expect(diagnostics).toEqual([]);
  expect(map!.entries.map(({ tensor, parts }) => `${tensor}: ${parts.join(' ')}`)).toMatchInlineSnapshot(`
   [
     "embed: embedding.weight",
     "head: head.weight",
     "0.up: layers.0.up.weight",
     "1.up: layers.1.up.weight",
     "2.up: layers.2.up.weight",
     "f0.down: layers.0.down.weight",
     "f1.down: layers.2.down.weight",
     "g.0: layers.1.down.weight",
   ]
  `);
});

test('entries of a block that no layer has stand for nothing', () => {
  const source = tiny(
    '"e" = embedding.weight, "h" = head.weight, "{layer}.{nth}" = F.up.weight, "d{nth}" = F.down.weight, "g.{nth}" = G.up.weight',
  );
  const m = model(source.replace('[F G F G]', '[F F]'));
  const own = tinyParameters.filter(({ path }) => !path.startsWith('layers.2.'));
  const { map, diagnostics } = resolveWeightMap(m, own);
  expect(diagnostics).toEqual([]);
  expect(map!.entries.map(({ tensor }) => tensor)).toEqual(['e', 'h', '0.0', '1.1', 'd0', 'd1']);
});

test('every mistake in a map is found in one run', () => {
  const source = tiny(`  "embed" = embedding.wight
  "up" = F.up.weight
  "{layer}.down": [_, 7] = layers.down.weight
  "{layer}.two" = concat(G.up.weight, G.down.weight)
  "{layer}.x" = H.up.weight
  "again.{layer}" = F.up.weight
  "bias.{layer}" = F.up.bias`);
  expect(render(resolveWeightMap(model(source), tinyParameters).diagnostics, source)).toMatchSnapshot();
  const written = tiny(`  "{lyer}.up" = F.up.weight
  "{layer}.down" = F.down.weight + 1
  "{layer}.down" = concat()
  "a" = concat(x = G.up.weight)
  "b" = G`);
  expect(render(compile(written).diagnostics, written)).toMatchSnapshot();
});

test('missing parameters are named', () => {
  const source = tiny('  "embed" = embedding.weight');
  const { map, diagnostics } = resolveWeightMap(model(source), tinyParameters);
  expect(map).toBeUndefined();
  expect(render(diagnostics, source)).toMatchInlineSnapshot(`
   "error HYB6011 main.hyb:9:9: The weight map 'Map' says nothing of 'layers.0.up.weight', 'layers.0.down.weight', 'layers.1.up.weight', 'layers.1.down.weight', 'layers.2.up.weight', 'layers.2.down.weight', 'head.weight'.
     | weights Map {
     |         ^^^"
  `);
});
