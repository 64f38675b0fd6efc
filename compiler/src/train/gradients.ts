/** What of a recipe's model cannot be trained: parameters that no gradient reaches. */
import type { Diagnostic } from '@hyb/grammar';
import { differentiate } from '../grad/differentiate.js';
import { consumersOf } from '../fuse/linear-groups.js';
import { parameterPath } from '../graph/graph.js';
import type { Graph, GraphNode, ModelGraph } from '../graph/graph.js';
import { opDefinition } from '../ops/table.js';
import { reportTrain } from './messages.js';
import { trainedParameters } from './parameters.js';
import type { TrainRecipe } from './resolve-train.js';

/** @param model the recipe's */
export function gradientFindings(
  recipe: TrainRecipe & Required<Pick<TrainRecipe, 'model'>>,
  model: ModelGraph,
): readonly Diagnostic[] {
  const unreached = model.graphs.flatMap((graph, index) => unreachedIn(graph).map((path) => ({ graph, index, path })));
  if (unreached.length === 0) return [];
  const still = new Set(trainedParameters(recipe).flatMap(({ path, rate }) => (rate === 0 ? [path] : [])));
  return unreached.flatMap(({ graph, index, path }) => {
    const own = model.instances.filter((instance) => instance.graph === index);
    if (own.every((instance) => still.has(parameterPath(instance, path)))) return [];
    const { op, origin } = stopping(graph, path);
    return [reportTrain('HYB5014', origin ?? recipe.span, { recipe: recipe.name, parameter: path, op })];
  });
}

/** By graph: several recipes train one model, and editors check it again and again. */
const unreachedOf = new WeakMap<Graph, readonly string[]>();

function unreachedIn(graph: Graph): readonly string[] {
  const known = unreachedOf.get(graph) ?? findUnreached(graph);
  unreachedOf.set(graph, known);
  return known;
}

function findUnreached(graph: Graph): readonly string[] {
  if (graph.nodes.every(hasGradient)) return [];
  const { gradients } = differentiate(graph);
  return graph.parameters.flatMap(({ path }) => (gradients.parameters[path] === undefined ? [path] : []));
}

function hasGradient({ op }: GraphNode): boolean {
  return opDefinition(op).gradient !== undefined;
}

/** The first op without a gradient between a parameter and the result. */
function stopping(graph: Graph, path: string): GraphNode {
  const consumers = consumersOf(graph);
  const reached = new Set(
    graph.nodes.flatMap((n) =>
      n.op === 'parameter' && (n as GraphNode<'parameter'>).attributes.path === path ? [n.id] : [],
    ),
  );
  for (const node of graph.nodes) {
    if (!reached.has(node.id)) continue;
    if (!hasGradient(node)) return node;
    for (const next of consumers[node.id]!) reached.add(next);
  }
  return graph.nodes[graph.output]!;
}
