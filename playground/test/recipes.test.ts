/** How the tab trains: recipes of the source, one for models without, and what a tab makes of recipes for clusters. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runLength } from '@hyb/runtime';
import { Session } from '../src/compiler/session.js';
import { byteCodec } from '../src/train/byte-codec.js';
import { checkParameters } from '../src/train/limits.js';

const MODEL = `use std.{MLP, RMSNorm}
model Small {
  vocab = 256
  width = 8
  context = 96
  F = MLP(inner = 16)
  norm = { pre = RMSNorm }
  layers = [F]
  head = { norm = RMSNorm, tie = false }
}
`;

async function open(source: string): Promise<{ readonly session: Session; readonly recipes: object }> {
  const session = new Session({});
  const { diagnostics, recipes } = await session.answer('check', { path: 'a/b.hyb', text: source });
  expect(diagnostics).toEqual([]);
  return { session, recipes };
}

test('a model without a recipe gets one that its source takes as it is', async () => {
  const { session, recipes } = await open(MODEL);
  expect(recipes).toEqual({});
  const { recipe, text, changes } = await session.answer('recipe', { model: 'Small' });
  expect(changes).toEqual([]);
  // No longer than the model's context.
  expect(recipe.sequence!.value).toBe(96);
  const own = await open(`${MODEL}\n${text}`);
  expect(own.recipes).toEqual({ Small: ['Default'] });
  expect(await own.session.answer('recipe', { model: 'Small' })).toEqual({ recipe, text: null, changes: [] });
});

test('recipes are found by name, and trained as they are where they are small', async () => {
  const { session, recipes } = await open(`${MODEL}
train One of Small { batch = 2, steps = 7, rate = 1e-3, warmup = 2 steps }
train Two = One with { rate = 2e-3 }
`);
  expect(recipes).toEqual({ Small: ['One', 'Two'] });
  const two = await session.answer('recipe', { model: 'Small', recipe: 'Two' });
  expect([two.recipe.rate, two.recipe.steps!.value, two.changes]).toEqual([2e-3, 7, []]);
  const { program, recipe, sources } = await session.answer('trainable', { model: 'Small', recipe: 'Two', steps: 3 });
  expect(recipe).toMatchObject({ rate: 2e-3, steps: { value: 3 }, warmup: { value: 1 } });
  expect(program.training).toBeDefined();
  for (const { variants } of Object.values(program.kernels))
    for (const { source } of variants) expect(sources[source]).toContain('@compute');
});

test('a package trains by a recipe as it is written, or only generates', async () => {
  const { session } = await open(`${MODEL}
train One of Small { batch = 2, steps = 90_000, rate = 1e-3 }
`);
  const plain = await session.answer('package', { model: 'Small' });
  const trains = await session.answer('package', { model: 'Small', recipe: 'One' });
  expect(Object.keys(plain)).not.toContain('recipe.js');
  expect(trains['recipe.js']).toContain('90000');
  expect(trains['index.d.ts']).toMatch(/export (declare )?function train\b/);
  expect(plain['index.d.ts']).not.toMatch(/function train\b/);
  // What inference needs is the same in both.
  for (const file of ['program.js', 'kernels.js']) expect(trains[file]).toBe(plain[file]);
});

test('what is made for clusters is cut to a tab, and said', async () => {
  const { session } = await open(`${MODEL.replace('context = 96', 'context = 8192')}
train Big of Small {
  data       = { web = "web", code = "code" }
  mix        = { web = 3, code = 1 }
  tokenizer  = "tokenizer.json"
  sequence   = 8192
  batch      = 6291456 tokens
  tokens     = 15e12
  rate       = 8e-4
  schedule   = wsd(decay = 1.5e12 tokens)
  warmup     = 8.3e9 tokens
  evaluation = { every = 1000 steps, data = "held-out" }
  probes     = { of = (outputs) }
}
`);
  const { recipe, changes } = await session.answer('recipe', { model: 'Small' });
  const { sequence, batch, steps, tokensPerStep } = runLength(recipe, { context: 8192 });
  expect({ sequence, batch, steps, tokensPerStep }).toEqual({
    sequence: 256,
    batch: 8,
    steps: 500,
    tokensPerStep: 2048,
  });
  expect(recipe).toMatchObject({
    warmup: { value: 50, unit: 'steps' },
    // The run is a whole number of steps, over two million.
    schedule: { arguments: { decay: expect.closeTo(0.1, 6) as number } },
    evaluation: { tokens: { value: 2048 } },
  });
  for (const field of ['data', 'mix', 'tokenizer', 'tokens', 'probes']) expect(recipe).not.toHaveProperty(field);
  expect(changes).toEqual([
    'Tokens in a sequence: 256 instead of 8,192.',
    'Sequences in a step: 8 instead of 768.',
    'Steps: 500 instead of 2,384,186.',
    'Steps of warm-up: 50 instead of 1,320.',
    'The text below takes the place of its data.',
    'Bytes are tokens, not those of tokenizer.json.',
    'Nothing is probed.',
  ]);
});

test('a model that is too large for a tab is refused', () => {
  expect(() => checkParameters('Small', 60e6)).not.toThrow();
  expect(() => checkParameters('Large', 8e9)).toThrow('Large has 8,000 million parameters. A tab trains up to 67');
});

test('bytes are tokens where there are ids for them', () => {
  expect(byteCodec(257).codec.stopTokens).toEqual([256]);
  const { codec } = byteCodec(256);
  expect(codec.stopTokens).toEqual([]);
  expect(codec.decode(codec.encode('Größe'))).toBe('Größe');
  expect(() => byteCodec(255)).toThrow('256 at least');
});

test('the example that is shown first trains', async () => {
  const root = join(import.meta.dirname, '../..');
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const session = new Session({ 'models/checkpoints.hyb': read('models/checkpoints.hyb') });
  const path = 'demo/tiny-hybrid.hyb';
  const { models } = await session.answer('check', { path, text: read(path) });
  const { program, recipe } = await session.answer('trainable', { model: models[0]! });
  expect(recipe.parameters.map((each) => each.path).sort()).toEqual(program.parameters.map((p) => p.path).sort());
  expect(() => byteCodec(program.model.vocab)).not.toThrow();
});
