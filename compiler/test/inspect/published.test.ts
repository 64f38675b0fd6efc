/** Published models at their full sizes against numbers that are known from elsewhere. */
import { kernelTable, layerTable, memoryNeeds, parameterSum, sumText, tensorTable } from '../../src/inspect/index.js';
import type { KernelTable } from '../../src/inspect/index.js';
import type { ModelGraph } from '../../src/graph/graph.js';
import { plan } from '../../src/plan/plan.js';
import { llama8b, nemotronH, qwen7b } from '../support/published.js';

const bf16 = (model: ModelGraph) => plan(model, { storage: () => 'bf16' }).program;

describe('parameters', () => {
  // Nemotron-H: summed from the tensors of the checkpoints. The others: transformers' counts, less qkv biases (Qwen).
  test.each([
    [nemotronH(8), 8_100_852_736],
    [nemotronH(56), 56_324_350_464],
    [nemotronH(47), 46_791_554_816],
    [llama8b(), 8_030_261_248],
    [qwen7b(), 7_615_616_512 - 28 * (28 + 4 + 4) * 128],
  ])('of %#', (model, expected) => {
    const sum = parameterSum(model);
    expect(sum.total).toBe(expected);
    expect(layerTable(model).parameters).toBe(expected);
    // The sum as text adds up.
    const [terms, result] = sumText(sum).replaceAll(',', '').split(' = ') as [string, string];
    const value = terms
      .split(' + ')
      .map((term) => term.split(' × ').reduce((n, factor) => n * Number(factor), 1))
      .reduce((a, b) => a + b, 0);
    expect(value).toBe(expected);
    expect(Number(result)).toBe(expected);
  });

  test('of a shared layer and a tied head count once', () => {
    const model = nemotronH(8);
    const [first] = model.instances.filter((i) => i.alias === 'F');
    const shared: ModelGraph = {
      ...model,
      instances: model.instances.map((instance) => {
        if (instance.path === 'head') return { ...instance, aliases: { weight: 'embedding.weight' } };
        if (instance.alias !== 'F' || instance === first) return instance;
        const own = model.graphs[instance.graph]!.parameters;
        return { ...instance, aliases: Object.fromEntries(own.map((p) => [p.path, `${first!.path}.${p.path}`])) };
      }),
    };
    expect(parameterSum(shared).total).toBe(8_100_852_736 - 23 * 176_164_864 - 131_072 * 4096);
  });
});

test('decode states are what the configuration implies', () => {
  // 24 layers keep 3 earlier inputs of 10,240 channels and 128 × 64 × 128 elements; 4 layers keep 2 × 8 × 128 a token.
  expect(layerTable(nemotronH(8))).toMatchObject({
    stateBytesPerSequence: 24 * 4 * (3 * 10_240 + 128 * 64 * 128),
    stateBytesPerToken: 4 * 4 * 2 * 8 * 128,
  });
  expect(layerTable(nemotronH(56))).toMatchObject({
    stateBytesPerSequence: 54 * 4 * (3 * 20_480 + 256 * 64 * 256),
    stateBytesPerToken: 10 * 4 * 2 * 8 * 128,
  });
  expect(layerTable(llama8b())).toMatchObject({ stateBytesPerSequence: 0, stateBytesPerToken: 32 * 4 * 2 * 8 * 128 });
});

