/** Text of graphs for people, snapshots and `--print graph`. */
import type { OpAttributes, ScanBody, ScanNode } from '../ops/attributes.js';
import type { Graph, GraphInstance, GraphNode, GraphParameter, Initializer, ModelGraph, NodeId } from './graph.js';
import { printType } from './types.js';

/** All templates once, then the instances in order. */
export function printModelGraph(model: ModelGraph): string {
  const header = `model ${model.name}: vocab ${model.vocab}, width ${model.width}, context ${model.context}`;
  const instances = model.instances.map((instance) => `  ${printInstance(instance, model)}`);
  return [header, '', ...model.graphs.map(printGraph), 'instances', ...instances, ''].join('\n');
}

function printInstance(instance: GraphInstance, model: ModelGraph): string {
  const aliases = Object.entries(instance.aliases).map(([local, full]) => `${local} = ${full}`);
  const where = aliases.length > 0 ? ` with ${aliases.join(', ')}` : '';
  return `${instance.path}: ${model.graphs[instance.graph]?.name ?? `graph ${instance.graph}`}${where}`;
}

/**
 * One line a node: `name = op(inputs) {attributes} : type`. Nodes go by their labels, numbered where a label repeats;
 * unlabelled ones by a number of their own, so that a name does not depend on what others are called.
 */
export function printGraph(graph: Graph): string {
  const names = nodeNames(graph.nodes);
  const lines = [`graph ${graph.name} {`];
  for (const parameter of graph.parameters) lines.push(`  ${printParameter(parameter)}`);
  for (const node of graph.nodes) {
    if (node.op !== 'parameter') lines.push(...printNode(node, names).map((line) => `  ${line}`));
  }
  lines.push(`  return ${names[graph.output] ?? '?'}`, '}', '');
  return lines.join('\n');
}

function printParameter({ path, type, role, init }: GraphParameter): string {
  return `param ${path}: ${printType(type)} = ${printInitializer(init)} as ${role}`;
}

export function printInitializer(init: Initializer): string {
  switch (init.kind) {
    case 'constant':
      return `${init.value}`;
    case 'normal':
      return `normal(${init.std})`;
    case 'uniform':
      return `uniform(${init.low}, ${init.high})`;
    case 'log_uniform':
      return `log_uniform(${init.low}, ${init.high}${init.floor === undefined ? '' : `, floor = ${init.floor}`})`;
    case 'kaiming_uniform':
      return `kaiming_uniform(${init.fan_in})`;
    case 'output':
      return `output(${init.std})`;
    case 'apply':
      return `${init.fn}(${printInitializer(init.of)})`;
  }
}

type Printable = Pick<GraphNode, 'id' | 'inputs' | 'type' | 'label'> & {
  readonly op: string;
  readonly attributes: unknown;
};

function printNode(node: Printable, names: readonly string[]): string[] {
  const inputs = node.inputs.map((input) => names[input] ?? `?${input}`).join(', ');
  if (node.op === 'scan' || node.op === 'scan_gradient') {
    const { body, ...rest } = node.attributes as OpAttributes['scan'];
    const head = `${names[node.id]} = ${node.op}(${inputs})${printAttributes(rest)} {`;
    return [head, ...printBody(body), `} : ${printType(node.type)}`];
  }
  return [`${names[node.id]} = ${node.op}(${inputs})${printAttributes(node.attributes)} : ${printType(node.type)}`];
}

function printBody(body: ScanBody): string[] {
  const names = nodeNames(body.nodes);
  const lines = body.nodes.flatMap((node: ScanNode) => printNode(node, names));
  body.next.forEach((id, i) => lines.push(`state ${i} = ${names[id]}`));
  lines.push(`yield ${names[body.yields]}`);
  return lines.map((line) => `  ${line}`);
}

function nodeNames(nodes: readonly { readonly id: NodeId; readonly label?: string }[]): string[] {
  const used = new Map<string, number>();
  let unnamed = 0;
  return nodes.map(({ label }) => {
    if (label === undefined) return `%${unnamed++}`;
    const count = (used.get(label) ?? 0) + 1;
    used.set(label, count);
    return `%${label}${count === 1 ? '' : `#${count}`}`;
  });
}

function printAttributes(attributes: unknown): string {
  const entries = Object.entries(attributes as Record<string, unknown>).filter(([, value]) => value !== undefined);
  if (entries.length === 0) return '';
  return ` {${entries.map(([key, value]) => `${key}: ${printValue(value)}`).join(', ')}}`;
}

function printValue(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : `${value}`;
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(printValue).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    if ('name' in value && 'extent' in value) {
      return value.extent === 'time' ? `${String(value.name)}` : `${String(value.name)}: ${String(value.extent)}`;
    }
    return `{${Object.entries(value)
      .map(([k, v]) => `${k}: ${printValue(v)}`)
      .join(', ')}}`;
  }
  return String(value);
}
