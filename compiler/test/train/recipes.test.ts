import type { Model, TrainRecipe } from '@hyb/compiler';
import { check, memoryHost, TRAIN_FIELDS, trainingModel } from '@hyb/compiler';
import { codes, compile, render } from '../support/compile.js';
import { modelSources } from '../support/models.js';

const small = `use std.{Attention, MLP}
model Small {
  vocab = 256, width = 64, context = 128
  A = Attention(heads = 4)
  F = MLP(inner = 128)
  layers = [(A F)*2]
}
`;
const needed = 'batch = 8, steps = 100, rate = 1e-3';

function recipe(fields: string, after = ''): TrainRecipe {
  const source = `${small}train Run of Small { ${fields} }\n${after}`;
  const { trains, diagnostics } = compile(source);
  expect(render(diagnostics, source)).toBe('');
  return trains.at(-1)!;
}

test('a recipe needs little, and the rest has defaults', () => {
  const { model, span: _, ...fields } = recipe(needed);
  expect((model as Model).name).toBe('Small');
  expect(fields).toMatchInlineSnapshot(`
   {
     "batch": {
       "unit": "sequences",
       "value": 8,
     },
     "checkpoints": {
       "every": {
         "unit": "steps",
         "value": 1000,
       },
       "keep": 2,
     },
     "clip": 1,
     "decay": [],
     "faults": {
       "not_finite": {
         "arguments": {},
         "name": "stop",
       },
       "spike": null,
       "spike_factor": 2,
     },
     "fp8_scale": {
       "arguments": {},
       "name": "current",
     },
     "init": [],
     "loss": {
       "arguments": {
         "smoothing": 0,
         "z": 0,
       },
       "name": "cross_entropy",
     },
     "loss_scale": 1,
     "name": "Run",
     "optimizer": {
       "arguments": {
         "betas": [
           0.9,
           0.95,
         ],
         "eps": 1e-8,
         "stochastic_rounding": false,
         "weight_decay": 0.1,
       },
       "name": "AdamW",
     },
     "precision": [],
     "rate": 0.001,
     "rates": [],
     "schedule": {
       "arguments": {},
       "name": "constant",
     },
     "seed": 0,
     "steps": {
       "unit": "steps",
       "value": 100,
     },
     "warmup": {
       "unit": "steps",
       "value": 0,
     },
   }
  `);
});

test('quantities are in base units, and bare numbers in the field’s own', () => {
  const r = recipe(
    'batch = 4096 tokens, tokens = 1e6, rate = 1e-3, warmup = 2e3 tokens, memory = 6 GB, sequence = context',
  );
  expect(r.batch).toEqual({ value: 4096, unit: 'tokens' });
  expect(r.tokens).toEqual({ value: 1_000_000, unit: 'tokens' });
  expect(r.warmup).toEqual({ value: 2000, unit: 'tokens' });
  expect(r.memory).toEqual({ value: 6e9, unit: 'bytes' });
  expect(r.sequence).toEqual({ value: 128, unit: 'tokens' });
  expect(recipe(`${needed}, memory = 6 GiB`).memory).toEqual({ value: 6 * 2 ** 30, unit: 'bytes' });
  expect(recipe(`${needed}, checkpoints = { every = 5 minutes }`).checkpoints).toEqual({
    every: { value: 300, unit: 'seconds' },
    keep: 2,
  });
});

test('a factor before rounding to 8 bits goes into the model that is trained', () => {
  const trained = (fields: string): Model =>
    trainingModel(recipe(`${needed}${fields}`) as Parameters<typeof trainingModel>[0]);
  expect(trained('').fp8Scale).toBeUndefined();
  expect(trained(', fp8_scale = current').fp8Scale).toBeUndefined();
  expect(trained(', fp8_scale = 1 / 16').fp8Scale).toBe(0.0625);
});

test('choices take arguments by name and by position, with defaults', () => {
  expect(recipe(`${needed}, optimizer = Muon(0.9)`).optimizer).toMatchObject({
    name: 'Muon',
    arguments: { momentum: 0.9, iterations: 5, scale: { name: 'match_rms' } },
  });
  expect(recipe(`${needed}, optimizer = Muon(scale = original)`).optimizer).toMatchObject({
    arguments: { momentum: 0.95, scale: { name: 'original' } },
  });
  expect(recipe(`${needed}, optimizer = SGD`).optimizer).toEqual({
    name: 'SGD',
    arguments: { momentum: 0, nesterov: false, weight_decay: 0 },
  });
  expect(recipe(`${needed}, schedule = wsd(decay = 20 steps, shape = sqrt)`).schedule).toEqual({
    name: 'wsd',
    arguments: { decay: { value: 20, unit: 'steps' }, floor: 0, shape: { name: 'sqrt', arguments: {} } },
  });
  expect(recipe(`${needed}, schedule = wsd(0.1)`).schedule).toMatchObject({ arguments: { decay: 0.1 } });
  expect(recipe(`${needed}, clip = none`).clip).toBeNull();
  expect(recipe(`${needed}, probes = { of = (outputs, logits) }`).probes?.of.map((probe) => probe.name)).toEqual([
    'outputs',
    'logits',
  ]);
  expect(recipe(`${needed}, loss_scale = dynamic`).loss_scale).toEqual({ name: 'dynamic', arguments: {} });
  expect(recipe(`${needed}, loss_scale = 2 ** 10`).loss_scale).toBe(1024);
});