describe('kernels of the 8B', () => {
  const model = nemotronH(8);
  const program = bf16(model);
  const decode = (bindingBytes?: number): KernelTable =>
    kernelTable(model, program, {
      mode: 'decode',
      sequences: 1,
      tokensPerSequence: 1,
      context: 4096,
      ...(bindingBytes ? { limits: { bindingBytes } } : {}),
    });
  const stage = (table: KernelTable, alias: string) => table.stages.find((s) => s.alias === alias)!;

  test('a token takes at most 5 dispatches for Mamba-2, 6 for attention, 3 for an MLP, 230 in all', () => {
    const table = decode(2 ** 30);
    expect(stage(table, 'M')).toMatchObject({ instances: 24 });
    expect(stage(table, 'M').dispatches).toBeLessThanOrEqual(5);
    expect(stage(table, 'A').dispatches).toBeLessThanOrEqual(6);
    expect(stage(table, 'F').dispatches).toBeLessThanOrEqual(3);
    expect(table.dispatches).toBeLessThanOrEqual(230);
  });

  test('matrices over the binding limit take a dispatch a part', () => {
    // bf16: up and down are 168 MiB, a vocabulary's matrix 1 GiB.
    expect(stage(decode(), 'F').steps.map((s) => s.dispatches)).toEqual([2, 2]);
    expect(stage(decode(), 'head').dispatches).toBe(8);
    expect(stage(decode(2 ** 30), 'head').dispatches).toBe(1);
    // At 64 MiB: 21,504 rows of 8 KiB in parts of 8,192; 4,096 rows of 42 KiB in parts of 1,536 (rows come in 64s).
    expect(stage(decode(64 * 2 ** 20), 'F').steps.map((s) => s.dispatches)).toEqual([3, 3]);
  });

  test('the minimum is weights, state and stream', () => {
    const table = decode();
    const width = 4096;
    const matrices = 2 * (18_560 * width + 8192 * width);
    const vectors = 4 * (width + 10_240 * 5 + 3 * 128 + 8192);
    expect(stage(table, 'M').minimum).toMatchObject({
      weights: matrices + vectors,
      state: 2 * 4 * (3 * 10_240 + 128 * 64 * 128),
      stream: 2 * 4 * width,
    });
    expect(stage(table, 'A').minimum.state).toBe(4 * 2 * 8 * 128 * 4096);
    expect(stage(table, 'embedding').minimum).toMatchObject({ weights: 2 * width, state: 0, stream: 4 * width });
  });

  test('nothing moves less than the minimum, and decoding hardly more', () => {
    const prefill = kernelTable(model, program, {
      mode: 'prefill',
      sequences: 2,
      tokensPerSequence: 512,
      context: 512,
    });
    for (const table of [decode(), prefill]) {
      for (const s of table.stages) expect(s.moved.total).toBeGreaterThanOrEqual(s.minimum.total);
    }
    for (const s of decode().stages.filter((s) => s.minimum.total > 0)) {
      expect(s.moved.total / s.minimum.total).toBeLessThan(1.02);
    }
  });

  test('what moves goes with the storage', () => {
    const f32 = kernelTable(model, program, {
      mode: 'decode',
      sequences: 1,
      tokensPerSequence: 1,
      context: 4096,
      storage: 'f32',
    });
    expect(f32.moved.weights).toBe(2 * decode().moved.weights);
    expect(f32.moved.values).toBe(decode().moved.values);
  });

  test('operations of a token are two for each weight it meets, and those of attention and recurrence', () => {
    const { operations } = decode();
    const weights = 24 * (18_560 + 8192) * 4096 + 24 * 2 * 21_504 * 4096 + 4 * 10_240 * 4096 + 131_072 * 4096;
    const attention = 4 * 4 * 32 * 128 * 4096;
    const recurrence = 24 * 5 * 128 * 64 * 128;
    expect(operations / (2 * weights + attention + recurrence)).toBeCloseTo(1, 2);
  });

  test('memory', () => {
    const needs = memoryNeeds(program, { context: 8192, sequences: 3 });
    const vectors = 24 * (4096 + 10_240 * 5 + 3 * 128 + 8192) + 28 * 4096 + 4096;
    expect(needs.weights.matrices).toBe(2 * (8_100_852_736 - vectors));
    expect(needs.weights.vectors / (4 * vectors)).toBeCloseTo(1, 2);
    expect(needs.state.total).toBe(3 * (24 * 4 * (3 * 10_240 + 128 * 64 * 128) + 8192 * 4 * 4 * 2 * 8 * 128));
    expect(needs.total).toBe(needs.weights.total + needs.state.total + needs.activations.total + needs.other);
  });

  test('tensors: every parameter, state and value', () => {
    const table = tensorTable(model, program);
    expect(table.parameters).toHaveLength(24 * 11 + 4 * 5 + 24 * 3 + 3);
    expect(table.parameters).toContainEqual({
      path: 'layers.0.in_xbc.weight',
      shape: [10_240, 4096],
      role: 'matrix',
      dtype: 'bf16',
    });
    expect(table.states).toHaveLength(24 * 2 + 4 * 2);
    const attention = table.graphs.find((g) => g.alias === 'A')!;
    expect(attention.layers).toEqual(['layers.7', 'layers.18', 'layers.29', 'layers.40']);
    expect(attention.values.find((v) => v.op === 'attend')).toMatchObject({
      dtype: 'f32',
      dims: [
        { name: 'time', extent: 'time' },
        { name: 'heads', extent: 32 },
        { name: 'head_dim', extent: 128 },
      ],
    });
  });
});
