/**
 * A layer's graph from a block instance. The first elaboration, without rounding, finds errors and records the places at
 * which values are rounded; each outcome of the precision rules then has a graph of its own.
 */
import type { Span } from '@hyb/grammar';
import type { Diagnostics } from '../diagnostics/collector.js';
import { createGraphBuilder } from '../graph/builder.js';
import type { LayerGraphBuilder } from '../graph/builder.js';
import type { Graph, NodeId } from '../graph/graph.js';
import { TIME, dim } from '../graph/types.js';
import type { Dtype } from '../graph/types.js';
import type { BlockInstance } from '../model/model.js';
import { elaborateBlock } from './elaborate/block.js';
import { describeDims } from './elaborate/describe.js';
import { addNode, fail } from './elaborate/frame.js';
import type { Frame, Observer, Unit } from './elaborate/frame.js';
import { applyNorm } from './elaborate/slot.js';
import type { LayerTape } from './elaborate/tape.js';
import { typeOf } from './elaborate/values.js';
import type { TensorValue } from './elaborate/values.js';
import type { GenericSizes } from './generic/sizes.js';
import { Rounder } from './rounding.js';
import type { Place } from './rounding.js';

/** A traced graph with what is known of its places. */
export interface Traced {
  /** Undefined where something is wrong; the findings say what. */
  readonly graph?: Graph;
  /** Places of rounding, in order of elaboration. */
  readonly places: readonly Place[];
  /** Number of matrix products: what `linears[…]` counts. */
  readonly products: number;
  /** Matrix product of each linear map's weight, by the parameter's path. */
  readonly productOf: ReadonlyMap<string, number>;
  /** Paths of parameters that belong to norms. */
  readonly norms: ReadonlySet<string>;
}

export interface TraceOptions {
  readonly name: string;
  readonly width: number;
  readonly diagnostics: Diagnostics;
  /** Formats at the places of an earlier trace. */
  readonly decisions?: readonly Dtype[];
  readonly generic?: GenericSizes;
  readonly requirements?: Unit['requirements'];
  readonly instance?: Span;
  readonly observer?: Observer;
}

/** Starts a unit with an empty graph. */
export function createUnit(options: TraceOptions): Unit & { readonly layer: LayerTape } {
  const builder = createGraphBuilder({ width: options.width });
  return {
    diagnostics: options.diagnostics,
    layer: { kind: 'layer', builder },
    rounder: new Rounder(options.decisions),
    width: options.width,
    declared: new Map(),
    expanded: { count: 0 },
    unmet: { some: false },
    rows: new Map(),
    ...(options.instance !== undefined && { instance: options.instance }),
    ...(options.generic !== undefined && { generic: options.generic }),
    ...(options.requirements !== undefined && { requirements: options.requirements }),
    ...(options.observer !== undefined && { observer: options.observer }),
  };
}

/** `h = x + out(block(pre(x)))`, then `post`. */
export function traceLayer(block: BlockInstance, options: TraceOptions): Traced {
  const unit = createUnit({ instance: block.span, ...options });
  const { builder } = unit.layer;
  const frame = outermost(unit, block);
  const input: TensorValue = { kind: 'tensor', tape: unit.layer, node: builder.input('x') };
  const before = unit.diagnostics.errors;
  const normed = slot(frame, block, 'pre', input);
  const mixed = body(frame, block, normed);
  const scaled = mixed && slot(frame, block, 'out', mixed);
  const sum = scaled && addNode(frame, 'add', [input.node, scaled.node], {}, block.span);
  let output: NodeId | undefined;
  if (sum !== undefined) {
    const stream: TensorValue = { ...input, node: unit.rounder.round(frame, sum, { role: 'activations' }) };
    output = slot(frame, block, 'post', stream)?.node;
  }
  return finish(unit, options, output, before);
}

export function outermost(unit: Unit, block: Pick<BlockInstance, 'declaration' | 'scope' | 'slots'>): Frame {
  return {
    unit,
    owner: 'block',
    name: block.declaration.name.text,
    scope: block.scope,
    tape: unit.layer,
    bindings: new Map(),
    path: '',
    taken: new Set(),
    open: [],
    applications: new Map(),
    slots: block.slots,
    place: { name: 'result', used: new Map() },
  };
}

