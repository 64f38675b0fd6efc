import type { Graph, GraphNode, ModelGraph } from '../../src/graph/graph.js';
import { printModelGraph } from '../../src/graph/print.js';
import { verifyGraph, verifyModelGraph } from '../../src/graph/verify.js';
import { createGraphBuilder } from '../../src/graph/builder.js';
import { TIME, dim, tensor } from '../../src/graph/types.js';
import { hybrid } from '../support/hybrid.js';
import { modelOf, residualLayer, mlp } from '../support/layers.js';

const layer = residualLayer('F', 4, 1e-5, mlp(6, 4));

/** The layer with one node changed. */
function changed(pick: (node: GraphNode) => boolean, change: Partial<GraphNode>): Graph {
  const target = layer.nodes.find(pick)!;
  return { ...layer, nodes: layer.nodes.map((node) => (node === target ? { ...node, ...change } : node)) };
}
const messages = (graph: Graph, options = {}): string[] =>
  verifyGraph(graph, { width: 4, ...options }).map((p) => p.message);

describe('the graph verifier', () => {
  test('accepts a layer', () => {
    expect(messages(layer)).toEqual([]);
  });

  const broken: [string, Graph, RegExp][] = [
    ['a wrong id', changed((n) => n.op === 'rsqrt', { id: 77 }), /node 77 stands at/],
    ['an input that comes later', changed((n) => n.op === 'rsqrt', { inputs: [layer.output] }), /does not come before/],
    [
      'a wrong shape',
      changed((n) => n.op === 'rsqrt', { type: tensor([TIME, dim('x', 2)]) }),
      /its inputs give f32\[time\]/,
    ],
    [
      'a wrong format',
      changed((n) => n.op === 'rsqrt', { type: tensor([TIME], 'f16') }),
      /its inputs give f32\[time\]/,
    ],
    [
      'a wrong width',
      changed((n) => n.op === 'input', { type: tensor([TIME, dim('width', 5)]) }),
      /its inputs give f32\[time, width: 4\]/,
    ],
    ['inputs that do not fit', changed((n) => n.op === 'linear', { inputs: [0, 0] }), /must not vary over time/],
    ['an undeclared parameter', { ...layer, parameters: layer.parameters.slice(1) }, /is not declared/],
    [
      'a parameter declared twice',
      { ...layer, parameters: [...layer.parameters, layer.parameters[0]!] },
      /declared twice/,
    ],
    ['no output', { ...layer, output: 99 }, /output 99 does not exist/],
    ['time renamed', changed((n) => n.op === 'rsqrt', { type: tensor([dim('time', 3)]) }), /called time and is not/],
  ];
  test.each(broken)('reports %s', (_name, graph, message) => {
    expect(messages(graph)).toContainEqual(expect.stringMatching(message));
  });

  test('reports a parameter that nothing reads, and sums over time outside gradient graphs', () => {
    const b = createGraphBuilder({ width: 4 });
    b.parameter({ path: 'idle', type: tensor([]), init: { kind: 'constant', value: 0 }, role: 'vector' });
    const total = b.add('sum', [b.input('x')], { dims: ['time'] });
    const graph = b.finish('T', b.add('add', [b.input('x'), total], {}));
    expect(messages(graph)).toEqual(['sum over time is not causal', 'parameter idle is not used']);
    expect(messages(graph, { gradients: true })).toEqual([]);
  });
});

