/**
 * Attention of one token per sequence, split along the keys: a workgroup takes 128 keys of one head of keys and values for
 * up to four of its query heads, so that each key and value is read once for all of them, and leaves its maximum, its
 * sum and its weighted values in scratch; a second kernel merges the splits.
 *
 * The four heads are the lanes of vectors. Scores: four invocations a key, a quarter of its elements each. Values: fours of
 * columns over the invocations, keys in turns.
 *
 * Clipped probabilities need the softmax's denominator first: the splits run twice, first for their statistics alone.
 */
import type { GraphNode } from '../../graph/graph.js';
import type { Buffer } from '../../kernel/build.js';
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import { readToken } from '../batch.js';
import type { CallOperand, KernelCall } from '../call.js';
import { describe, kernelName } from '../names.js';
import { fitsBuffers } from '../pack.js';
import { inputQuad, quadsOf, ZERO4 } from '../quads.js';
import type { KernelScope, LoweringContext } from '../scope.js';
import type { Size } from '@hyb/runtime';
import { bindCache } from './cache.js';
import { bindQueries, prepareQueries } from './queries.js';
import { attendShape, clipped, firstSeen, MASKED, scoreOf } from './shape.js';
import type { AttendShape } from './shape.js';

const THREADS = 128;
/** Keys in a workgroup. */
const SPLIT = 128;
/** Invocations a key. */
const LANES = 4;
/** Query heads in a workgroup: lanes of a vec4f. */
const HEADS = 4;
/** Distance between the lanes' parts in workgroup memory; one more than the keys, against bank conflicts. */
const STRIDE = SPLIT + 1;

/** What a split kernel does: everything; only maximum and sum; or clipped weights times values, given all statistics. */
type Pass = 'online' | 'statistics' | 'clipped';

export function decodeAttention(context: LoweringContext<'attend'>): readonly KernelCall[] {
  const passes: readonly Pass[] = context.node.attributes.clip ? ['statistics', 'clipped'] : ['online'];
  const inline = passes.map((pass) => split(context, pass, 'inline'));
  const merged = merge(context);
  if (inline.every(fitsBuffers)) return [...inline, merged];
  return [prepareQueries(context), ...passes.map((pass) => split(context, pass, 'prepared')), merged];
}

/** Keys that a token may see, at most, and splits that they take. */
function splitsOf(window: number | undefined): { readonly keys: Size; readonly splits: Size } {
  const keys: Size = window === undefined ? 'context' : ['min', 'context', window];
  return { keys, splits: ['ceil_div', keys, SPLIT] };
}

interface Partials {
  readonly buffer: Buffer;
  /** First element of an entry: the weighted values, then at `statistic` maximum and sum. */
  entry(time: Expression, head: Expression, index: Expression): Expression;
  readonly statistic: number;
}

/** Scratch [tokens, heads, splits, values in fours + 4], whose elements are read as fours or one by one. */
function bindPartials(
  scope: KernelScope,
  node: GraphNode<'attend'>,
  shape: AttendShape,
  access: 'read' | 'read_write',
  element: 'vec4f' | 'f32',
): Partials {
  const { splits } = splitsOf(node.attributes.window);
  const fours = quadsOf(shape.valueWidth) + 1;
  const operand: CallOperand = {
    kind: 'scratch',
    node: node.id,
    name: 'partials',
    elements: ['mul', ['mul', 'tokens', shape.heads * fours * 4], splits],
  };
  const buffer = scope.bind(
    'partials',
    operand,
    element,
    access,
    `per token, head and split: weighted values [${shape.valueWidth}]; maximum and sum`,
  );
  const count = scope.uniform('splits', splits, 'u32', 'splits of the keys per token');
  const unit = element === 'vec4f' ? 1 : 4;
  return {
    buffer,
    entry: (time, head, index) =>
      e.mul(e.add(e.mul(e.add(e.mul(time, shape.heads), head), count), index), fours * unit),
    statistic: (fours - 1) * unit,
  };
}

/** Where a token's keys begin, and how many there are. */
function keysOf(scope: KernelScope, time: Expression, window: number | undefined) {
  const { position, slot } = readToken(scope, time);
  const start = scope.builder.let('key_start', firstSeen(position, window));
  const count = scope.builder.let('key_count', e.sub(e.add(position, 1), start));
  return { slot, start, count };
}