test('data and mixtures', () => {
  expect(recipe(`${needed}, data = "a.txt"`).data).toEqual(['a.txt']);
  expect(recipe(`${needed}, data = ("a.txt", "b.jsonl.gz")`).data).toEqual(['a.txt', 'b.jsonl.gz']);
  expect(recipe(`${needed}, data = { web = "w", code = ("c", "d") }, mix = { web = 59, code = 20.5 }`)).toMatchObject({
    data: { web: ['w'], code: ['c', 'd'] },
    mix: { web: 59, code: 20.5 },
  });
});

test('parts of the model have rates, decay and initialisation of their own', () => {
  const r = recipe(
    `${needed}, rates = { embedding = 0.1, A.q = 2 }, decay = { norms = 0 }, init = { linears = normal(0.014), layers[0] = 0, A.o = log(uniform(1, high = 16)) }`,
  );
  expect(r.rates).toEqual([
    { selector: { kind: 'embedding' }, value: 0.1 },
    { selector: { kind: 'alias', alias: 'A', member: 'q' }, value: 2 },
  ]);
  expect(r.decay).toEqual([{ selector: { kind: 'norms' }, value: 0 }]);
  expect(r.init).toEqual([
    { selector: { kind: 'linears' }, value: { kind: 'normal', std: 0.014 } },
    { selector: { kind: 'layer', start: 0, end: 1 }, value: { kind: 'constant', value: 0 } },
    {
      selector: { kind: 'alias', alias: 'A', member: 'o' },
      value: { kind: 'apply', fn: 'log', of: { kind: 'uniform', low: 1, high: 16 } },
    },
  ]);
});

test('a derivation changes fields, parts of them, and the model', () => {
  const r = recipe(
    `${needed}, optimizer = AdamW(weight_decay = 0.2), checkpoints = { every = 50 }, rates = { embedding = 0.1 }, precision { weights = bf16 }`,
    `model Wide = Small with { width = 128 }
train Other of Wide = Run with {
  optimizer.betas = (0.9, 0.99), checkpoints.keep = 5, rates.A.q = 3, evaluation.every = 10
  schedule.floor = 0.1, schedule = cosine, tokens = 5000
  precision { weights = f16, gradients in A = bf16 }
}`,
  );
  expect((r.model as Model).width).toBe(128);
  expect(r.optimizer.arguments).toMatchObject({ betas: [0.9, 0.99], weight_decay: 0.2 });
  expect(r.checkpoints).toEqual({ every: { value: 50, unit: 'steps' }, keep: 5 });
  expect(r.rates.map(({ value }) => value)).toEqual([0.1, 3]);
  expect(r.evaluation).toEqual({ every: { value: 10, unit: 'steps' } });
  expect(r.schedule).toEqual({ name: 'cosine', arguments: { floor: 0.1 } });
  expect([r.steps, r.tokens?.value]).toEqual([undefined, 5000]);
  expect(r.precision.map(({ role, type }) => `${role} ${type}`)).toEqual(['weights f16', 'gradients bf16']);
  // A part of a choice that was left at its default.
  expect(recipe(needed, 'train Other = Run with { optimizer.eps = 1e-6 }').optimizer).toMatchObject({
    name: 'AdamW',
    arguments: { eps: 1e-6, weight_decay: 0.1 },
  });
});

test('a recipe without a model is there to be derived from', () => {
  const source = `${small}train Common { rate = 1e-3, rates = { embedding = 0.1 } }\ntrain Run of Small = Common with { batch = 8, steps = 10 }`;
  const { trains, diagnostics } = compile(source);
  expect(render(diagnostics, source)).toBe('');
  expect(trains.map((r) => r.model?.name)).toEqual([undefined, 'Small']);
  expect(trains[1]!.rates).toHaveLength(1);
});

