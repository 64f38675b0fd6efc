import type { Span } from '@hyb/grammar';
import type { BodyBuilder } from '../../graph/body-builder.js';
import type { LayerGraphBuilder } from '../../graph/builder.js';
import type { NodeId } from '../../graph/graph.js';
import type { TensorType } from '../../graph/types.js';

/** Where nodes are appended: the layer's graph, or the body of a `scan`, which reads the values of the layer outside. */
export type Tape = LayerTape | ScanTape;

export interface LayerTape {
  readonly kind: 'layer';
  readonly builder: LayerGraphBuilder;
}

export interface ScanTape {
  readonly kind: 'scan';
  readonly builder: BodyBuilder;
  readonly outer: LayerTape;
  /** Name of the token index. */
  readonly index: string;
  readonly span: Span;
  /** Values of the layer that the body reads, in order of first use, with their types; both grow. */
  readonly outers: NodeId[];
  readonly outerTypes: TensorType[];
}

/** The body's node for a value of the layer, `offset` tokens ago. */
export function readOuter(tape: ScanTape, node: NodeId, offset = 0, label?: string): NodeId {
  let index = tape.outers.indexOf(node);
  if (index < 0) {
    index = tape.outers.push(node) - 1;
    tape.outerTypes.push(tape.outer.builder.typeOf(node));
  }
  return tape.builder.input(index, offset, label);
}
