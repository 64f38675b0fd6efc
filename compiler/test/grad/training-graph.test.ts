/** The backward graphs of training programs against the gradients of the whole model, in f64. */
import { differentiateModel, lossAndGradients } from '../../src/grad/model.js';
import { crossEntropy } from '../../src/grad/loss.js';
import { trainingGraph } from '../../src/grad/training-graph.js';
import { linearSets } from '../../src/fuse/linear-groups.js';
import type { LinearSet } from '../../src/fuse/linear-groups.js';
import { parameterPath } from '../../src/graph/graph.js';
import type { Graph, ModelGraph } from '../../src/graph/graph.js';
import type { Reference } from '../../src/ops/op.js';
import { evaluateGraph, freshSegments, lookUp } from '../../src/reference/evaluate.js';
import { expectClose } from '../support/close.js';
import { golden } from '../support/golden.js';
import { drawParameters, hybrid } from '../support/hybrid.js';
import { reusing } from '../support/reusing.js';

const sequences = [{ tokens: [3, 1, 4, 1, 5] }, { tokens: [10, 0, 7] }];

/** Gradients by full path, by way of the backward graphs. */
function byTrainingGraphs(
  model: ModelGraph,
  parameters: ReadonlyMap<string, Reference>,
  options: { readonly keep: boolean; readonly sets: (graph: Graph) => readonly LinearSet[] },
): ReadonlyMap<string, Float64Array> {
  const segments = freshSegments(...sequences.map((s) => s.tokens.length));
  const tokens = sequences.flatMap((s) => s.tokens);
  const graphs = model.graphs.map((graph) =>
    trainingGraph(graph, { sets: options.sets(graph), keep: () => options.keep, scaling: 'current' }),
  );
  let x: Reference | undefined;
  const passes = model.instances.map((instance) => {
    const feed = {
      ...(x === undefined ? { tokens } : { x }),
      parameters: (path: string) => lookUp(parameters, parameterPath(instance, path)),
      segments,
    };
    const { values, output } = evaluateGraph(model.graphs[instance.graph]!, feed);
    x = output;
    return { feed, values };
  });
  const logits = segments.map(({ start, length }) => ({
    shape: [length, model.vocab],
    data: x!.data.subarray(start * model.vocab, (start + length) * model.vocab),
  }));
  const seeds = crossEntropy(
    logits,
    sequences.map((s) => s.tokens),
  ).gradients;
  let upstream: Reference = { shape: x!.shape, data: new Float64Array(x!.data.length) };
  segments.forEach(({ start }, s) => upstream.data.set(seeds[s]!.data, start * model.vocab));
  const gradients = new Map<string, Float64Array>();
  const add = (path: string, part: Float64Array): void => {
    const known = gradients.get(path);
    gradients.set(path, known === undefined ? part : known.map((v, i) => v + part[i]!));
  };
  for (let i = model.instances.length - 1; i >= 0; i--) {
    const instance = model.instances[i]!;
    const { backward, terms, input, kept } = graphs[instance.graph]!;
    const { feed, values: forward } = passes[i]!;
    if (!options.keep) expect(kept).toEqual([]);
    const known = backward.nodes.map((n) =>
      n.op === 'kept' ? forward[(n.attributes as { readonly node: number }).node] : undefined,
    );
    const { values } = evaluateGraph(backward, { ...feed, gradient: upstream, known });
    for (const term of terms) {
      const { data, shape } = values[term.node]!;
      if (term.kind !== 'matrix') {
        add(parameterPath(instance, term.parameter), data);
        continue;
      }
      const columns = shape[1]!;
      let start = 0;
      term.parameters.forEach((local, j) => {
        const path = parameterPath(instance, local);
        const size = lookUp(parameters, path).data.length;
        const part = new Float64Array(size);
        for (let r = 0; r * columns < size; r++) {
          const row = term.interleaved ? r * term.parameters.length + j : start + r;
          part.set(data.subarray(row * columns, (row + 1) * columns), r * columns);
        }
        start += size / columns;
        add(path, part);
      });
    }
    if (input !== undefined) upstream = values[input]!;
  }
  return gradients;
}

const drawn = (model: ModelGraph) => ({ model, parameters: drawParameters(model, 5) });

const models = [
  ['a hybrid', () => drawn(hybrid())],
  ['Nemotron-H', () => golden('nh_a_gqa_g2')],
  ['Llama', () => golden('llama_gqa')],
  ['weights that are read more than once', () => drawn(reusing())],
] as const;

describe.each(models)('%s', (_, make) => {
  const { model, parameters } = make();
  const expected = lossAndGradients(model, parameters, sequences, differentiateModel(model)).gradients;

  test.each([
    { fused: true, keep: true },
    { fused: true, keep: false },
    { fused: false, keep: true },
  ])('gradients, %p', ({ fused, keep }) => {
    expectEqual(byTrainingGraphs(model, parameters, { keep, sets: (graph) => linearSets(graph, fused) }), expected);
  });
});

function expectEqual(actual: ReadonlyMap<string, Float64Array>, expected: ReadonlyMap<string, Reference>): void {
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [path, { shape, data }] of expected) {
    const scale = data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    expectClose({ shape, data: actual.get(path)! }, { shape, data }, 1e-12 * Math.max(1, scale));
  }
}

test('maps of one matrix whose input gradients do not end in one sum', () => {
  const { model, parameters } = drawn(reusing());
  const expected = lossAndGradients(model, parameters, sequences, differentiateModel(model)).gradients;
  // Block B1 adds a(x), a(silu(x)), b(x) and c(x): the gradient by x of a(x) is that of a(silu(x)) by its input too.
  const sets = (graph: Graph): readonly LinearSet[] => {
    const found = linearSets(graph, false);
    if (graph.name !== 'B1') return found;
    const [first, ...others] = found.flatMap(({ anchors }) => anchors);
    const same = others.filter((id) => graph.nodes[id]!.inputs[0] === graph.nodes[first!]!.inputs[0]);
    expect(same.length).toBe(2);
    const rest = others.filter((id) => !same.includes(id));
    return [{ anchors: [first!, ...same], interleave: 1 }, ...rest.map((id) => ({ anchors: [id], interleave: 1 }))];
  };
  expectEqual(byTrainingGraphs(model, parameters, { keep: false, sets }), expected);
});