function split(context: LoweringContext<'attend'>, pass: Pass, queries: 'inline' | 'prepared'): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = attendShape(graph, node);
  const { window } = node.attributes;
  const parts = Math.ceil(shape.group / HEADS);
  const time = e.builtin('workgroup_z');
  const index = e.builtin('workgroup_x');
  const { slot, start, count } = keysOf(scope, time, window);
  builder.if(e.lt(e.mul(index, SPLIT), count), () => {
    const kvHead = builder.let(
      'kv_head',
      parts === 1 ? e.builtin('workgroup_y') : e.div(e.builtin('workgroup_y'), parts),
    );
    const firstInGroup = parts === 1 ? e.u32(0) : e.mul(e.mod(e.builtin('workgroup_y'), parts), HEADS);
    const firstHead = builder.let('first_head', e.add(e.mul(kvHead, shape.group), firstInGroup));
    const begin = builder.let('begin', e.mul(index, SPLIT));
    const kernel = new SplitKernel(scope, context, {
      time,
      slot,
      kvHead,
      firstHead,
      heads: Math.min(shape.group, HEADS),
      ragged: shape.group % HEADS !== 0 && parts > 1,
      lastHead: e.sub(e.mul(e.add(kvHead, 1), shape.group), 1),
      first: builder.let('first_key', e.add(start, begin)),
      keys: builder.let('keys_here', e.min(e.sub(count, begin), SPLIT)),
      splits: builder.let('split_count', e.ceilDiv(count, SPLIT)),
      index,
    });
    kernel.write(pass, queries);
  });
  const { keys, splits } = splitsOf(window);
  const { label, doc } = describePass(pass);
  const width = pass === 'statistics' ? shape.keyWidth : shape.keyWidth + shape.valueWidth;
  return scope.finish({
    name: kernelName(graph, mode, node.id, label),
    doc,
    label: `${describe(graph, [node.id])}: ${label}`,
    workgroupSize: [THREADS, 1, 1],
    grid: [splits, shape.kvHeads * parts, 'tokens'],
    cost: {
      weightElements: 0,
      values: ['mul', 'tokens', ['mul', keys, shape.kvHeads * width]],
      operations: ['mul', 'tokens', ['mul', keys, 2 * shape.heads * width]],
    },
  });
}

function describePass(pass: Pass): { readonly label: string; readonly doc: string } {
  switch (pass) {
    case 'online':
      return { label: 'split', doc: `Attention over splits of ${SPLIT} keys.` };
    case 'statistics':
      return { label: 'statistics', doc: `Maximum and sum of the scores over splits of ${SPLIT} keys.` };
    case 'clipped':
      return { label: 'clipped', doc: `Clipped probabilities times values over splits of ${SPLIT} keys.` };
  }
}

interface SplitPlace {
  readonly time: Expression;
  readonly slot: Expression;
  readonly kvHead: Expression;
  /** Query heads `firstHead` … of the workgroup; those after `lastHead` repeat it. */
  readonly firstHead: Expression;
  readonly lastHead: Expression;
  readonly heads: number;
  readonly ragged: boolean;
  /** Position of the first key, keys in this split, splits of the token, index of this one. */
  readonly first: Expression;
  readonly keys: Expression;
  readonly splits: Expression;
  readonly index: Expression;
}

class SplitKernel {
  readonly #shape: AttendShape;
  readonly #local = e.builtin('local_index');

  constructor(
    readonly scope: KernelScope,
    readonly context: LoweringContext<'attend'>,
    readonly place: SplitPlace,
  ) {
    this.#shape = attendShape(context.graph, context.node);
  }

