/** A scope without fusion: every input lies in a buffer [tokens, …], and the result is stored to one. */
import type { Graph, GraphNode, NodeId } from '../../src/graph/graph.js';
import type { TensorType } from '../../src/graph/types.js';
import { KernelBuilder } from '../../src/kernel/build.js';
import type { Buffer } from '../../src/kernel/build.js';
import * as e from '../../src/kernel/expressions.js';
import type { Expression } from '../../src/kernel/ir.js';
import { Bindings } from '../../src/lower/bindings.js';
import type { KernelCall, Mode } from '../../src/lower/call.js';
import type { Coordinates, KernelScope, LoweringContext } from '../../src/lower/scope.js';
import type { OpAttributes, OpName } from '../../src/ops/attributes.js';
import { opDefinition } from '../../src/ops/table.js';

/** A graph of one op whose inputs are given values of any type. */
export function graphOf<N extends OpName>(op: N, attributes: OpAttributes[N], types: readonly TensorType[]): Graph {
  return graphOfAll(op, [attributes], types);
}

/** A graph of nodes of one op, which read the same inputs and differ in their attributes. */
export function graphOfAll<N extends OpName>(
  op: N,
  attributes: readonly OpAttributes[N][],
  types: readonly TensorType[],
): Graph {
  const inputs = types.map((type, id): GraphNode => ({
    id,
    op: 'input',
    inputs: [],
    attributes: { name: 'x' },
    type,
    label: `input_${id}`,
  }));
  const nodes = attributes.map((own, i): GraphNode => {
    const type = opDefinition(op).infer(types, own as OpAttributes[OpName]);
    return { id: types.length + i, op, inputs: types.map((_, j) => j), attributes: own, type };
  });
  return { name: 'T', nodes: [...inputs, ...nodes], parameters: [], output: types.length };
}

export function plainContext<N extends OpName>(graph: Graph, mode: Mode): LoweringContext<N> {
  const node = graph.nodes[graph.output] as GraphNode<N>;
  return { graph, node, nodes: [node], mode, scope: () => new PlainScope(graph, node) };
}

export class PlainScope implements KernelScope {
  readonly builder = new KernelBuilder();
  readonly #bindings = new Bindings(this.builder);

  constructor(
    readonly graph: Graph,
    readonly node: GraphNode,
  ) {}

  #index(type: TensorType, at: Coordinates): Expression {
    return type.dims.reduce<Expression>((flat, d) => {
      const coordinate = at[d.name];
      if (!coordinate) throw new Error(`no coordinate for ${d.name}`);
      return e.add(d.extent === 'time' ? flat : e.mul(flat, d.extent), coordinate);
    }, e.u32(0));
  }

  #value(id: NodeId, access: 'read' | 'read_write'): Buffer {
    return this.bind(`value_${id}`, { kind: 'value', node: id }, 'f32', access, 'a value');
  }

  input(i: number, at: Coordinates): Expression {
    const id = this.node.inputs[i]!;
    return this.builder.let('input', this.#value(id, 'read').at(this.#index(this.graph.nodes[id]!.type, at)));
  }

  input4(i: number, at: Coordinates): Expression {
    const id = this.node.inputs[i]!;
    const start = this.builder.let('at', this.#index(this.graph.nodes[id]!.type, at));
    return e.vector('vec4f', ...[0, 1, 2, 3].map((lane) => this.#value(id, 'read').at(e.add(start, lane))));
  }

  output(at: Coordinates, value: Expression): void {
    this.outputOf(this.node.id, at, value);
  }
  outputOf(id: NodeId, at: Coordinates, value: Expression): void {
    this.#value(id, 'read_write').set(this.#index(this.graph.nodes[id]!.type, at), value);
  }

  bind(...args: Parameters<KernelScope['bind']>): Buffer {
    return this.#bindings.bind(...args);
  }
  uniform(...args: Parameters<KernelScope['uniform']>): Expression {
    return this.#bindings.uniform(...args);
  }

  finish(call: Parameters<KernelScope['finish']>[0]): KernelCall {
    return {
      variants: [this.builder.finish(call)],
      label: call.label,
      bindings: this.#bindings.operands,
      uniforms: this.#bindings.uniforms,
      grid: call.grid,
      ...(call.split ? { split: call.split } : {}),
      covers: [this.node.id],
      cost: call.cost,
    };
  }
}

/** Elements of a value in a batch. */
export function sizeOf(type: TensorType, tokens: number): number {
  return type.dims.reduce((n, d) => n * (d.extent === 'time' ? tokens : d.extent), 1);
}
