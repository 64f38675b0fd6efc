/** What a recipe says of each parameter: how it begins, and its multiples of rate and weight decay. */
import type { Distribution } from '@hyb/runtime';
import type { Graph, GraphNode, Initializer, ModelGraph } from '../graph/graph.js';
import { matrixShape } from '../plan/plan.js';
import { compareRanks, rankAt } from '../resolve/precision-of.js';
import type { PrecisionPlace } from '../resolve/precision-of.js';
import { parameters } from '../trace/facts.js';
import type { ParameterEntry } from '../trace/facts.js';
import { momentFormats, parameterPlace } from '../trace/precision.js';
import { trace } from '../trace/trace.js';
import { trainingModel } from './model.js';
import type { TrainFields, TrainRecipe } from './resolve-train.js';
import type { SelectedValue } from './spec.js';

export interface TrainedParameter {
  /** Full path: `layers.3.in_z.weight`. */
  readonly path: string;
  readonly shape: readonly number[];
  /** Of its first values. */
  readonly init: Distribution;
  /** Multiple of the learning rate. */
  readonly rate: number;
  /** Multiple of the weight decay. */
  readonly decay: number;
  /** By which it is updated: of a Muon recipe, matrices of the layers are by Muon, all else by AdamW. */
  readonly rule: TrainFields['optimizer']['name'];
  /** Format of what the rule keeps of it. */
  readonly state: 'f32' | 'bf16';
  /** Outputs and inputs of the linear map whose weight it is. */
  readonly matrix?: { readonly rows: number; readonly columns: number };
}

/** All parameters of a recipe's model, in order of the instances. */
export function trainedParameters(
  recipe: Pick<TrainRecipe, 'init' | 'rates' | 'decay' | 'optimizer' | 'precision' | 'fp8_scale'> &
    Required<Pick<TrainRecipe, 'model'>>,
): readonly TrainedParameter[] {
  const traced = trace(recipe.model);
  const { graph, instances } = traced;
  const { optimizer } = recipe;
  const states = momentFormats(trainingModel(recipe), traced);
  return parameters(graph).map((entry) => {
    const { path, shape, instance, parameter } = entry;
    const place = parameterPlace(parameter.path, instances.get(instance.path)!);
    const usual = parameter.role === 'matrix' ? 1 : 0;
    const matrix = matrixOf(entry, graph.graphs[instance.graph]!);
    const hidden = matrix !== undefined && instance.layer !== undefined;
    const beside = optimizer.name === 'Muon' && !hidden ? optimizer.arguments.adam_rate : undefined;
    return {
      path,
      shape,
      rule: beside === undefined ? optimizer.name : 'AdamW',
      state: states.get(path) ?? 'f32',
      ...(matrix === undefined ? {} : { matrix }),
      init: distribution(choose(recipe.init, place, (rule) => begins(rule, entry)) ?? parameter.init, graph),
      rate: (choose(recipe.rates, place) ?? 1) * (beside ?? 1),
      decay: choose(recipe.decay, place) ?? usual,
    };
  });
}

function matrixOf({ parameter }: ParameterEntry, graph: Graph): TrainedParameter['matrix'] {
  const read = graph.nodes.some(
    (node) => node.op === 'linear' && isParameter(graph.nodes[node.inputs[1]!]!, parameter.path),
  );
  return read ? matrixShape(graph, parameter.path) : undefined;
}

function isParameter(node: GraphNode, path: string): boolean {
  return node.op === 'parameter' && (node as GraphNode<'parameter'>).attributes.path === path;
}

/** Of the values whose selectors fit, that of the most specific one; of equals the last. */
function choose<T>(
  values: readonly SelectedValue<T>[],
  place: PrecisionPlace,
  fits: (value: SelectedValue<T>) => boolean = () => true,
): T | undefined {
  let best: { readonly value: T; readonly rank: readonly number[] } | undefined;
  for (const each of values) {
    const rank = rankAt(each.selector, place);
    if (rank === undefined || !fits(each)) continue;
    if (best === undefined || compareRanks(rank, best.rank) >= 0) best = { value: each.value, rank };
  }
  return best?.value;
}

/**
 * An initialisation of a part of the model (`linears`, `M`, `head`, `M.out`) is one of its matrices: biases and scales of norms
 * keep theirs unless they are named.
 */
function begins({ selector }: SelectedValue<Initializer>, { parameter }: ParameterEntry): boolean {
  if (parameter.role === 'matrix' || selector.kind === 'norms') return true;
  const named = selector.kind === 'parameter' ? selector.name : 'member' in selector ? selector.member : undefined;
  return named === parameter.path || named === 'norm';
}

/** With GPT-2's scaling of what is added to the residual stream, by the number of layers. */
function distribution(init: Initializer, model: ModelGraph): Distribution {
  if (init.kind === 'apply') return { ...init, of: distribution(init.of, model) };
  if (init.kind !== 'output') return init;
  const layers = model.instances.filter(({ layer }) => layer !== undefined).length;
  return { kind: 'normal', std: init.std / Math.sqrt(Math.max(1, layers)) };
}
