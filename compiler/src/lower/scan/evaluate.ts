/** Values of a scan body's nodes as kernel expressions, at coordinates within the workgroup's slice. */
import type { NodeId } from '../../graph/graph.js';
import type { Dim } from '../../graph/types.js';
import * as e from '../../kernel/expressions.js';
import type { KernelBuilder } from '../../kernel/build.js';
import type { Expression } from '../../kernel/ir.js';
import type { BinaryName, OpAttributes, ReductionName, ScanNode, UnaryName } from '../../ops/attributes.js';
import { BINARY, UNARY } from '../../ops/attributes.js';
import { scanLeaf } from '../../ops/body.js';
import { BINARY_EXPRESSIONS, castExpression, isTrue, UNARY_EXPRESSIONS } from '../pointwise.js';
import { extentOf, isReduction, keptByReshape } from './axes.js';
import { reducedElements } from './plan.js';
import type { ScanPlan } from './plan.js';
import { byName } from '../../model/by-name.js';

const UNARY_NAMES: ReadonlySet<string> = new Set(UNARY);
const BINARY_NAMES: ReadonlySet<string> = new Set(BINARY);

/** Index in each dimension, by name; those of extent 1 are `ZERO`. */
export type Place = Readonly<Record<string, Expression>>;
export const ZERO = e.u32(0);

export interface Leaves {
  state(index: number, place: Place): Expression;
  input(node: ScanNode, index: number, offset: number, place: Place): Expression;
}

export const REDUCE: Readonly<
  Record<ReductionName, { initial: number; join: (a: Expression, b: Expression) => Expression }>
> = {
  sum: { initial: 0, join: e.add },
  mean: { initial: 0, join: e.add },
  // Lowest and largest finite values stand for the infinities, which WGSL lacks.
  amax: { initial: -3.4e38, join: e.max },
  amin: { initial: 3.4e38, join: e.min },
};

export class BodyEvaluator {
  /** Values at hand, innermost block last. */
  readonly #frames: Map<string, Expression>[] = [new Map()];
  readonly #given = new Map<NodeId, (place: Place) => Expression>();
  readonly #identities = new WeakMap<Expression, number>();
  #identityCount = 0;

  constructor(
    readonly plan: ScanPlan,
    readonly builder: KernelBuilder,
    readonly leaves: Leaves,
  ) {}

  /** Runs `body`, which writes a block of its own. */
  inBlock<T>(body: () => T): T {
    this.#frames.push(new Map());
    const result = body();
    this.#frames.pop();
    return result;
  }

  /** From here on the node's value is `read`. */
  give(node: NodeId, read: (place: Place) => Expression): void {
    this.#given.set(node, read);
    for (const frame of this.#frames) for (const key of frame.keys()) if (key.startsWith(`${node}:`)) frame.delete(key);
  }
  takeBack(node: NodeId): void {
    this.#given.delete(node);
  }

  value(id: NodeId, place: Place): Expression {
    const node = this.plan.nodes[id]!;
    const own = this.#own(node, place);
    const key = `${id}:${node.type.dims.map((d) => this.#identity(own[d.name]!)).join()}`;
    for (const frame of this.#frames) {
      const known = frame.get(key);
      if (known) return known;
    }
    const made = this.#given.get(id)?.(own) ?? this.#make(node, own);
    const value =
      made.kind === 'literal' || made.kind === 'local' ? made : this.builder.let(node.label ?? node.op, made);
    this.#frames[this.#frames.length - 1]!.set(key, value);
    return value;
  }

  /** The coordinates of the node's dimensions. */
  #own(node: ScanNode, place: Place): Place {
    return Object.fromEntries(
      node.type.dims.map((d) => {
        if (this.plan.local(node.id, d) === 1) return [d.name, ZERO];
        const coordinate = place[d.name];
        if (!coordinate) throw new Error(`node ${node.id} of the scan: no index for ${d.name}`);
        return [d.name, coordinate];
      }),
    );
  }

