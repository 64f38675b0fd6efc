/** What the operands of kernel calls hold at first: parameters laid out as plan does it, tables, and zero-filled values. */
import type { SizeValues } from '@hyb/runtime';
import { evaluateSize } from '@hyb/runtime';
import type { Graph, GraphNode } from '../../src/graph/graph.js';
import { elementsPerToken, hasTime } from '../../src/graph/types.js';
import type { CallOperand, KernelCall } from '../../src/lower/call.js';
import { vectorLayout } from '../../src/lower/lower.js';

export type Variants = 'core' | 'second' | 'best';

export interface Run {
  readonly graph: Graph;
  readonly calls: readonly KernelCall[];
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly sizes: SizeValues;
  /** The core variants, the best ones, or the ones in between (best, core where there is none); default core. */
  readonly variants?: Variants;
  /** Contents of `value` (by node), `state`, `batch` and `sampler` operands, by the operand's JSON. */
  readonly contents: ReadonlyMap<string, Float32Array | Uint32Array>;
}

export function variantOf(run: Run, call: KernelCall): KernelCall['variants'][number] {
  const last = call.variants.length - 1;
  return call.variants[{ best: 0, second: Math.min(1, last), core: last }[run.variants ?? 'core']]!;
}

export class Operands {
  constructor(readonly run: Run) {}

  /** Contents, or the length of what starts uninitialised. */
  initial(operand: CallOperand): Float32Array | Uint32Array | number {
    return this.run.contents.get(JSON.stringify(operand)) ?? this.#make(operand);
  }

  #make(operand: CallOperand): Float32Array | number {
    const { graph, parameters, sizes } = this.run;
    switch (operand.kind) {
      case 'matrix':
        return this.#matrix(operand);
      case 'vectors': {
        const layout = vectorLayout(graph);
        const pack = new Float32Array(layout.elements);
        for (const [path, offset] of Object.entries(layout.offsets)) pack.set(parameters.get(path)!, offset);
        return pack;
      }
      case 'value': {
        const { type } = graph.nodes[operand.node]!;
        return elementsPerToken(type) * (hasTime(type) ? sizes.tokens : 1);
      }
      case 'scratch':
        return evaluateSize(operand.elements, sizes);
      case 'table': {
        const n = operand.frequencies.length;
        const high = Math.ceil(sizes.capacity / 256);
        const table = new Float32Array((256 + high) * n * 2);
        for (let p = 0; p < 256 + high; p++) {
          const position = p < 256 ? p : (p - 256) * 256;
          operand.frequencies.forEach((f, k) => {
            table[(p * n + k) * 2] = Math.cos(position * f);
            table[(p * n + k) * 2 + 1] = Math.sin(position * f);
          });
        }
        return table;
      }
      default:
        throw new Error(`nothing given for ${JSON.stringify(operand)}`);
    }
  }

  #matrix(operand: CallOperand & { kind: 'matrix' }): Float32Array {
    const { graph, parameters } = this.run;
    const parts = operand.parameters.map((path) => {
      const node = graph.nodes.find(
        (n) => n.op === 'parameter' && (n as GraphNode<'parameter'>).attributes.path === path,
      )!;
      const reader = graph.nodes.find((n) => n.op === 'linear' && n.inputs[1] === node.id) as
        GraphNode<'linear'> | undefined;
      const extents = node.type.dims.map((d) => d.extent as number);
      const outputs = reader ? reader.attributes.out.length : 1;
      const rows = extents.slice(0, outputs).reduce((a, b) => a * b, 1);
      const columns = extents.slice(outputs).reduce((a, b) => a * b, 1);
      return { data: parameters.get(path)!, rows, columns };
    });
    const columns = Math.ceil(parts[0]!.columns / 4) * 4;
    const rows = parts.reduce((n, p) => n + p.rows, 0);
    const out = new Float32Array(rows * columns);
    let next = 0;
    parts.forEach((p, j) => {
      for (let r = 0; r < p.rows; r++) {
        const row = operand.interleaved ? r * parts.length + j : next + r;
        out.set(p.data.subarray(r * p.columns, (r + 1) * p.columns), row * columns);
      }
      next += p.rows;
    });
    return out;
  }
}
