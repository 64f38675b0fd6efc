/** Loss and gradients of whole models in f64: what training kernels are compared with. */
import { parameterPath } from '../graph/graph.js';
import type { ModelGraph } from '../graph/graph.js';
import type { Reference } from '../ops/op.js';
import { evaluateGraph, freshSegments, lookUp } from '../reference/evaluate.js';
import type { GraphEvaluation, GraphResult } from '../reference/evaluate.js';
import type { GradientGraph } from './differentiate.js';
import { crossEntropy } from './loss.js';
import type { LossTerms } from './loss.js';
import { differentiateRounded } from './rounded.js';
import type { Scaling } from './scale.js';

export interface TrainingSequence {
  readonly tokens: readonly number[];
  /** Of the same length, not shifted; `IGNORED` (-100) does not count. By default the tokens. */
  readonly labels?: readonly number[];
}

export interface TrainingResult {
  readonly loss: number;
  /** [tokens, vocab] of each sequence. */
  readonly logits: readonly Reference[];
  /** By full path; a parameter that several instances read has the sum. */
  readonly gradients: ReadonlyMap<string, Reference>;
}

/** The gradient graphs of a model's graphs, rounded as training rounds, made once for many steps. */
export function differentiateModel(model: ModelGraph, scaling: Scaling = 'current'): readonly GradientGraph[] {
  return model.graphs.map((graph) => differentiateRounded(graph, scaling));
}

/**
 * Mean next-token cross-entropy of a ragged batch of fresh sequences, and its gradient by every parameter.
 * @param gradientGraphs `differentiateModel(model)`
 * @param terms what is minimised beside; `loss` is without them
 * @param factor on the loss while gradients are computed, and on them
 */
export function lossAndGradients(
  model: ModelGraph,
  parameters: ReadonlyMap<string, Reference>,
  sequences: readonly TrainingSequence[],
  gradientGraphs: readonly GradientGraph[] = differentiateModel(model),
  terms?: LossTerms,
  factor = 1,
): TrainingResult {
  const tokens = sequences.flatMap((sequence) => [...sequence.tokens]);
  const segments = freshSegments(...sequences.map((sequence) => sequence.tokens.length));
  const { instances } = model;
  // What each instance reads (nothing but tokens for the first), and the values of its forward nodes.
  const passes: { readonly feed: Omit<GraphEvaluation, 'gradient'>; readonly forward: GraphResult }[] = [];
  let x: Reference | undefined;
  for (const instance of instances) {
    const feed = {
      ...(x === undefined ? { tokens } : { x }),
      parameters: (path: string) => lookUp(parameters, parameterPath(instance, path)),
      segments,
    };
    const forward = evaluateGraph(gradientGraphs[instance.graph]!, { ...feed, roots: [] });
    passes.push({ feed, forward });
    x = forward.output;
  }
  const logits = segments.map(({ start, length }) => ({
    shape: [length, model.vocab],
    data: x!.data.subarray(start * model.vocab, (start + length) * model.vocab),
  }));
  const { loss, gradients: seeds } = crossEntropy(
    logits,
    sequences.map((sequence) => sequence.labels ?? sequence.tokens),
    terms,
  );
  let upstream: Reference = { shape: x!.shape, data: new Float64Array(x!.data.length) };
  segments.forEach(({ start }, s) => {
    upstream.data.set(
      seeds[s]!.data.map((value) => factor * value),
      start * model.vocab,
    );
  });

  const gradients = new Map<string, Reference>();
  for (let i = instances.length - 1; i >= 0; i--) {
    const instance = instances[i]!;
    const graph = gradientGraphs[instance.graph]!;
    const { feed, forward } = passes[i]!;
    const { values } = evaluateGraph(graph, { ...feed, gradient: upstream, known: forward.values });
    for (const { path } of graph.parameters) {
      const node = graph.gradients.parameters[path];
      const full = parameterPath(instance, path);
      if (node !== undefined) accumulate(gradients, full, values[node]!);
      else if (!gradients.has(full)) accumulate(gradients, full, zerosLike(lookUp(parameters, full)));
    }
    const { input } = graph.gradients;
    if (feed.x !== undefined) upstream = input === undefined ? zerosLike(feed.x) : values[input]!;
  }
  return { loss, logits, gradients };
}

function zerosLike({ shape, data }: Reference): Reference {
  return { shape, data: new Float64Array(data.length) };
}

function accumulate(gradients: Map<string, Reference>, path: string, part: Reference): void {
  const known = gradients.get(path);
  if (known === undefined) gradients.set(path, part);
  else gradients.set(path, { shape: known.shape, data: known.data.map((value, i) => value + part.data[i]!) });
}
