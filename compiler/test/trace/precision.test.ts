/** Where values are rounded: explicit casts, by the rules of the model. */
import type { OpAttributes } from '../../src/ops/attributes.js';
import type { Graph, ModelGraph } from '../../src/graph/graph.js';
import { verifyModelGraph } from '../../src/graph/verify.js';
import { evaluateModel } from '../../src/reference/model.js';
import { decodeState } from '../../src/trace/facts.js';
import { parameterDtypes } from '../../src/trace/precision.js';
import { drawParameters } from '../support/hybrid.js';
import { traced } from '../support/source.js';

function hybrid(...rules: readonly string[]): string {
  return `
    use std.{Attention, GatedMLP, Mamba2, MLP, RMSNorm}
    block Leaky(x: [time, width]) -> [time, width] {
      param gate = linear(width -> width)
      let a = sigmoid(gate(x))
      return scan (t in time, state h: [width] = 0) { h = a[t] * h + (1 - a[t]) * x[t]  yield h }
    }
    model Test {
      vocab = 16  width = 8  context = 64
      M = Mamba2(heads = 2, head_dim = 8, state = 4)
      A = Attention(heads = 2, rope = rope(base = 100))
      L = Leaky
      F = MLP(inner = 12)
      norm = { pre = RMSNorm }
      layers = [M A L F M F]
      head = { norm = RMSNorm, tie = false }
      precision { ${rules.join('\n')} }
    }`;
}

/** What is rounded in a graph: the label or op under each cast, with the format. */
function casts({ nodes }: Graph): string[] {
  return nodes.flatMap((node) => {
    if (node.op !== 'cast') return [];
    const from = nodes[node.inputs[0]!]!;
    return [`${from.label ?? from.op} ${(node.attributes as OpAttributes['cast']).to}`];
  });
}

function graphOf(model: ModelGraph, path: string): Graph {
  return model.graphs[model.instances.find((instance) => instance.path === path)!.graph]!;
}

test('with f32 everywhere there are no casts', () => {
  for (const rules of [[], ['activations = f32', 'weights = bf16', 'state = f32']]) {
    const { graph } = traced(hybrid(...rules));
    expect(graph.graphs.flatMap(casts)).toEqual([]);
  }
});

test('activations are rounded where maps, sequence ops, norms and blocks end, and in the residual stream', () => {
  const { graph } = traced(hybrid('activations = bf16'));
  expect(verifyModelGraph(graph)).toEqual([]);
  expect(casts(graphOf(graph, 'embedding'))).toEqual(['embedded bf16']);
  expect(casts(graphOf(graph, 'layers.0'))).toEqual([
    'mul bf16', // pre
    'in_z bf16',
    'in_xbc bf16',
    'mix bf16',
    'in_dt bf16',
    'ssd bf16',
    'mul bf16', // gated
    'out bf16',
    'add bf16', // residual stream
  ]);
  expect(casts(graphOf(graph, 'layers.1'))).toEqual([
    'mul bf16',
    'q bf16',
    'k bf16',
    'v bf16',
    'rotated_queries bf16',
    'rotated_keys bf16',
    'attend bf16',
    'o bf16',
    'add bf16',
  ]);
  expect(casts(graphOf(graph, 'layers.2'))).toEqual(['mul bf16', 'gate bf16', 'scan bf16', 'add bf16']);
  // The norm's value; logits stay as they are.
  expect(casts(graphOf(graph, 'head'))).toEqual(['mul bf16']);
});

test('norms, blocks and single layers have rules of their own', () => {
  const { graph } = traced(
    hybrid(
      'activations = bf16',
      'activations in norm = f32',
      'activations in L = f32',
      'activations in layers[4] = f16',
    ),
  );
  expect(casts(graphOf(graph, 'layers.0'))).not.toContain('mul bf16');
  expect(casts(graphOf(graph, 'layers.2'))).toEqual([]);
  expect(new Set(casts(graphOf(graph, 'layers.4')).map((c) => c.split(' ')[1]))).toEqual(new Set(['f16']));
  // Two outcomes of M, one of F.
  expect(graph.graphs.map((g) => g.name)).toEqual(['embedding', 'M', 'A', 'L', 'F', 'M.2', 'head']);
});

