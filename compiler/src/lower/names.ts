/** Names and one-line descriptions of kernels, for people: they appear in WGSL files, inspection and profiles. */
import type { Graph, NodeId } from '../graph/graph.js';
import type { Mode } from './call.js';

/** A WGSL-safe name: `M_decode_in_z_matvec`. Only letters, digits and single underscores. */
export function kernelName(graph: Graph, mode: Mode, node: NodeId, kind: string): string {
  const label = graph.nodes[node]!.label ?? graph.nodes[node]!.op;
  return safeName(`${graph.name}_${mode}_${label}_${kind}`);
}

export function safeName(text: string): string {
  return text
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .replace(/^(?=\d)/, 'k');
}

/** `mean + linear in_z + linear in_xbc + conv1d + silu`: what a kernel computes, in order. */
export function describe(graph: Graph, nodes: Iterable<NodeId>): string {
  const parts = [...new Set(nodes)]
    .sort((a, b) => a - b)
    .map((id) => graph.nodes[id]!)
    .filter((n) => !['reshape', 'rename', 'transpose', 'slice', 'parameter', 'constant'].includes(n.op))
    .map((n) => (n.label && n.label !== n.op ? `${n.op} ${printable(n.label)}` : n.op));
  return parts.join(' + ') || 'copy';
}

/** Labels come from source text: keep what cannot end a comment or a line. */
function printable(label: string): string {
  return label.replace(/[^A-Za-z0-9_.]/g, '_');
}
