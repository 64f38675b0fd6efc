/** Verifiers of graphs: what must hold after every stage that makes one. They run in tests and return all that is wrong. */
import { opDefinition } from '../ops/table.js';
import type { OpAttributes, OpName } from '../ops/attributes.js';
import { sameDims } from '../ops/shape.js';
import type { Graph, GraphNode, GraphParameter, ModelGraph } from './graph.js';
import { parameterPath } from './graph.js';
import { TIME, dim, hasTime, printType, tensor } from './types.js';
import type { TensorType } from './types.js';

export interface GraphProblem {
  /** Graph or instance. */
  readonly where: string;
  readonly node?: number;
  readonly message: string;
}

export interface VerifyOptions {
  /** Width of the residual stream; checks the type of the input `x`. */
  readonly width?: number;
  /** A gradient graph: sums over time and reads the gradient of its output. */
  readonly gradients?: boolean;
}

/** Everything that is wrong with a graph. */
export function verifyGraph(graph: Graph, options: VerifyOptions = {}): readonly GraphProblem[] {
  const problems: GraphProblem[] = [];
  const report = (message: string, node?: number): void => {
    problems.push({ where: graph.name, message, ...(node !== undefined && { node }) });
  };
  graph.nodes.forEach((node, id) => {
    if (node.id !== id) report(`node ${node.id} stands at ${id}`, id);
    if (node.inputs.some((input) => !(Number.isInteger(input) && input >= 0 && input < id))) {
      report('an input does not come before the node', id);
      return;
    }
    for (const message of nodeProblems(graph, node, options)) report(message, id);
  });
  if (graph.nodes[graph.output] === undefined) report(`the output ${graph.output} does not exist`);
  for (const message of parameterProblems(graph, options)) report(message);
  return problems;
}

function nodeProblems(graph: Graph, node: GraphNode, options: VerifyOptions): string[] {
  const problems: string[] = [];
  const { dims } = node.type;
  // Weights are positional: `width -> width` has two dimensions of one name.
  if (hasTime(node.type) && new Set(dims.map((d) => d.name)).size < dims.length)
    problems.push('two dimensions have one name');
  if (dims.some((d, i) => d.extent === 'time' && i > 0)) problems.push('time is not the first dimension');
  if (dims.some((d) => (d.extent === 'time') !== (d.name === 'time')))
    problems.push('a dimension is called time and is not, or the reverse');
  const expected = expectedType(graph, node, options);
  if (typeof expected === 'string') problems.push(expected);
  else if (!sameDims(expected.dims, node.type.dims) || expected.dtype !== node.type.dtype) {
    problems.push(`${node.op} has type ${printType(node.type)}, its inputs give ${printType(expected)}`);
  }
  if (options.gradients !== true && reducesTime(node)) problems.push(`${node.op} over time is not causal`);
  return problems;
}

function reducesTime(node: GraphNode): boolean {
  switch (node.op) {
    case 'sum':
    case 'mean':
    case 'amax':
    case 'amin':
      return (node.attributes as OpAttributes['sum']).dims.includes(TIME.name);
    default:
      return false;
  }
}