test('a rule for linears rounds what matrix products read, not what they give', () => {
  const { graph } = traced(hybrid('activations in linears = e4m3'));
  expect(casts(graphOf(graph, 'layers.3'))).toEqual(['mul e4m3', 'mul e4m3']);
  const { nodes } = graphOf(graph, 'layers.3');
  for (const node of nodes) if (node.op === 'linear') expect(nodes[node.inputs[0]!]!.op).toBe('cast');
});

test('products are counted over the model: q, k and v are one', () => {
  // M: in, out; A: qkv, o; L: gate; F: up, down; M: in, out; F: up, down. Eleven in all.
  const { graph } = traced(
    hybrid(
      'activations = bf16',
      'activations in linears = e4m3',
      'activations in linears[..3] = bf16',
      'activations in linears[9..] = bf16',
    ),
  );
  const fp8 = (path: string): number => casts(graphOf(graph, path)).filter((c) => c.endsWith('e4m3')).length;
  expect(['layers.0', 'layers.1', 'layers.2', 'layers.3', 'layers.4', 'layers.5'].map(fp8)).toEqual([0, 1, 1, 2, 2, 0]);
});

test('state: keys and values follow activations unless a rule speaks of them; recurrences are f32', () => {
  const state = (...rules: readonly string[]): string[] =>
    decodeState(traced(hybrid(...rules)).graph)
      .map((s) => `${s.instance.alias} ${s.label} ${s.name} ${s.dtype}`)
      .slice(0, 5);
  expect(state()).toEqual([
    'M mix inputs f32',
    'M ssd state f32',
    'A attend key f32',
    'A attend value f32',
    'L scan state0 f32',
  ]);
  expect(state('activations = bf16')).toEqual([
    'M mix inputs bf16',
    'M ssd state f32',
    'A attend key bf16',
    'A attend value bf16',
    'L scan state0 f32',
  ]);
  expect(state('activations = bf16', 'state = f16')).toEqual([
    'M mix inputs f16',
    'M ssd state f32',
    'A attend key f16',
    'A attend value f16',
    'L scan state0 f16',
  ]);
});

test('storage formats by selector', () => {
  const model = traced(
    hybrid(
      'weights = bf16',
      'weights in A_log = f32',
      'weights in linears = e4m3',
      'weights in linears[..1] = f16',
      'weights in norms = f32',
      'weights in head = f32',
    ),
  );
  const types = Object.fromEntries(parameterDtypes(model.model, model));
  expect(types).toMatchObject({
    'embedding.weight': 'bf16',
    'layers.0.pre.weight': 'f32',
    'layers.0.in_z.weight': 'f16',
    'layers.0.in_dt.weight': 'f16',
    'layers.0.out.weight': 'e4m3',
    'layers.0.A_log': 'f32',
    'layers.0.D': 'bf16',
    'layers.0.gated.weight': 'f32',
    'layers.4.in_z.weight': 'e4m3',
    'head.norm.weight': 'f32',
    'head.weight': 'f32',
  });
});

test('rounded models decode as they compute whole sequences', () => {
  const { graph } = traced(hybrid('activations = bf16', 'state = bf16'));
  const parameters = drawParameters(graph, 3);
  const tokens = [3, 1, 4, 1, 5, 9, 2, 6];
  const whole = evaluateModel(graph, parameters, [{ tokens }]).sequences[0]!.logits;
  let state: Parameters<typeof evaluateModel>[2][number]['state'];
  tokens.forEach((token, t) => {
    const step = evaluateModel(graph, parameters, [{ tokens: [token], ...(state && { state }) }]).sequences[0]!;
    ({ state } = step);
    // The same operations in the same order: equal to the bit.
    expect([...step.logits.data]).toEqual([...whole.data.subarray(t * 16, (t + 1) * 16)]);
  });
});
