/** The number of parameters as a sum that can be checked by hand. */
import type { ModelGraph } from '../graph/graph.js';
import { blockOf, elementsOf, kindOf, ownParameters, total } from './instances.js';
import type { BlockNames } from './instances.js';
import { printTable } from './text-table.js';
import { formatCount } from './units.js';

export interface ParameterTensor {
  /** Path inside the layer. */
  readonly path: string;
  readonly shape: readonly number[];
  readonly elements: number;
}

/** Layers with the same parameters. */
export interface ParameterKind {
  readonly alias: string;
  readonly block: string;
  readonly count: number;
  readonly each: number;
  readonly total: number;
  readonly tensors: readonly ParameterTensor[];
}

export interface ParameterSum {
  readonly model: string;
  readonly kinds: readonly ParameterKind[];
  readonly total: number;
  /** Tensors of all layers together. */
  readonly tensors: number;
}

export function parameterSum(model: ModelGraph, blocks?: BlockNames): ParameterSum {
  const kinds = new Map<string, ParameterKind>();
  for (const instance of model.instances) {
    const tensors = ownParameters(model, instance).map((p): ParameterTensor => ({
      path: p.path,
      shape: p.type.dims.map((d) => d.extent as number),
      elements: elementsOf(p.type),
    }));
    const alias = kindOf(instance);
    const key = JSON.stringify([alias, tensors]);
    const each = total(tensors, (t) => t.elements);
    const count = (kinds.get(key)?.count ?? 0) + 1;
    kinds.set(key, { alias, block: blockOf(instance, blocks), count, each, total: count * each, tensors });
  }
  const list = [...kinds.values()].filter((k) => k.tensors.length > 0);
  return {
    model: model.name,
    kinds: list,
    total: total(list, (k) => k.total),
    tensors: total(list, (k) => k.count * k.tensors.length),
  };
}

/** `536,870,912 + 24 × 109,641,088 + … = 8,100,852,736` */
export function sumText({ kinds, total: all }: ParameterSum): string {
  const terms = kinds.map(({ count, each }) => (count === 1 ? '' : `${formatCount(count)} × `) + formatCount(each));
  return `${terms.join(' + ')} = ${formatCount(all)}`;
}

export function printParameterSum(sum: ParameterSum): string {
  interface Row {
    readonly name: string;
    readonly shape: string;
    readonly elements: string;
    readonly product: string;
  }
  const rows = sum.kinds.flatMap((kind): Row[] => [
    {
      name: kind.block === kind.alias ? kind.alias : `${kind.alias} (${kind.block})`,
      shape: '',
      elements: formatCount(kind.each),
      product: kind.count === 1 ? formatCount(kind.total) : `× ${formatCount(kind.count)} = ${formatCount(kind.total)}`,
    },
    ...kind.tensors.map((t) => ({
      name: `  ${t.path}`,
      shape: `[${t.shape.map(formatCount).join(' × ')}]`,
      elements: formatCount(t.elements),
      product: '',
    })),
  ]);
  const table = printTable(rows, [
    { heading: 'parameters', text: (r) => r.name },
    { heading: 'shape', text: (r) => r.shape },
    { heading: 'elements', text: (r) => r.elements, align: 'right' },
    { heading: 'in all', text: (r) => r.product, align: 'right' },
  ]);
  return `${table}\n\n${sumText(sum)}`;
}