/** The type that the node should have, or what is wrong with its inputs. */
function expectedType(graph: Graph, node: GraphNode, { width, gradients }: VerifyOptions): TensorType | string {
  if (node.op === 'parameter') {
    const { path } = node.attributes as OpAttributes['parameter'];
    return graph.parameters.find((p) => p.path === path)?.type ?? `parameter ${path} is not declared`;
  }
  if (node.op === 'input') {
    const { name } = node.attributes as OpAttributes['input'];
    if (name === 'tokens') return tensor([TIME], 'u32');
    if (name === 'gradient') return gradients === true ? node.type : 'only gradient graphs read a gradient';
    return width === undefined ? node.type : tensor([TIME, dim('width', width)]);
  }
  try {
    const inputs = node.inputs.map((input) => graph.nodes[input]!.type);
    return opDefinition(node.op).infer(inputs, node.attributes as OpAttributes[OpName]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function parameterProblems(graph: Graph, { gradients }: VerifyOptions): string[] {
  const problems: string[] = [];
  const reached = reachable(graph);
  const paths = new Set<string>();
  for (const { path, type } of graph.parameters) {
    if (paths.has(path)) problems.push(`parameter ${path} is declared twice`);
    paths.add(path);
    if (hasTime(type)) problems.push(`parameter ${path} varies over time`);
    const reads = graph.nodes.filter(
      (n) => n.op === 'parameter' && (n.attributes as OpAttributes['parameter']).path === path,
    );
    if (reads.length > 1) problems.push(`parameter ${path} has ${reads.length} nodes`);
    // A gradient graph's output alone does not need all parameters.
    if (gradients !== true && !reads.some((n) => reached.has(n.id))) problems.push(`parameter ${path} is not used`);
  }
  return problems;
}

function reachable(graph: Graph): ReadonlySet<number> {
  const reached = new Set<number>([graph.output]);
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    if (reached.has(id)) for (const input of graph.nodes[id]!.inputs) reached.add(input);
  }
  return reached;
}

/** Everything that is wrong with a model: its graphs, their order, and where parameters live. */
export function verifyModelGraph(model: ModelGraph): readonly GraphProblem[] {
  const problems: GraphProblem[] = model.graphs.flatMap((graph) => verifyGraph(graph, { width: model.width }));
  const report = (where: string, message: string): void => void problems.push({ where, message });
  const names = new Set<string>();
  model.graphs.forEach((graph, i) => {
    if (names.has(graph.name)) report(graph.name, 'two graphs have this name');
    names.add(graph.name);
    if (!model.instances.some((instance) => instance.graph === i)) report(graph.name, 'no instance uses this graph');
  });
  const stream = tensor([TIME, dim('width', model.width)]);
  const logits = [TIME, dim('vocab', model.vocab)];
  model.instances.forEach((instance, i) => {
    const graph = model.graphs[instance.graph];
    if (graph === undefined) {
      report(instance.path, `graph ${instance.graph} does not exist`);
      return;
    }
    const reads = new Set(
      graph.nodes.filter((n) => n.op === 'input').map((n) => (n.attributes as OpAttributes['input']).name),
    );
    if (reads.has('tokens') !== (i === 0)) report(instance.path, 'the first instance, and no other, reads the tokens');
    if (reads.has('x') && i === 0) report(instance.path, 'the first instance has no residual stream to read');
    const output = graph.nodes[graph.output]?.type;
    const last = i === model.instances.length - 1;
    const fits =
      output !== undefined && (last ? sameExtents(output, tensor(logits)) : sameDims(output.dims, stream.dims));
    if (!fits)
      report(
        instance.path,
        `the output is ${output === undefined ? 'missing' : printType(output)}, not ${printType(last ? tensor(logits) : stream)}`,
      );
  });
  for (const [where, message] of placementProblems(model)) report(where, message);
  return problems;
}

function sameExtents(a: TensorType, b: TensorType): boolean {
  return a.dims.length === b.dims.length && a.dims.every((d, i) => d.extent === b.dims[i]!.extent);
}

/** Paths are unique, and a parameter that lives elsewhere exists there with the same shape. */
function placementProblems(model: ModelGraph): (readonly [string, string])[] {
  const problems: (readonly [string, string])[] = [];
  const paths = new Set<string>();
  const owners = new Map<string, GraphParameter>();
  const borrowed: { readonly path: string; readonly full: string; readonly parameter: GraphParameter }[] = [];
  for (const instance of model.instances) {
    if (paths.has(instance.path)) problems.push([instance.path, 'two instances have this path']);
    paths.add(instance.path);
    const parameters = model.graphs[instance.graph]?.parameters ?? [];
    for (const parameter of parameters) {
      const full = parameterPath(instance, parameter.path);
      if (Object.hasOwn(instance.aliases, parameter.path)) borrowed.push({ path: instance.path, full, parameter });
      else owners.set(full, parameter);
    }
    for (const local of Object.keys(instance.aliases)) {
      if (!parameters.some((p) => p.path === local))
        problems.push([instance.path, `there is no parameter ${local} to alias`]);
    }
  }
  for (const { path, full, parameter } of borrowed) {
    const owner = owners.get(full);
    if (owner === undefined) problems.push([path, `${parameter.path} lives at ${full}, which does not exist`]);
    else if (!sameExtents(owner.type, parameter.type)) {
      problems.push([path, `${parameter.path} is ${printType(parameter.type)}, ${full} is ${printType(owner.type)}`]);
    }
  }
  return problems;
}
