/** How fusion sees each op. One row an op; the partition and the evaluator read nothing else about it. */
import type { Graph, GraphNode } from '../graph/graph.js';
import { hasTime } from '../graph/types.js';
import type { OpName } from '../ops/attributes.js';
import { BINARY, REDUCTIONS, UNARY } from '../ops/attributes.js';

/**
 * - `source`: parameters and constants; read where needed
 * - `input`: the residual stream or the tokens
 * - `element`: element-wise, or the same elements under other dimensions: may stand in a prologue or an epilogue
 * - `gather`: one element read from elsewhere in the inputs' rows: may stand in a prologue only
 * - `reduction`: row-wise reduction
 * - `anchor`: has a kernel generator of its own
 */
export type FusionClass = 'source' | 'input' | 'element' | 'gather' | 'reduction' | 'anchor';

const CLASSES: Readonly<Partial<Record<OpName, FusionClass>>> = {
  parameter: 'source',
  constant: 'source',
  // Computed once after loading; read from the layer's pack like a parameter.
  spectral_norm: 'source',
  input: 'input',
  position: 'gather',
  cast: 'element',
  where: 'element',
  reshape: 'element',
  rename: 'element',
  transpose: 'element',
  slice: 'gather',
  concat: 'gather',
  rope: 'gather',
  linear: 'anchor',
  conv1d: 'anchor',
  ssd: 'anchor',
  attend: 'anchor',
  scan: 'anchor',
  embed: 'anchor',
  // Of gradient graphs.
  pad: 'gather',
  broadcast: 'gather',
  ssd_gradient: 'anchor',
  attend_gradient: 'anchor',
  conv1d_input_gradient: 'anchor',
  conv1d_weight_gradient: 'anchor',
  scan_gradient: 'anchor',
  spectral_norm_gradient: 'anchor',
  embed_gradient: 'anchor',
  linear_input_gradient: 'anchor',
  linear_weight_gradient: 'anchor',
  kept: 'input',
  stack: 'anchor',
  matrix_input_gradient: 'anchor',
  matrix_weight_gradient: 'anchor',
  cross_entropy_gradient: 'anchor',
  attend_probe: 'anchor',
};

const ELEMENT_WISE: ReadonlySet<string> = new Set([...UNARY, ...BINARY]);
const ROW_REDUCTIONS: ReadonlySet<string> = new Set(REDUCTIONS);

/** Whether a node reduces over all tokens: in training, where parameters' gradients are sums and scales are maxima. */
export function reducesTime(graph: Graph, node: GraphNode): node is GraphNode<'sum' | 'amax'> {
  return (
    (node.op === 'sum' || node.op === 'amax') &&
    hasTime(graph.nodes[node.inputs[0]!]!.type) &&
    (node as GraphNode<'sum' | 'amax'>).attributes.dims.includes('time')
  );
}

export function fusionClass(op: OpName): FusionClass {
  if (ELEMENT_WISE.has(op)) return 'element';
  if (ROW_REDUCTIONS.has(op)) return 'reduction';
  const known = CLASSES[op];
  if (!known) throw new Error(`op ${op} has no place in forward programs`);
  return known;
}
