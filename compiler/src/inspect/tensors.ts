/** Every tensor's shape and type: parameters as stored, states, and what the layers compute, with its roundings. */
import type { Program, StorageType } from '@hyb/runtime';
import type { GraphNode, ModelGraph } from '../graph/graph.js';
import type { Dtype } from '../graph/types.js';
import { kindOf } from './instances.js';
import { printTable } from './text-table.js';
import { formatCount } from './units.js';

export interface StoredTensor {
  readonly path: string;
  readonly shape: readonly number[];
  readonly role: 'matrix' | 'vector';
  /** Default storage type; loading may override it. Vectors are rounded to it and held as f32. */
  readonly dtype: StorageType;
}

export interface StateTensor {
  readonly id: string;
  /** `sequence`: one for each sequence; `token`: one for each position of each. */
  readonly kind: 'sequence' | 'token';
  readonly shape: readonly number[];
  readonly dtype: 'f32';
}

export interface ValueTensor {
  /** Index in the graph. */
  readonly node: number;
  /** Name in the source, where it has one. */
  readonly name: string | null;
  readonly op: string;
  /** Dimensions in order; `time` is the number of tokens of a call. */
  readonly dims: readonly { readonly name: string; readonly extent: number | 'time' }[];
  /** Format that its elements are representable in; kernels compute in f32. */
  readonly dtype: Dtype;
  /** A rounding: the format that its input is rounded to. */
  readonly roundsTo: Dtype | null;
  /** The same elements under other dimensions, or some of them: costs nothing by itself. */
  readonly view: boolean;
}

/** What one kind of layer computes. */
export interface GraphTensors {
  readonly graph: string;
  readonly alias: string;
  /** Paths of the layers that compute it. */
  readonly layers: readonly string[];
  readonly values: readonly ValueTensor[];
}

export interface TensorTable {
  readonly parameters: readonly StoredTensor[];
  readonly states: readonly StateTensor[];
  readonly graphs: readonly GraphTensors[];
}

const VIEWS: ReadonlySet<string> = new Set(['reshape', 'rename', 'slice', 'transpose', 'broadcast', 'pad', 'concat']);
const LEAVES: ReadonlySet<string> = new Set(['parameter', 'constant']);

export function tensorTable(model: ModelGraph, program: Program): TensorTable {
  return {
    parameters: program.parameters.map(({ path, shape, role, dtype }) => ({ path, shape, role, dtype })),
    states: program.states.map(({ id, kind, dims }) => ({ id, kind, shape: dims, dtype: 'f32' })),
    graphs: model.graphs.map((graph, index): GraphTensors => {
      const instances = model.instances.filter((i) => i.graph === index);
      return {
        graph: graph.name,
        alias: instances[0] ? kindOf(instances[0]) : graph.name,
        layers: instances.map((i) => i.path),
        values: graph.nodes.filter((n) => !LEAVES.has(n.op)).map(valueTensor),
      };
    }),
  };
}

function valueTensor(node: GraphNode): ValueTensor {
  const { id, op, label, type } = node;
  return {
    node: id,
    name: label ?? null,
    op,
    dims: type.dims.map(({ name, extent }) => ({ name, extent })),
    dtype: type.dtype,
    roundsTo: op === 'cast' ? (node as GraphNode<'cast'>).attributes.to : null,
    view: VIEWS.has(op),
  };
}

/** Parameters of one layer of each kind, states of one layer of each kind, and values; `views` too where asked for. */
export function printTensorTable(table: TensorTable, options: { readonly views?: boolean } = {}): string {
  const stored = table.parameters.map((p) => ({ name: p.path, dtype: p.dtype, shape: shapeText(p.shape) }));
  const states = table.states.map((s) => ({
    name: s.id,
    dtype: s.dtype,
    shape: `${shapeText(s.shape)} per ${s.kind}`,
  }));
  const columns = [
    { heading: 'tensor', text: (r: { name: string }) => r.name },
    { heading: 'type', text: (r: { dtype: string }) => r.dtype },
    { heading: 'shape', text: (r: { shape: string }) => r.shape },
  ];
  const sections = [
    `Parameters, as stored by default\n${printTable(stored, columns)}`,
    ...(states.length > 0 ? [`Decode state\n${printTable(states, columns)}`] : []),
    ...table.graphs.map((graph) => {
      const values = graph.values
        .filter((v) => options.views || !v.view)
        .map((v) => ({
          name: v.name ?? '',
          op: v.roundsTo ? `round to ${v.roundsTo}` : v.op,
          dtype: v.dtype,
          dims: dimsText(v),
        }));
      const text = printTable(values, [
        { heading: 'value', text: (r) => r.name },
        { heading: 'op', text: (r) => r.op },
        { heading: 'type', text: (r) => r.dtype },
        { heading: 'shape', text: (r) => r.dims },
      ]);
      return `Values in ${graph.graph} (${graph.layers.length === 1 ? graph.layers[0] : `${graph.layers.length} layers`})\n${text}`;
    }),
  ];
  return sections.join('\n\n');
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.map(formatCount).join(', ')}]`;
}

function dimsText({ dims }: ValueTensor): string {
  return `[${dims.map((d) => (d.extent === 'time' ? 'time' : `${d.name}: ${formatCount(d.extent)}`)).join(', ')}]`;
}
