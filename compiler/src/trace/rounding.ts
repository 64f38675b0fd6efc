/**
 * Where values are rounded. A first elaboration of a block records its places; the precision rules then say, for each
 * layer, what happens at each; a second elaboration inserts the casts. Without rules there is nothing to insert.
 */
import type { NodeId } from '../graph/graph.js';
import type { Dtype } from '../graph/types.js';
import type { Frame } from './elaborate/frame.js';

/** A place inside a block at which a value may be rounded. */
export interface Place {
  readonly role: 'activations' | 'state' | 'gradients';
  /** Parameter or slot that the value belongs to, as `PrecisionPlace.member`. */
  readonly member?: string;
  readonly norm?: true;
  /** The operand of a matrix product: rounded only where a rule speaks of `linears`. */
  readonly operand?: true;
  /** Index of the matrix product among those of the block; linear maps of one value are one product. */
  readonly linear?: number;
  /** Keys and values: with the `state` role if a rule says so, or else as activations. */
  readonly cached?: true;
}

export class Rounder {
  readonly places: Place[] = [];
  /** Matrix product of each linear map's weight, by the parameter's path. */
  readonly productOf = new Map<string, number>();
  readonly #products = new Map<NodeId, number>();
  readonly #decisions: readonly Dtype[] | undefined;
  #next = 0;

  /** @param decisions a format for each place in order of elaboration; absent: nothing is rounded, places are recorded */
  constructor(decisions?: readonly Dtype[]) {
    this.#decisions = decisions;
  }

  /** The index of the matrix product that reads a value, and now this weight too. */
  product(input: NodeId, weight: string): number {
    const index = this.#products.get(input) ?? this.#products.size;
    this.#products.set(input, index);
    this.productOf.set(weight, index);
    return index;
  }

  get products(): number {
    return this.#products.size;
  }

  /** The format at a place, for what is not rounded in this graph: gradients. */
  formatAt(place: Place): Dtype {
    const index = this.#next++;
    if (this.#decisions === undefined) this.places.push(place);
    return this.#decisions?.[index] ?? 'f32';
  }

  round(frame: Pick<Frame, 'tape'>, node: NodeId, place: Place): NodeId {
    const to = this.formatAt(place);
    if (to === 'f32') return node;
    const { builder } = frame.tape;
    const built = builder.nodeOf(node);
    // Rounding twice to one format is rounding once.
    if (built.op === 'cast' && (built.attributes as { readonly to: Dtype }).to === to) return node;
    return builder.add('cast', [node], { to });
  }
}
