/** The model's table: one row for the embedding, each layer and the head. */
import type { ModelGraph } from '../graph/graph.js';
import { blockOf, elementsOf, graphOf, graphStates, kindOf, ownParameters, total } from './instances.js';
import type { BlockNames } from './instances.js';
import { printTable } from './text-table.js';
import { formatBytes, formatCount } from './units.js';

export interface LayerRow {
  /** null: embedding and head. */
  readonly index: number | null;
  readonly alias: string;
  readonly block: string;
  /** Parameters of its own; those of a shared block or a tied head count where they first occur. */
  readonly parameters: number;
  /** Bytes of decode state (f32) that do not grow: convolution inputs, recurrent states. */
  readonly stateBytesPerSequence: number;
  /** Bytes of decode state (f32) for every token of context: keys and values. */
  readonly stateBytesPerToken: number;
}

export interface LayerTable {
  readonly model: string;
  readonly rows: readonly LayerRow[];
  readonly parameters: number;
  readonly stateBytesPerSequence: number;
  readonly stateBytesPerToken: number;
}

export function layerTable(model: ModelGraph, blocks?: BlockNames): LayerTable {
  const rows = model.instances.map((instance): LayerRow => {
    const states = graphStates(graphOf(model, instance));
    const bytes = (kind: 'sequence' | 'token'): number =>
      4 * total(states, ({ state, elements }) => (state.kind === kind ? elements : 0));
    return {
      index: instance.layer ?? null,
      alias: kindOf(instance),
      block: blockOf(instance, blocks),
      parameters: total(ownParameters(model, instance), (p) => elementsOf(p.type)),
      stateBytesPerSequence: bytes('sequence'),
      stateBytesPerToken: bytes('token'),
    };
  });
  return {
    model: model.name,
    rows,
    parameters: total(rows, (r) => r.parameters),
    stateBytesPerSequence: total(rows, (r) => r.stateBytesPerSequence),
    stateBytesPerToken: total(rows, (r) => r.stateBytesPerToken),
  };
}

export function printLayerTable(table: LayerTable): string {
  const sum = { ...table, index: null, alias: 'total', block: '' };
  const bytes = (n: number): string => (n === 0 ? '' : formatBytes(n));
  return printTable<LayerRow>(
    [...table.rows, sum],
    [
      { heading: 'layer', text: (r) => (r.index === null ? '' : String(r.index)), align: 'right' },
      { heading: 'name', text: (r) => r.alias },
      { heading: 'block', text: (r) => (r.block === r.alias ? '' : r.block) },
      { heading: 'parameters', text: (r) => formatCount(r.parameters), align: 'right' },
      { heading: 'state / sequence', text: (r) => bytes(r.stateBytesPerSequence), align: 'right' },
      { heading: 'state / token', text: (r) => bytes(r.stateBytesPerToken), align: 'right' },
    ],
  );
}