describe('the model verifier', () => {
  const model = modelOf({ vocab: 5, width: 4, eps: 1e-5, tie: true }, [
    { alias: 'F', graph: layer },
    { alias: 'F', graph: layer },
  ]);
  const problems = (m: ModelGraph): string[] => verifyModelGraph(m).map((p) => `${p.where}: ${p.message}`);
  const instances = (change: (at: number) => object): ModelGraph => ({
    ...model,
    instances: model.instances.map((instance, i) => ({ ...instance, ...change(i) })),
  });

  test('accepts models', () => {
    expect(problems(model)).toEqual([]);
    expect(problems(hybrid())).toEqual([]);
  });
  test('reports what is misplaced', () => {
    expect(problems({ ...model, instances: model.instances.slice(1) })).toContainEqual(
      expect.stringMatching(/layers.0: the first instance, and no other, reads the tokens/),
    );
    expect(problems({ ...model, instances: model.instances.slice(0, -1) })).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^head: no instance uses/),
        expect.stringMatching(/^layers.1: the output is/),
      ]),
    );
    expect(problems(instances((i) => (i === 2 ? { path: 'layers.0' } : {})))).toContain(
      'layers.0: two instances have this path',
    );
    expect(problems(instances((i) => (i === 1 ? { graph: 9 } : {})))).toContain('layers.0: graph 9 does not exist');
    expect(problems(instances((i) => (i === 2 ? { aliases: { nothing: 'layers.0.x' } } : {})))).toContain(
      'layers.1: there is no parameter nothing to alias',
    );
    expect(problems(instances((i) => (i === 2 ? { aliases: { 'up.weight': 'layers.7.up.weight' } } : {})))).toContain(
      'layers.1: up.weight lives at layers.7.up.weight, which does not exist',
    );
    expect(
      problems(instances((i) => (i === 2 ? { aliases: { 'up.weight': 'layers.0.down.weight' } } : {}))),
    ).toContainEqual(
      expect.stringMatching(/^layers.1: up.weight is f32\[inner: 6, width: 4\], layers.0.down.weight is/),
    );
    expect(problems({ ...model, graphs: [...model.graphs, model.graphs[1]!] })).toEqual([
      'F: two graphs have this name',
      'F: no instance uses this graph',
    ]);
  });

  test('prints', () => {
    expect(printModelGraph(model)).toBe(`model Test: vocab 5, width 4, context 4096

graph embedding {
  param weight: f32[vocab: 5, width: 4] = normal(0.02) as matrix
  %tokens = input() {name: tokens} : u32[time]
  %0 = embed(%tokens, %weight) : f32[time, width: 4]
  return %0
}

graph F {
  param norm.pre.weight: f32[width: 4] = 1 as vector
  param up.weight: f32[inner: 6, width: 4] = normal(0.02) as matrix
  param down.weight: f32[width: 4, inner: 6] = normal(0.02) as matrix
  %x = input() {name: x} : f32[time, width: 4]
  %0 = mul(%x, %x) : f32[time, width: 4]
  %1 = mean(%0) {dims: [width]} : f32[time]
  %2 = constant() {value: 0.00001} : f32[]
  %3 = add(%1, %2) : f32[time]
  %4 = rsqrt(%3) : f32[time]
  %5 = mul(%x, %4) : f32[time, width: 4]
  %normed = mul(%5, %norm.pre.weight) : f32[time, width: 4]
  %6 = linear(%normed, %up.weight) {in: [width], out: [inner: 6]} : f32[time, inner: 6]
  %7 = constant() {value: 0} : f32[]
  %8 = max(%6, %7) : f32[time, inner: 6]
  %9 = constant() {value: 2} : f32[]
  %10 = pow(%8, %9) : f32[time, inner: 6]
  %11 = linear(%10, %down.weight) {in: [inner], out: [width: 4]} : f32[time, width: 4]
  %12 = add(%x, %11) : f32[time, width: 4]
  return %12
}

graph head {
  param norm.weight: f32[width: 4] = 1 as vector
  param weight: f32[vocab: 5, width: 4] = normal(0.02) as matrix
  %x = input() {name: x} : f32[time, width: 4]
  %0 = mul(%x, %x) : f32[time, width: 4]
  %1 = mean(%0) {dims: [width]} : f32[time]
  %2 = constant() {value: 0.00001} : f32[]
  %3 = add(%1, %2) : f32[time]
  %4 = rsqrt(%3) : f32[time]
  %5 = mul(%x, %4) : f32[time, width: 4]
  %normed = mul(%5, %norm.weight) : f32[time, width: 4]
  %6 = linear(%normed, %weight) {in: [width], out: [vocab: 5]} : f32[time, vocab: 5]
  return %6
}

instances
  embedding: embedding
  layers.0: F
  layers.1: F
  head: head with weight = embedding.weight
`);
  });
});
