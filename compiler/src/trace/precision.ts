/** What the precision rules say at the places of a graph, and for its parameters. */
import { parameterPath } from '../graph/graph.js';
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
export function parameterDtypes(
  model: Pick<Model, 'precision'>,
  { graph, instances }: Pick<Trace, 'graph' | 'instances'>,
): ReadonlyMap<string, Dtype> {
  const types = new Map<string, Dtype>();
  for (const instance of graph.instances) {
    const known = instances.get(instance.path);
    for (const { path } of graph.graphs[instance.graph]?.parameters ?? []) {
      // Shared weights are stored where they first occur, in the format they have there.
      if (Object.hasOwn(instance.aliases, path) || known === undefined) continue;
      types.set(parameterPath(instance, path), weightFormat(model, path, known));
    }
  }
  return types;
}

function weightFormat(model: Pick<Model, 'precision'>, path: string, instance: TracedInstance): Dtype {
  return precisionOf(model, 'weights', parameterPlace(path, instance));
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