  write(pass: Pass, source: 'inline' | 'prepared'): void {
    const { scope, place } = this;
    const { builder } = scope;
    const { clip } = this.context.node.attributes;
    const partials = bindPartials(scope, this.context.node, this.#shape, 'read_write', 'vec4f');
    const parts = builder.shared('parts', 'vec4f', Math.max(LANES * STRIDE, HEADS * THREADS));
    const reduced = builder.shared('reduced', 'vec4f', THREADS / 8);
    this.#products(parts, source);
    const mine = builder.variable('score', 'vec4f', e.vector('vec4f', MASKED));
    builder.if(e.lt(this.#local, place.keys), () => {
      const products = Array.from({ length: LANES }, (_, lane) => parts.at(e.add(this.#local, lane * STRIDE)));
      mine.set(
        scoreOf(
          builder.let(
            'products',
            products.reduce((a, b) => e.add(a, b)),
          ),
          this.context.node.attributes,
        ),
      );
    });
    if (pass === 'clipped') {
      const { largest, total } = this.#statistics(partials);
      const probability = e.div(e.exp(e.sub(mine.value, largest)), total);
      parts.set(this.#local, this.#orZero(clipped(probability, clip!)));
      builder.barrier();
      this.#values(parts, (head, quad, four) => partials.buffer.set(e.add(this.#entry(partials, head), quad), four));
      return;
    }
    const largest = this.#reduce(reduced, parts, mine.value, e.max);
    const weight = builder.let('weight', this.#orZero(e.exp(e.sub(mine.value, largest))));
    const total = this.#reduce(reduced, parts, weight, e.add);
    builder.if(e.lt(this.#local, place.heads), () => {
      const head = this.#local;
      const of = (v: Expression): Expression => this.#lane(v, head);
      const store = (): void => {
        const at = e.add(this.#entry(partials, head), partials.statistic);
        partials.buffer.set(at, e.vector('vec4f', of(largest), of(total), 0, 0));
      };
      this.#ifHead(head, store);
    });
    if (pass === 'online')
      this.#values(parts, (head, quad, four) => partials.buffer.set(e.add(this.#entry(partials, head), quad), four));
  }

  #orZero(four: Expression): Expression {
    const inside = e.convert('f32', e.select(e.lt(this.#local, this.place.keys), e.u32(1), e.u32(0)));
    return e.mul(four, inside);
  }

  /** Component `index` (not a constant) of a vector. */
  #lane(value: Expression, index: Expression): Expression {
    const kept = value.kind === 'local' ? value : this.scope.builder.let('lanes', value);
    let result = e.component(kept, 0);
    for (let lane = 1; lane < this.place.heads; lane++)
      result = e.select(e.eq(index, lane), e.component(kept, lane), result);
    return result;
  }

  #ifHead(head: Expression, body: () => void): void {
    if (!this.place.ragged) body();
    else this.scope.builder.if(e.le(e.add(this.place.firstHead, head), this.place.lastHead), body);
  }

  #head(head: Expression): Expression {
    const at = e.add(this.place.firstHead, head);
    return this.place.ragged ? e.min(at, this.place.lastHead) : at;
  }

  #entry(partials: Partials, head: Expression, index = this.place.index): Expression {
    return partials.entry(this.place.time, this.#head(head), index);
  }

  /** Products of the queries with each key, in parts: [lane, key], one component a head. Ends with a barrier. */
  #products(parts: { set(i: Expression, v: Expression): void }, source: 'inline' | 'prepared'): void {
    const { scope, place } = this;
    const { builder } = scope;
    const { node } = this.context;
    const quads = quadsOf(this.#shape.keyWidth);
    const staged = builder.shared('query', 'vec4f', place.heads * quads);
    builder.for(
      'i',
      this.#local,
      place.heads * quads,
      (i) => {
        const head = builder.let('head', this.#head(e.div(i, quads)));
        const quad = builder.let('quad', e.mod(i, quads));
        if (source === 'prepared') {
          const queries = bindQueries(scope, node, this.#shape, 'read');
          staged.set(i, queries.at(e.add(e.mul(e.add(e.mul(place.time, this.#shape.heads), head), quads), quad)));
        } else {
          const four = inputQuad(scope, 0, this.#shape.queryType, this.#shape.query(place.time, head), quad);
          staged.set(i, e.mul(four, node.attributes.scale));
        }
      },
      { step: THREADS },
    );
    builder.barrier();
    const keys = bindCache(scope, node, this.#shape, 'key', 'read');
    const lane = builder.let('lane', e.mod(this.#local, LANES));
    builder.for(
      'key',
      e.div(this.#local, LANES),
      place.keys,
      (key) => {
        const row = builder.let('row', keys.row(place.slot, e.add(place.first, key), place.kvHead));
        const products = Array.from({ length: place.heads }, () => builder.variable('product', 'f32', e.f32(0)));
        builder.for(
          'quad',
          lane,
          quads,
          (quad) => {
            const k = builder.let('k', keys.rows.at(row, quad));
            products.forEach((p, h) => p.set(e.add(p.value, e.dot(staged.at(e.add(quad, h * quads)), k))));
          },
          { step: LANES },
        );
        const four = [0, 1, 2, 3].map((h) => products[h]?.value ?? e.f32(0));
        parts.set(e.add(e.mul(lane, STRIDE), key), e.vector('vec4f', ...four));
      },
      { step: THREADS / LANES },
    );
    builder.barrier();
  }

  /**
   * Joins one vector per invocation; everyone gets the result. `values` is left holding the vectors by invocation.
   * Begins where `values` is not read by others any more; ends with a barrier.
   */
  #reduce(
    reduced: { at(i: Expression | number): Expression; set(i: Expression, v: Expression): void },
    values: { at(i: Expression | number): Expression; set(i: Expression, v: Expression): void },
    value: Expression,
    join: (a: Expression, b: Expression) => Expression,
  ): Expression {
    const { builder } = this.scope;
    values.set(this.#local, value);
    builder.barrier();
    const groups = THREADS / 8;
    builder.if(e.lt(this.#local, groups), () => {
      const part = builder.variable('part', 'vec4f', values.at(this.#local));
      builder.for('n', 1, 8, (n) => part.set(join(part.value, values.at(e.add(this.#local, e.mul(n, groups))))));
      reduced.set(this.#local, part.value);
    });
    builder.barrier();
    const result = builder.variable('all', 'vec4f', reduced.at(0));
    builder.for('n', 1, groups, (n) => result.set(join(result.value, reduced.at(n))));
    return builder.let('joined', result.value);
  }

  /** Maximum and sum over all splits, one component a head. */
  #statistics(partials: Partials): { largest: Expression; total: Expression } {
    const { builder } = this.scope;
    const entries = Array.from({ length: this.place.heads }, (_, h) =>
      joinSplits(this.scope, this.place.splits, (index) => {
        const four = builder.let(
          'statistic',
          partials.buffer.at(e.add(this.#entry(partials, e.u32(h), index), partials.statistic)),
        );
        return { largest: e.component(four, 0), sum: e.component(four, 1) };
      }),
    );
    const four = (pick: (entry: Joined) => Expression, fill: number): Expression =>
      builder.let(
        'statistics',
        e.vector('vec4f', ...[0, 1, 2, 3].map((h) => (entries[h] ? pick(entries[h]) : e.f32(fill)))),
      );
    return { largest: four((x) => x.largest, 0), total: four((x) => x.total, 1) };
  }

  /** Sums the values of the split's keys with the weights in `weights` [key]. */
  #values(
    weights: { at(i: Expression | number): Expression; set(i: Expression | number, v: Expression): void },
    store: (head: Expression, quad: Expression, four: Expression) => void,
  ): void {
    const { scope, place } = this;
    const { builder } = scope;
    const values = bindCache(scope, this.context.node, this.#shape, 'value', 'read');
    const quads = quadsOf(this.#shape.valueWidth);
    const width = Math.min(quads, THREADS);
    /** Keys summed side by side. */
    const turns = Math.floor(THREADS / width);
    const turn = builder.let('turn', e.div(this.#local, width));
    const column = builder.let('column', e.mod(this.#local, width));
    builder.for(
      'from',
      0,
      quads,
      (from) => {
        const quad = builder.let('quad', e.add(from, column));
        const sums = Array.from({ length: place.heads }, () => builder.variable('sum', 'vec4f', ZERO4));
        builder.if(e.and(e.lt(turn, turns), e.lt(quad, quads)), () => {
          builder.for(
            'key',
            turn,
            place.keys,
            (key) => {
              const row = builder.let('row', values.row(place.slot, e.add(place.first, key), place.kvHead));
              const v = builder.let('v', values.rows.at(row, quad));
              const w = builder.let('w', weights.at(key));
              sums.forEach((s, h) => s.set(e.add(s.value, e.mul(v, e.component(w, h)))));
            },
            { step: turns },
          );
        });
        // The weights' memory is reused; where columns take several rounds they are needed again.
        const meeting = quads > width ? this.#meeting() : weights;
        builder.barrier();
        sums.forEach((s, h) => meeting.set(e.add(this.#local, h * THREADS), s.value));
        builder.barrier();
        builder.for(
          'i',
          this.#local,
          place.heads * width,
          (i) => {
            const head = builder.let('head', e.div(i, width));
            const own = builder.let('own', e.mod(i, width));
            const total = builder.variable('total', 'vec4f', ZERO4);
            builder.for('n', 0, turns, (n) => {
              total.set(e.add(total.value, meeting.at(e.add(e.add(e.mul(head, THREADS), e.mul(n, width)), own))));
            });
            const stored = (): void => this.#ifHead(head, () => store(head, e.add(from, own), total.value));
            if (quads % width === 0) stored();
            else builder.if(e.lt(e.add(from, own), quads), stored);
          },
          { step: THREADS },
        );
      },
      { step: width },
    );
  }

  #meeting() {
    return this.scope.builder.shared('meeting', 'vec4f', this.place.heads * THREADS);
  }
}

interface Joined {
  readonly largest: Expression;
  readonly total: Expression;
}

/** Maximum of all splits' maxima and the sum of their sums, in terms of it. */
function joinSplits(
  scope: KernelScope,
  splits: Expression,
  statistic: (index: Expression) => { readonly largest: Expression; readonly sum: Expression },
): Joined {
  const { builder } = scope;
  const largest = builder.variable('largest', 'f32', e.f32(MASKED));
  builder.for('s', 0, splits, (s) => largest.set(e.max(largest.value, statistic(s).largest)));
  const total = builder.variable('total', 'f32', e.f32(0));
  builder.for('s', 0, splits, (s) => {
    const own = statistic(s);
    total.set(e.add(total.value, e.mul(own.sum, e.exp(e.sub(own.largest, largest.value)))));
  });
  return { largest: largest.value, total: total.value };
}

const MERGE_THREADS = 128;

function merge(context: LoweringContext<'attend'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = attendShape(graph, node);
  const { window, clip } = node.attributes;
  const time = e.builtin('workgroup_y');
  const elements = shape.heads * shape.valueWidth;
  const element = builder.let(
    'element',
    e.add(e.mul(e.builtin('workgroup_x'), MERGE_THREADS), e.builtin('local_index')),
  );
  builder.if(e.lt(element, elements), () => {
    const partials = bindPartials(scope, node, shape, 'read', 'f32');
    const { count } = keysOf(scope, time, window);
    const splits = builder.let('split_count', e.ceilDiv(count, SPLIT));
    const head = builder.let('head', e.div(element, shape.valueWidth));
    const column = builder.let('column', e.mod(element, shape.valueWidth));
    const at = (s: Expression, offset: Expression): Expression =>
      partials.buffer.at(e.add(partials.entry(time, head, s), offset));
    const statistic = (s: Expression) => ({
      largest: at(s, e.u32(partials.statistic)),
      sum: at(s, e.u32(partials.statistic + 1)),
    });
    const result = builder.variable('result', 'f32', e.f32(0));
    if (clip) {
      builder.for('s', 0, splits, (s) => result.set(e.add(result.value, at(s, column))));
    } else {
      const { largest, total } = joinSplits(scope, splits, statistic);
      builder.for('s', 0, splits, (s) => {
        const weight = e.exp(e.sub(statistic(s).largest, largest));
        result.set(e.add(result.value, e.mul(at(s, column), weight)));
      });
      result.set(e.div(result.value, total));
    }
    scope.output(shape.result(time, head, column), result.value);
  });
  const { splits } = splitsOf(window);
  const work: Size = ['mul', 'tokens', ['mul', splits, elements]];
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'merge'),
    doc: 'Joins the splits of the keys.',
    label: `${describe(graph, [node.id])}: merge`,
    workgroupSize: [MERGE_THREADS, 1, 1],
    grid: [Math.ceil(elements / MERGE_THREADS), 'tokens', 1],
    cost: { weightElements: 0, values: work, operations: ['mul', 2, work] },
  });
}