test('Nemotron-H’s own recipes', () => {
  const { trains, diagnostics } = compile(modelSources, 'nemotron-h-recipes.hyb');
  expect(render(diagnostics, modelSources)).toBe('');
  const [small, large] = trains as [TrainRecipe, TrainRecipe];
  expect(small).toMatchObject({
    batch: { value: 768, unit: 'sequences' },
    sequence: { value: 8192 },
    tokens: { value: 15e12 },
    rate: 8e-4,
    warmup: { value: 8.3e9, unit: 'tokens' },
    schedule: { name: 'cosine', arguments: { floor: 0.01 } },
    optimizer: { name: 'AdamW', arguments: { betas: [0.9, 0.95], weight_decay: 0.1 } },
    clip: 1,
  });
  // 768 sequences of 8192 tokens.
  expect(small.batch.value * small.sequence!.value).toBe(6_291_456);
  expect(large).toMatchObject({
    tokens: { value: 20e12 },
    rate: 4e-4,
    warmup: { value: 25e9 },
    optimizer: { arguments: { betas: [0.9, 0.95] } },
  });
  expect((large.model as Model).name).toBe('NemotronH56B');
  expect(large.init.find(({ selector }) => selector.kind === 'linears')?.value).toEqual({
    kind: 'normal',
    std: 0.0099,
  });
  for (const { mix } of trains) {
    for (const { of } of (mix as unknown as { arguments: { mixes: { of: Record<string, number> }[] } }).arguments
      .mixes) {
      const sum = Object.values(of).reduce((a, b) => a + b);
      // The paper's pie charts leave up to one per cent unlabelled.
      expect(sum).toBeGreaterThan(98);
      expect(sum).toBeLessThan(100.5);
    }
  }
});

test('a field that can only be one thing says so', () => {
  const files = { 'main.hyb': `${small}train Run of Small { ${needed}, loss = mse }` };
  expect(render(compile(files).diagnostics, files)).toContain(
    "'mse' is not known for 'loss', which can be cross_entropy.",
  );
});

test('every mistake in a recipe is found in one run', () => {
  const source = `${small}
train Run of Small {
  bach = 3
  batch = 8 GB
  steps = 2.5
  rate = -1
  optimizer = AdamW(beta = (0.9, 0.95), weight_decay = "much")
  schedule = cosin(floor = 0.1)
  warmup = 6 GB
  clip = 0
  memory = 6
  loss = cross_entropy(0, 0, 0)
  seed = 1.5
  data = 3
  mix = { web = 0 }
  checkpoints = { evry = 3, keep = 0 }
  probes = { of = (outputs, logts) }
  rates = { B = 1, A = "x" }
  init = { A = norml(0.1), F = normal(std = 0), A.q = uniform(2) }
  optimizer.eps = 1
  sequence = [A]
  tokenizer = none
  faults = stop
  precision { wights = bf16 }
}`;
  expect(render(compile(source).diagnostics, source)).toMatchSnapshot();
});

test.each([
  ['batch = 8, rate = 1e-3', 'HYB5003'],
  ['steps = 10, rate = 1e-3', 'HYB5003'],
  [`${needed}, tokens = 100`, 'HYB5006'],
  [`${needed}, sequence = 129`, 'HYB5010'],
  [`${needed}, warmup = 100`, 'HYB5013'],
  ['batch = 2, steps = 9, rate = 1, accumulation = 3', 'HYB5015'],
  // Seven sequences of the context.
  ['batch = 900 tokens, steps = 9, rate = 1, accumulation = 8', 'HYB5015'],
  [`${needed}, mix = phases(({ of = { a = 1 } }, { of = { a = 1 } }))`, 'HYB5012'],
])('%s', (fields, code) => {
  expect(codes(`${small}train Run of Small { ${fields} }`)).toEqual([code]);
});

test.each([
  ['B', '', ['HYB5014']],
  ['B', ', rates = { B.limit = 0 }', []],
  // The second layer has the parameters of the first.
  ['shared B', ', rates = { B.limit = 0 }', []],
])('%s: a parameter without a gradient stays as it is%s', (block, fields, expected) => {
  const source = `block Limited(x: [time, width]) -> [time, width] {
  param limit: [width] = 1
  return where(x < limit, x, 0)
}
model Small { vocab = 8, width = 4, context = 8, B = ${block.replace('B', 'Limited()')}, layers = [B B] }
train Run of Small { ${needed}${fields} }`;
  expect(check(memoryHost({ 'main.hyb': source }), 'main.hyb').diagnostics.map(({ code }) => code)).toEqual(expected);
});

test('every field’s example compiles', () => {
  for (const [name, field] of Object.entries(TRAIN_FIELDS)) {
    const { example } = field as { example?: string };
    if (example === undefined) throw new Error(`${name} has no example`);
    const others = needed
      .split(', ')
      .filter((one) => !one.startsWith(`${name} =`) && !(name === 'tokens' && one.startsWith('steps')));
    const source = `${small.replace('context = 128', 'context = 131_072')}train Run of Small { ${[...others, example].join(', ')} }`;
    const errors = compile(source).diagnostics.filter((d) => d.code !== 'HYB5013');
    expect(render(errors, source)).toBe('');
  }
});
