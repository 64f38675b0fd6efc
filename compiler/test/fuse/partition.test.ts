/** What fuses with what, as text. */
import { partition } from '../../src/fuse/partition.js';
import type { Graph } from '../../src/graph/graph.js';
import type { Mode } from '../../src/lower/call.js';
import * as layers from '../support/layers.js';

const GRAPHS: Readonly<Record<string, Graph>> = {
  Mamba2: layers.residualLayer(
    'M',
    64,
    1e-5,
    layers.mamba2({ heads: 8, head_dim: 16, state: 16, groups: 2, conv: 4, eps: 1e-5 }, 64),
  ),
  Attention: layers.residualLayer('A', 64, 1e-5, layers.attention({ heads: 4, kv_heads: 2, head_dim: 16 }, 64)),
  'Attention with rotary embedding': layers.residualLayer(
    'R',
    64,
    1e-5,
    layers.attention({ heads: 4, kv_heads: 2, head_dim: 16, rope: [1, 0.1] }, 64),
  ),
  MLP: layers.residualLayer('F', 64, 1e-5, layers.mlp(128, 64)),
  GatedMLP: layers.residualLayer('G', 64, 1e-5, layers.gatedMlp(128, 64)),
};

/** One line a group: what it reads the rows for, its anchors, its epilogue; `>` before what it stores. */
function describeGroups(graph: Graph, mode: Mode): string[] {
  return partition(graph, { mode, fused: true }).map((group) => {
    const name = (id: number): string => `${group.stores.includes(id) ? '>' : ''}${graph.nodes[id]!.op}`;
    const reductions = group.kind === 'structured' ? [] : group.reductions;
    const members = [...new Set([...reductions, ...group.anchors, ...group.epilogue, ...group.stores])].sort(
      (a, b) => a - b,
    );
    const writes = group.kind === 'linear' ? group.cacheWrites.map(({ name }) => ` >cached ${name}s`) : [];
    return `${group.kind}: ${members.map(name).join(' ')}${writes.join('')}`;
  });
}

test.each(Object.entries(GRAPHS))('%s', (_, graph) => {
  expect({ prefill: describeGroups(graph, 'prefill'), decode: describeGroups(graph, 'decode') }).toMatchSnapshot();
});

test('every stored value is made by exactly one group, before it is read', () => {
  for (const graph of Object.values(GRAPHS)) {
    for (const mode of ['prefill', 'decode'] as const) {
      for (const fused of [true, false]) {
        const made = new Set<number>();
        for (const group of partition(graph, { mode, fused })) {
          for (const id of group.stores) {
            expect(made.has(id)).toBe(false);
            made.add(id);
          }
        }
        expect(made.has(graph.output)).toBe(true);
      }
    }
  }
});
