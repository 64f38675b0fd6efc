import type { Span } from '@hyb/grammar';
import type { OpAttributes, OpName } from '../ops/attributes.js';
import { ShapeError } from '../ops/op.js';
import { sameDims } from '../ops/shape.js';
import { opDefinition } from '../ops/table.js';
import type { Graph, GraphNode, GraphParameter, NodeId } from './graph.js';
import { contentKey } from './key.js';
import { TIME, dim, printType, tensor } from './types.js';
import type { TensorType } from './types.js';

/** A node as seen while building; `scan_state` and `scan_input` are the leaves of scan bodies. */
export interface BuiltNode {
  readonly op: OpName | 'scan_state' | 'scan_input';
  readonly inputs: readonly NodeId[];
  readonly attributes: unknown;
  readonly type: TensorType;
}

/** What gradient rules need of a builder; the body of a `scan` has one too. */
export interface NodeBuilder {
  /**
   * `input` may be added with names `x` and `tokens`; parameters are declared by `parameter`.
   * @throws ShapeError if the inputs do not fit the op.
   */
  add<N extends OpName>(
    op: N,
    inputs: readonly NodeId[],
    attributes: OpAttributes[N],
    details?: { readonly label?: string; readonly origin?: Span },
  ): NodeId;
  constant(value: number): NodeId;
  typeOf(node: NodeId): TensorType;
  /** The node as built so far. */
  nodeOf(node: NodeId): BuiltNode;
}

/** Appends nodes to a graph under construction; types come from the op table's shape rules. Equal pure nodes are shared. */
export interface GraphBuilder extends NodeBuilder {
  /** Declares a parameter, or finds it again by its path. @throws ShapeError if it was declared with another type. */
  parameter(parameter: GraphParameter): NodeId;
  /**
   * The graph that computes `output`. Nodes that it does not need are left out and the others renumbered; parameters
   * stay, used or not. The builder can go on.
   */
  finish(name: string, output: NodeId): Graph;
}

type Draft = { -readonly [K in keyof Omit<GraphNode, 'id'>]: GraphNode[K] };

/** A layer graph's builder. */
export interface LayerGraphBuilder extends GraphBuilder {
  /** What enters the graph: `x` is `[time, width]`, `tokens` `u32[time]`, `gradient` of the given type. */
  input(name: OpAttributes['input']['name'], type?: TensorType): NodeId;
  /** `finish` with several outputs: also maps each of `roots` to its node in the graph. */
  finishAll(
    name: string,
    output: NodeId,
    roots: readonly NodeId[],
  ): { readonly graph: Graph; readonly roots: readonly NodeId[] };
}

/** @param options width of the residual stream: the type of the input `x`. */
export function createGraphBuilder(options: { readonly width: number }): LayerGraphBuilder {
  const nodes: Draft[] = [];
  const parameters = new Map<string, { readonly declaration: GraphParameter; readonly node: NodeId }>();
  const known = new Map<string, NodeId>();

  function append(node: Draft): NodeId {
    const key = contentKey({ op: node.op, inputs: node.inputs, attributes: node.attributes });
    const existing = known.get(key);
    if (existing !== undefined) {
      const first = nodes[existing]!;
      if (first.label === undefined && node.label !== undefined) first.label = node.label;
      if (first.origin === undefined && node.origin !== undefined) first.origin = node.origin;
      return existing;
    }
    nodes.push(node);
    known.set(key, nodes.length - 1);
    return nodes.length - 1;
  }

  function inputType(name: OpAttributes['input']['name'], type: TensorType | undefined): TensorType {
    switch (name) {
      case 'x':
        return type ?? tensor([TIME, dim('width', options.width)]);
      case 'tokens':
        return tensor([TIME], 'u32');
      case 'gradient':
        if (type === undefined) throw new Error('the type of the gradient must be given');
        return type;
    }
  }

  function typeOf(node: NodeId): TensorType {
    const found = nodes[node];
    if (found === undefined) throw new RangeError(`there is no node ${node}`);
    return found.type;
  }

  const builder: LayerGraphBuilder = {
    add(op, inputs, attributes, details = {}) {
      if (op === 'input') return builder.input((attributes as OpAttributes['input']).name);
      const type = opDefinition(op).infer(inputs.map(typeOf), attributes as OpAttributes[OpName]);
      return append({ op, inputs, attributes, type, ...details });
    },
    input(name, type) {
      return append({ op: 'input', inputs: [], attributes: { name }, type: inputType(name, type), label: name });
    },
    parameter(declaration) {
      const { path, type } = declaration;
      const declared = parameters.get(path);
      if (declared !== undefined) {
        const { type: first } = declared.declaration;
        if (sameDims(first.dims, type.dims) && first.dtype === type.dtype) return declared.node;
        throw new ShapeError(`parameter \`${path}\` is declared twice`, {
          expected: printType(first),
          found: printType(type),
        });
      }
      const node = append({ op: 'parameter', inputs: [], attributes: { path }, type, label: path });
      parameters.set(path, { declaration, node });
      return node;
    },
    constant: (value) => builder.add('constant', [], { value }),
    typeOf,
    nodeOf: (node) => ({ ...nodes[node]!, type: typeOf(node) }),
    finish: (name, output) => builder.finishAll(name, output, []).graph,
    finishAll(name, output, roots) {
      const needed = new Set<NodeId>([output, ...roots]);
      for (const { node } of parameters.values()) needed.add(node);
      for (let id = nodes.length - 1; id >= 0; id--) {
        if (needed.has(id)) for (const input of nodes[id]!.inputs) needed.add(input);
      }
      const renumbered = new Map<NodeId, NodeId>();
      const kept: GraphNode[] = [];
      nodes.forEach((node, id) => {
        if (!needed.has(id)) return;
        renumbered.set(id, kept.length);
        kept.push({ ...node, id: kept.length, inputs: node.inputs.map((input) => renumbered.get(input)!) });
      });
      const declarations = [...parameters.values()].map(({ declaration }) => declaration);
      return {
        graph: { name, nodes: kept, parameters: declarations, output: renumbered.get(output)! },
        roots: roots.map((root) => renumbered.get(root)!),
      };
    },
  };
  return builder;
}