  #identity(x: Expression): number | string {
    if (x.kind === 'literal') return `=${x.value}`;
    let id = this.#identities.get(x);
    if (id === undefined) this.#identities.set(x, (id = this.#identityCount++));
    return id;
  }

  #make(node: ScanNode, place: Place): Expression {
    const input = (i: number): Expression => this.value(node.inputs[i]!, place);
    if (UNARY_NAMES.has(node.op)) return UNARY_EXPRESSIONS[node.op as UnaryName](input(0));
    if (BINARY_NAMES.has(node.op)) return BINARY_EXPRESSIONS[node.op as BinaryName](input(0), input(1));
    if (isReduction(node)) return this.#reduce(node, place);
    switch (node.op) {
      case 'scan_state':
        return this.leaves.state(scanLeaf(node).index, place);
      case 'scan_input': {
        const { index, offset } = scanLeaf(node);
        return this.leaves.input(node, index, offset, place);
      }
      case 'constant':
        return e.f32((node.attributes as OpAttributes['constant']).value);
      case 'cast':
        return castExpression((node.attributes as OpAttributes['cast']).to, input(0));
      case 'where':
        return e.select(isTrue(input(0)), input(1), input(2));
      case 'broadcast':
      case 'transpose':
        return input(0);
      case 'rename': {
        const { names } = node.attributes as OpAttributes['rename'];
        const from = this.plan.nodes[node.inputs[0]!]!.type.dims;
        return this.value(
          node.inputs[0]!,
          Object.fromEntries(from.map((d) => [d.name, place[names[d.name] ?? d.name]!])),
        );
      }
      case 'reshape':
        return this.value(node.inputs[0]!, this.#beforeReshape(node, place));
      default:
        throw new Error(`${node.op} cannot stand in a scan`);
    }
  }

  #beforeReshape(node: ScanNode, place: Place): Place {
    const from = this.plan.nodes[node.inputs[0]!]!.type.dims;
    const to = node.type.dims;
    const kept = keptByReshape(from, to);
    // What is not kept has the same number of elements before and after, in the same order.
    const rest = flatIndex(
      to.filter((d) => !kept.some(([, b]) => b === d)),
      extentOf,
      place,
    );
    const before = indicesOf(
      this.builder,
      from.filter((d) => !kept.some(([a]) => a === d)),
      extentOf,
      rest,
    );
    return { ...before, ...Object.fromEntries(kept.map(([a, b]) => [a.name, place[b.name]!])) };
  }

  /** A reduction by one invocation. */
  #reduce(node: ScanNode, place: Place): Expression {
    const { builder } = this;
    const op = node.op as ReductionName;
    const { initial, join } = REDUCE[op];
    const result = builder.variable(node.label ?? op, 'f32', e.f32(initial));
    const elements = reducedElements(this.plan.nodes, node);
    builder.for('n', 0, elements, (n) => {
      this.inBlock(() => result.set(join(result.value, this.reduced(node, place, n))));
    });
    return op === 'mean' ? e.mul(result.value, 1 / elements) : builder.let('reduced', result.value);
  }

  /** Element `n` (of the reduced dimensions) of what the reduction `node` at `place` reduces. */
  reduced(node: ScanNode, place: Place, n: Expression): Expression {
    const { dims } = node.attributes as OpAttributes['sum'];
    const from = this.plan.nodes[node.inputs[0]!]!.type.dims;
    const inner = indicesOf(
      this.builder,
      from.filter((d) => dims.includes(d.name)),
      extentOf,
      n,
    );
    return this.value(node.inputs[0]!, { ...place, ...inner });
  }
}

/** Row-major index of a place. */
export function flatIndex(dims: readonly Dim[], extent: (d: Dim) => number, place: Place): Expression {
  return dims.reduce<Expression>(
    (flat, d) => e.add(e.mul(flat, extent(d)), extent(d) === 1 ? ZERO : place[d.name]!),
    ZERO,
  );
}

/** The place of a row-major index. */
export function indicesOf(
  builder: KernelBuilder,
  dims: readonly Dim[],
  extent: (d: Dim) => number,
  flat: Expression,
): Place {
  const place = byName<Expression>();
  let stride = 1;
  const large = dims.filter((d) => extent(d) > 1);
  for (const d of [...dims].reverse()) {
    if (extent(d) === 1) {
      place[d.name] = ZERO;
      continue;
    }
    const quotient = e.div(flat, stride);
    const index = d === large[0] ? quotient : e.mod(quotient, extent(d));
    place[d.name] = index.kind === 'local' || index.kind === 'literal' ? index : builder.let(d.name, index);
    stride *= extent(d);
  }
  return place;
}