function slot(
  frame: Frame,
  block: BlockInstance,
  name: 'pre' | 'out' | 'post',
  x: TensorValue,
): TensorValue | undefined {
  const norm = Object.hasOwn(block.slots, name) ? block.slots[name] : undefined;
  if (norm === undefined || norm === null) return x;
  const unit = { ...frame.unit, instance: norm.span };
  // Where a parameter of the block has the slot's name, the two would share paths.
  const path = block.declaration.body.some((s) => s.kind === 'ParamStatement' && s.name.text === name) ? 'norm.' : '';
  const result = applyNorm(norm, name, x, norm.span, { ...frame, unit, path }, norm.span, name);
  return result.kind === 'tensor' ? result : undefined;
}

/** The block's body on its input, of any value that has its type where the norm before it failed. */
function body(frame: Frame, block: BlockInstance, normed: TensorValue | undefined): TensorValue | undefined {
  const { declaration, span } = block;
  const { unit } = frame;
  const { builder } = unit.layer;
  if (declaration.inputs.length !== 1) {
    return fail(
      frame,
      'HYB3067',
      span,
      { name: declaration.name.text },
      {
        expected: '1 input',
        found: `${declaration.inputs.length} inputs`,
        related: [{ span: declaration.name.span, message: 'declared here' }],
      },
    );
  }
  const x = normed ?? { kind: 'tensor', tape: unit.layer, node: builder.input('x') };
  const result = elaborateBlock(block, [{ value: x, span }], { frame, path: '', span });
  if (result.kind !== 'tensor') return undefined;
  const { dims } = typeOf(result);
  const stream = [TIME, dim('width', unit.width)];
  if (dims.length !== 2 || dims[0]!.extent !== 'time' || dims[1]!.name !== 'width' || dims[1]!.extent !== unit.width) {
    return fail(
      frame,
      'HYB3067',
      declaration.name.span,
      { name: declaration.name.text },
      {
        expected: describeDims(stream, unit),
        found: describeDims(dims, unit),
      },
    );
  }
  return { ...result, node: unit.rounder.round(frame, result.node, { role: 'activations' }) };
}

/** The finished graph, with its parameters in order of declaration; unused ones are reported. */
export function finish(unit: Unit, options: TraceOptions, output: NodeId | undefined, errorsBefore: number): Traced {
  const { builder } = unit.layer as { readonly builder: LayerGraphBuilder };
  const { places, products, productOf } = unit.rounder;
  const failed = output === undefined || unit.diagnostics.errors > errorsBefore;
  const norms = new Set([...unit.declared].flatMap(([path, { norm }]) => (norm ? [path] : [])));
  const known = { places, products, productOf, norms };
  if (failed) return known;
  const graph = builder.finish(options.name, output);
  const order = [...unit.declared.keys()];
  const parameters = [...graph.parameters].sort((a, b) => order.indexOf(a.path) - order.indexOf(b.path));
  const read = new Set(reachableParameters(graph));
  for (const [path, { name, span }] of unit.declared) {
    if (!read.has(path)) fail({ unit }, 'HYB3025', span, { name });
  }
  const weights = new Set(graph.nodes.flatMap(({ op, inputs }) => (op === 'linear' ? [inputs[1]] : [])));
  for (const { op, inputs, origin } of graph.nodes) {
    if (op === 'spectral_norm' && !weights.has(inputs[0]) && origin) fail({ unit }, 'HYB3070', origin, {});
  }
  return { graph: withoutUnread({ ...graph, parameters }, read), ...known };
}

function reachableParameters(graph: Graph): readonly string[] {
  const reached = new Set<NodeId>([graph.output]);
  const paths: string[] = [];
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    if (!reached.has(id)) continue;
    const node = graph.nodes[id]!;
    for (const input of node.inputs) reached.add(input);
    if (node.op === 'parameter') paths.push((node.attributes as { readonly path: string }).path);
  }
  return paths;
}

/** Parameters that a value was computed from which nobody used are no parameters of the layer. */
function withoutUnread(graph: Graph, read: ReadonlySet<string>): Graph {
  if (graph.parameters.every((p) => read.has(p.path))) return graph;
  const dropped = (node: Graph['nodes'][number]): boolean =>
    node.op === 'parameter' && !read.has((node.attributes as { readonly path: string }).path);
  const renumbered = new Map<NodeId, NodeId>();
  const nodes: Graph['nodes'][number][] = [];
  for (const node of graph.nodes) {
    if (dropped(node)) continue;
    renumbered.set(node.id, nodes.length);
    nodes.push({ ...node, id: nodes.length, inputs: node.inputs.map((i) => renumbered.get(i)!) });
  }
  return {
    ...graph,
    nodes,
    parameters: graph.parameters.filter((p) => read.has(p.path)),
    output: renumbered.get(graph.output)!,
  };
}
