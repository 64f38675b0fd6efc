/** What the precision rules say at the places of a graph, and for its parameters. */
import { parameterPath } from '../graph/graph.js';
import type { GraphInstance, GraphParameter } from '../graph/graph.js';
import type { Dtype } from '../graph/types.js';
import type { Model } from '../model/model.js';
import { explainPrecision, precisionOf } from '../resolve/precision-of.js';
import type { PrecisionPlace } from '../resolve/precision-of.js';
import type { Place } from './rounding.js';
import type { Trace, TracedInstance } from './trace.js';

/** The format at each place; `f32` where nothing is rounded. */
export function decide(
  model: Pick<Model, 'precision'>,
  places: readonly Place[],
  at: PrecisionPlace,
  products: TracedInstance['products'],
): readonly Dtype[] {
  if (model.precision.length === 0) return places.map(() => 'f32');
  return places.map((place) => decideAt(model, place, at, products));
}

function decideAt(
  model: Pick<Model, 'precision'>,
  { role, member, norm, operand, linear, cached }: Place,
  at: PrecisionPlace,
  { first, count }: TracedInstance['products'],
): Dtype {
  const place: PrecisionPlace = {
    ...at,
    ...(member !== undefined && { member }),
    ...(norm === true && { norm }),
    ...(role === 'gradients' && linear !== undefined && { linear: { index: first + linear, count } }),
  };
  if (operand === true) {
    if (linear === undefined) return 'f32';
    const { type, rule } = explainPrecision(model, role, { ...place, linear: { index: first + linear, count } });
    const speaks = rule?.selector?.kind === 'linears' || rule?.selector?.kind === 'linear_range';
    return speaks ? type : 'f32';
  }
  const choice = explainPrecision(model, role, place);
  if (choice.rule !== undefined || cached !== true) return choice.type;
  return precisionOf(model, 'activations', place);
}

/** Storage format of each parameter by its full path, before what loading may override. */
export function parameterDtypes(model: Pick<Model, 'precision'>, traced: Traced): ReadonlyMap<string, Dtype> {
  return new Map(
    ownParameters(traced).map(({ instance, parameter, known }) => [
      parameterPath(instance, parameter.path),
      precisionOf(model, 'weights', parameterPlace(parameter.path, known)),
    ]),
  );
}

/**
 * In which format the optimizer keeps its state of each matrix, by the parameter's full path. Linear maps that are one matrix
 * product have one format; where rules give them several, it is f32.
 */
export function momentFormats(model: Pick<Model, 'precision'>, traced: Traced): ReadonlyMap<string, 'f32' | 'bf16'> {
  const found = ownParameters(traced).flatMap(({ instance, parameter, known }) => {
    if (parameter.role !== 'matrix') return [];
    const place = parameterPlace(parameter.path, known);
    const product = place.linear === undefined ? parameter.path : place.linear.index;
    const format = precisionOf(model, 'optimizer', place);
    return { path: parameterPath(instance, parameter.path), product: `${instance.path} ${product}`, format };
  });
  const agreed = ({ product }: { readonly product: string }): boolean =>
    found.every((each) => each.product !== product || each.format === 'bf16');
  return new Map(found.map((each) => [each.path, agreed(each) ? 'bf16' : 'f32'] as const));
}

type Traced = Pick<Trace, 'graph' | 'instances'>;

interface OwnParameter {
  readonly instance: GraphInstance;
  readonly parameter: GraphParameter;
  readonly known: TracedInstance;
}

/** Shared weights are stored where they first occur, in the format they have there. */
function ownParameters({ graph, instances }: Traced): readonly OwnParameter[] {
  return graph.instances.flatMap((instance) => {
    const known = instances.get(instance.path);
    const parameters = graph.graphs[instance.graph]?.parameters ?? [];
    return parameters.flatMap((parameter) =>
      Object.hasOwn(instance.aliases, parameter.path) || known === undefined ? [] : { instance, parameter, known },
    );
  });
}

/** What selectors see of a parameter. */
export function parameterPlace(path: string, { traced, place, products }: TracedInstance): PrecisionPlace {
  const product = traced.productOf.get(path);
  return {
    ...place,
    member: path,
    ...(traced.norms.has(path) && { norm: true }),
    ...(product !== undefined && { linear: { index: products.first + product, count: products.count } }),
  };
}
