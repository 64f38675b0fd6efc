/** Which layers share graphs and which share weights. */
import { parameterPath } from '../../src/graph/graph.js';
import { verifyModelGraph } from '../../src/graph/verify.js';
import { parameterCount, parameters } from '../../src/trace/facts.js';
import { traced } from '../support/source.js';

const source = (fields: string): string => `
  use std.{Attention, LayerNorm, MLP, Mamba2, RMSNorm}
  model Test {
    vocab = 32  width = 16  context = 64
    ${fields}
  }`;

test('shared blocks have the weights of the first', () => {
  const { graph } = traced(
    source('A = shared Attention(heads = 2)\n F = MLP(inner = 8)\n layers = [(A F)*3]\n norm = { pre = RMSNorm }'),
  );
  expect(verifyModelGraph(graph)).toEqual([]);
  const [, first, , second] = graph.instances;
  expect(parameterPath(first!, 'q.weight')).toBe('layers.0.q.weight');
  expect(parameterPath(second!, 'q.weight')).toBe('layers.0.q.weight');
  expect(parameterPath(second!, 'pre.weight')).toBe('layers.0.pre.weight');
  // One attention (4 · 16²) and one norm, three feed-forwards (2 · 16 · 8) with norms, two tables.
  expect(parameterCount(graph)).toBe(4 * 256 + 16 + 3 * (256 + 16) + 2 * 32 * 16);
  expect(new Set(parameters(graph).map((p) => p.path)).size).toBe(parameters(graph).length);
});

test('a tied head reads the embedding', () => {
  const { graph } = traced(source('F = MLP(inner = 8)\n layers = [F]\n head = { tie = true, bias = true }'));
  expect(verifyModelGraph(graph)).toEqual([]);
  expect(parameters(graph).map((p) => p.path)).toEqual([
    'embedding.weight',
    'layers.0.up.weight',
    'layers.0.down.weight',
    'head.bias',
  ]);
});

test('layers of equal content share a graph, however they are written', () => {
  const { graph } = traced(
    source(
      'A = Attention(heads = 2)\n layers = [A*5]\n layers[1].cap = 50\n layers[3].cap = 50\n layers[4].norm.qk = LayerNorm',
    ),
  );
  expect(graph.graphs.map((g) => g.name)).toEqual(['embedding', 'A', 'A.2', 'A.3', 'head']);
  expect(graph.instances.map((i) => graph.graphs[i.graph]!.name)).toEqual([
    'embedding',
    'A',
    'A.2',
    'A',
    'A.2',
    'A.3',
    'head',
  ]);
});

test('a norm after a block whose own parameter is called `out` has paths of its own', () => {
  const { graph } = traced(
    source('M = Mamba2(heads = 2, head_dim = 4, state = 4)\n layers = [M]\n norm = { out = RMSNorm }'),
  );
  expect(verifyModelGraph(graph)).toEqual([]);
  const paths = parameters(graph).map((p) => p.path);
  expect(paths).toContain('layers.0.out.weight');
  expect(paths).toContain('layers.0.norm.out.weight');
});

test('slots that a body applies several times have weights for each place', () => {
  const { graph } = traced(source('A = Attention(heads = 2)\n layers = [A]\n norm = { qkv = RMSNorm }'));
  const paths = parameters(graph).map((p) => p.path);
  for (const place of ['queries', 'keys', 'values']) expect(paths).toContain(`layers.0.qkv.${place}.weight`);
});
