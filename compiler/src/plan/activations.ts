import type { ActivationSpec, Size } from '@hyb/runtime';
import type { Graph, GraphNode } from '../graph/graph.js';
import { elementsPerToken, hasTime } from '../graph/types.js';
import type { CallOperand, KernelCall } from '../lower/call.js';

/**
 * Buffers for what lives between kernels of one stage. A buffer is free for the next value after the last call that
 * reads it; buffers are shared by all stages, since stages run one after another. The residual stream has its own.
 */
export class ActivationPool {
  readonly #slots: Size[] = [];

  /** @param width of the residual stream's buffer; without, values have none */
  constructor(readonly width?: number) {}

  /** Buffer of each value and scratch operand of the calls, by the operand's JSON. */
  allocate(
    calls: readonly KernelCall[],
    graph?: Graph,
    rows: 'tokens' | 'rows' = 'tokens',
    /** Values that have a place of their own. */
    elsewhere: (node: number) => boolean = () => false,
  ): ReadonlyMap<string, string> {
    const isLocal = (operand: CallOperand): operand is LocalOperand =>
      operand.kind === 'scratch' || (operand.kind === 'value' && !elsewhere(operand.node));
    const lastUse = new Map<string, number>();
    calls.forEach((call, i) => {
      for (const operand of Object.values(call.bindings)) if (isLocal(operand)) lastUse.set(JSON.stringify(operand), i);
    });
    const home = new Map<string, string>();
    const busy = new Map<number, string>();
    calls.forEach((call, i) => {
      for (const operand of Object.values(call.bindings)) {
        if (!isLocal(operand)) continue;
        const key = JSON.stringify(operand);
        if (home.has(key)) continue;
        if (this.width !== undefined && graph && operand.kind === 'value' && isStream(graph, operand.node)) {
          home.set(key, 'stream');
          continue;
        }
        const slot = this.#take(busy, sizeOf(operand, graph, rows));
        busy.set(slot, key);
        home.set(key, `activation_${slot}`);
      }
      for (const [slot, key] of [...busy]) if (lastUse.get(key) === i) busy.delete(slot);
    });
    return home;
  }

  #take(busy: ReadonlyMap<number, string>, size: Size): number {
    let slot = 0;
    while (busy.has(slot)) slot++;
    this.#slots[slot] = this.#slots[slot] === undefined ? size : larger(this.#slots[slot]!, size);
    return slot;
  }

  specs(): readonly ActivationSpec[] {
    return [
      ...(this.width === undefined ? [] : [{ id: 'stream', elements: ['mul', 'tokens', this.width] } as const]),
      ...this.#slots.map((elements, i) => ({ id: `activation_${i}`, elements })),
    ];
  }
}

type LocalOperand = CallOperand & { readonly kind: 'value' | 'scratch' };

/** The stream itself, and the result that replaces it. */
function isStream(graph: Graph, node: number): boolean {
  const n = graph.nodes[node]!;
  return (n.op === 'input' && (n as GraphNode<'input'>).attributes.name === 'x') || node === graph.output;
}

function sizeOf(operand: LocalOperand, graph: Graph | undefined, rows: 'tokens' | 'rows'): Size {
  if (operand.kind === 'scratch') return operand.elements;
  const { type } = graph!.nodes[operand.node]!;
  return hasTime(type) ? ['mul', rows, elementsPerToken(type)] : elementsPerToken(type);
}

function larger(a: Size, b: Size): Size {
  if (typeof a === 'object' && typeof b === 'object' && a[0] === 'mul' && b[0] === 'mul' && a[1] === b[1]) {
    if (typeof a[2] === 'number' && typeof b[2] === 'number') return a[2] >= b[2] ? a : b;
  }
  return JSON.stringify(a) === JSON.stringify(b) ? a : ['max', a, b];
}
