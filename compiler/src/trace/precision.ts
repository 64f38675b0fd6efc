/** What the precision rules say at the places of a graph, and for its parameters. */
import type { Dtype } from '../graph/types.js';
import type { Model } from '../model/model.js';
import { explainPrecision, precisionOf } from '../resolve/precision-of.js';
import type { PrecisionPlace } from '../resolve/precision-of.js';
import { parameters } from './facts.js';
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

/**
 * Storage format of each parameter by its full path, before what loading may override. Shared weights are stored where they
 * first occur, in the format they have there.
 */
export function parameterDtypes(
  model: Pick<Model, 'precision'>,
  { graph, instances }: Pick<Trace, 'graph' | 'instances'>,
): ReadonlyMap<string, Dtype> {
  return new Map(
    parameters(graph).map(({ path, instance, parameter }) => {
      const place = parameterPlace(parameter.path, instances.get(instance.path)!);
      return [path, precisionOf(model, 'weights', place)];
    }),
  );
}

/**
 * In which format the optimizer keeps its state of each matrix, by the parameter's full path. Linear maps that are one matrix
 * product have one format; where rules give them several, it is f32.
 */
export function momentFormats(
  model: Pick<Model, 'precision'>,
  { graph, instances }: Pick<Trace, 'graph' | 'instances'>,
): ReadonlyMap<string, 'f32' | 'bf16'> {
  const wide = new Set<string>();
  const found = parameters(graph).flatMap(({ path, instance, parameter }) => {
    if (parameter.role !== 'matrix') return [];
    const place = parameterPlace(parameter.path, instances.get(instance.path)!);
    const product = `${instance.path} ${place.linear === undefined ? parameter.path : place.linear.index}`;
    if (precisionOf(model, 'optimizer', place) !== 'bf16') wide.add(product);
    return { path, product };
  });
  return new Map(found.map(({ path, product }) => [path, wide.has(product) ? 'f32' : 'bf16']));
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
