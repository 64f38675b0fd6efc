/**
 * Attention over a tile of queries, with an online softmax over tiles of keys; probabilities never leave the workgroup.
 *
 * A workgroup serves one head of keys and values, or a part of its query heads: the rows of its query tile are
 * (token, query head) pairs, so that all of them share each tile of keys and values. 16 × 16 invocations: a score tile
 * of rows × 32 keys, two keys and 4 (or 3) rows an invocation, then the product of the weights with the values, fours of
 * columns an invocation. Keys and values come from the cache, so a later piece of a sequence is the same code.
 *
 * Clipped probabilities need the softmax's denominator first: two passes over the keys, the first without values.
 */
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import type { SharedArray, Variable } from '../../kernel/build.js';
import { readSequence, readTile } from '../batch.js';
import type { TileSize } from '../batch.js';
import type { KernelCall } from '../call.js';
import { describe, kernelName } from '../names.js';
import { quadsOf, ZERO4 } from '../quads.js';
import type { KernelScope, LoweringContext } from '../scope.js';
import { bindCache } from './cache.js';
import { bindQueries } from './queries.js';
import { attendShape, clipped, firstSeen, isSeen, MASKED, scoreOf, weightOf } from './shape.js';

const SIDE = 16;
const THREADS = SIDE * SIDE;
const KEYS = 32;
/** Fours of the workgroup memory through which queries, keys and values pass: 6 KiB. */
const STAGE = 384;
/** Invocations that share the softmax of a row. */
const LANES = 4;

interface QueryTile {
  /** Query heads in a workgroup's rows, and workgroups that share a head of keys. */
  readonly heads: number;
  readonly parts: number;
  readonly tokens: TileSize;
}

/** Rows are tokens × heads: 64, or 48 where three heads share. */
export function queryTile(group: number): QueryTile {
  const parts = Math.ceil(group / 4);
  const heads = Math.ceil(group / parts);
  return { heads, parts, tokens: heads === 1 ? 64 : heads === 2 ? 32 : 16 };
}

export function flash(context: LoweringContext<'attend'>): KernelCall {
  const { graph, node, mode } = context;
  const { window, clip } = node.attributes;
  const scope = context.scope();
  const shape = attendShape(graph, node);
  const { heads, parts, tokens } = queryTile(shape.group);
  new FlashKernel(scope, context).write();
  const contextLength = window === undefined ? 'context' : (['min', 'context', window + tokens] as const);
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'flash'),
    doc: `Attention by tiles of ${tokens} tokens × ${heads} heads and ${KEYS} keys${clip ? ', probabilities clipped' : ''}.`,
    label: describe(graph, [node.id]),
    workgroupSize: [THREADS, 1, 1],
    grid: [shape.kvHeads * parts, `tiles${tokens}`, 1],
    cost: {
      weightElements: 0,
      values: [
        'add',
        ['mul', 'tokens', shape.heads * (shape.keyWidth + shape.valueWidth)],
        ['mul', `tiles${tokens}`, ['mul', contextLength, shape.kvHeads * parts * (shape.keyWidth + shape.valueWidth)]],
      ],
      operations: [
        'mul',
        'tokens',
        ['mul', contextLength, 2 * shape.heads * (shape.keyWidth * (clip ? 2 : 1) + shape.valueWidth)],
      ],
    },
  });
}

class FlashKernel {
  readonly #shape;
  readonly #tile: QueryTile;
  readonly #rows: number;
  readonly #rowsPerInvocation: number;
  readonly #local = e.builtin('local_index');
  readonly #column: Expression;
  readonly #rowBlock: Expression;

  constructor(
    readonly scope: KernelScope,
    readonly context: LoweringContext<'attend'>,
  ) {
    this.#shape = attendShape(context.graph, context.node);
    this.#tile = queryTile(this.#shape.group);
    this.#rows = this.#tile.heads * this.#tile.tokens;
    this.#rowsPerInvocation = this.#rows / SIDE;
    this.#column = scope.builder.let('column', e.mod(this.#local, SIDE));
    this.#rowBlock = scope.builder.let('row_block', e.mul(e.div(this.#local, SIDE), this.#rowsPerInvocation));
  }

  write(): void {
    const { scope } = this;
    const { builder } = scope;
    const { node } = this.context;
    const { window, clip } = node.attributes;
    const { heads, parts, tokens } = this.#tile;
    const kvHead = builder.let(
      'kv_head',
      parts === 1 ? e.builtin('workgroup_x') : e.div(e.builtin('workgroup_x'), parts),
    );
    const firstHead =
      parts === 1 ? e.u32(0) : builder.let('first_head', e.mul(e.mod(e.builtin('workgroup_x'), parts), heads));
    const tile = readTile(scope, tokens, e.builtin('workgroup_y'));
    const sequence = readSequence(scope, tile.sequence);
    const firstPosition = builder.let('first_position', e.add(sequence.position, e.mul(tile.index, tokens)));
    const keyEnd = builder.let('key_end', e.add(firstPosition, tile.count));
    const keyStart = builder.let('key_start', e.mul(e.div(firstSeen(firstPosition, window), KEYS), KEYS));

    const stage = builder.shared('stage', 'vec4f', STAGE);
    const weights = builder.shared('weights', 'f32', this.#rows * KEYS);
    const statistic = builder.shared('statistic', 'f32', this.#rows * LANES);

    /** Token of the tile and query head of a row; heads past the group repeat its last one. */
    const tokenOf = (row: Expression): Expression => (heads === 1 ? row : e.div(row, heads));
    const headOf = (row: Expression): Expression => (heads === 1 ? firstHead : e.add(firstHead, e.mod(row, heads)));
    const place = { kvHead, slot: sequence.slot, keyEnd, stage, weights };
    const scores = (key: Expression): void => {
      this.#scores(key, {
        ...place,
        queryRow: (row) => {
          const token = e.add(tile.first, e.min(tokenOf(row), e.sub(tile.count, 1)));
          const head = e.add(e.mul(kvHead, this.#shape.group), e.min(headOf(row), this.#shape.group - 1));
          return e.add(e.mul(token, this.#shape.heads), head);
        },
        positionOf: (row) => e.add(firstPosition, tokenOf(row)),
      });
    };

    const softmax = new RowSoftmax(scope, this.#rows, weights, statistic);
    const sums = this.#sums();
    if (clip) {
      builder.for(
        'key',
        keyStart,
        keyEnd,
        (key) => {
          scores(key);
          softmax.update();
          builder.barrier();
        },
        { step: KEYS },
      );
      const scaling = softmax.inverse();
      builder.for(
        'key',
        keyStart,
        keyEnd,
        (key) => {
          scores(key);
          softmax.replace((score) => {
            const probability = e.mul(weightOf(score, softmax.largest.value), scaling);
            return e.select(e.gt(score, MASKED / 2), clipped(probability, clip), e.f32(0));
          });
          builder.barrier();
          this.#accumulate(key, place, sums);
        },
        { step: KEYS },
      );
    } else {
      const rescale = builder.shared('rescale', 'f32', this.#rows);
      builder.for(
        'key',
        keyStart,
        keyEnd,
        (key) => {
          scores(key);
          softmax.update(rescale);
          builder.barrier();
          sums.forEach((row, i) => {
            const factor = builder.let('factor', rescale.at(e.add(this.#rowBlock, i)));
            row.forEach((s) => s.set(e.mul(s.value, factor)));
          });
          this.#accumulate(key, place, sums);
        },
        { step: KEYS },
      );
      softmax.publish();
    }
    this.#store(sums, (row, lane) => {
      const token = builder.let('token', tokenOf(row));
      const head = builder.let('head_in_group', headOf(row));
      const total = clip ? undefined : softmax.total(row);
      return {
        stored: e.and(e.lt(token, tile.count), e.lt(head, this.#shape.group)),
        time: e.add(tile.first, token),
        head: e.add(e.mul(kvHead, this.#shape.group), head),
        value: (sum) => (total ? e.div(sum, total) : sum),
        lane,
      };
    });
  }

  /** Sums of weighted values: for each row of the invocation, its fours of columns. */
  #sums(): Variable[][] {
    const fours = Math.ceil(quadsOf(this.#shape.valueWidth) / SIDE);
    return Array.from({ length: this.#rowsPerInvocation }, (_, i) =>
      Array.from({ length: fours }, (_, k) => this.scope.builder.variable(`sum_${i}_${k}`, 'vec4f', ZERO4)),
    );
  }

  /** Scores of all rows with the keys from `key` on, to `weights` [row, key]; ends with a barrier. */
  #scores(
    key: Expression,
    place: {
      readonly kvHead: Expression;
      readonly slot: Expression;
      readonly keyEnd: Expression;
      readonly stage: SharedArray;
      readonly weights: SharedArray;
      queryRow(row: Expression): Expression;
      positionOf(row: Expression): Expression;
    },
  ): void {
    const { scope } = this;
    const { builder } = scope;
    const { node } = this.context;
    const rows = this.#rows;
    const quads = quadsOf(this.#shape.keyWidth);
    const slice = Math.min(4, quads);
    const queries = bindQueries(scope, node, this.#shape, 'read');
    const keys = bindCache(scope, node, this.#shape, 'key', 'read');
    const { stage, weights } = place;
    const products = Array.from({ length: this.#rowsPerInvocation }, () =>
      [0, 1].map(() => builder.variable('product', 'f32', e.f32(0))),
    );
    builder.comment('queries times keys');
    builder.for(
      'quad',
      0,
      quads,
      (quad) => {
        const within = (q: Expression, read: (q: Expression) => Expression): Expression =>
          quads % slice === 0
            ? read(q)
            : e.select(e.lt(q, quads), read(builder.let('clamped', e.min(q, quads - 1))), ZERO4);
        builder.for(
          'i',
          this.#local,
          slice * rows,
          (i) => {
            const row = builder.let('row', place.queryRow(e.mod(i, rows)));
            const q = builder.let('q', e.add(quad, e.div(i, rows)));
            stage.set(
              i,
              within(q, (c) => queries.at(e.add(e.mul(row, quads), c))),
            );
          },
          { step: THREADS },
        );
        builder.for(
          'i',
          this.#local,
          slice * KEYS,
          (i) => {
            const position = e.min(e.add(key, e.mod(i, KEYS)), e.sub(place.keyEnd, 1));
            const row = builder.let('row', keys.row(place.slot, position, place.kvHead));
            const q = builder.let('q', e.add(quad, e.div(i, KEYS)));
            // Past the row's end the queries are zero.
            const clamped = quads % slice === 0 ? q : e.min(q, quads - 1);
            stage.set(e.add(i, slice * rows), keys.rows.at(row, clamped));
          },
          { step: THREADS },
        );
        builder.barrier();
        builder.for('s', 0, slice, (s) => {
          const keyAt = builder.let('key_at', e.add(e.add(e.mul(s, KEYS), this.#column), slice * rows));
          const [first, second] = [0, SIDE].map((offset) => builder.let('k', stage.at(e.add(keyAt, offset)))) as [
            Expression,
            Expression,
          ];
          const rowAt = builder.let('row_at', e.add(e.mul(s, rows), this.#rowBlock));
          products.forEach((pair, i) => {
            const query = builder.let('query', stage.at(e.add(rowAt, i)));
            pair[0]!.set(e.add(pair[0]!.value, e.dot(query, first)));
            pair[1]!.set(e.add(pair[1]!.value, e.dot(query, second)));
          });
        });
        builder.barrier();
      },
      { step: slice },
    );
    products.forEach((pair, i) => {
      const row = builder.let('row', e.add(this.#rowBlock, i));
      const position = builder.let('position', place.positionOf(row));
      pair.forEach((product, half) => {
        const j = builder.let('j', e.add(this.#column, half * SIDE));
        const seen = isSeen(position, e.add(key, j), node.attributes.window);
        weights.set(e.add(e.mul(row, KEYS), j), e.select(seen, scoreOf(product.value, node.attributes), e.f32(MASKED)));
      });
    });
    builder.barrier();
  }

  /** sums += weights × values of the keys from `key` on; ends with a barrier. */
  #accumulate(
    key: Expression,
    place: {
      readonly kvHead: Expression;
      readonly slot: Expression;
      readonly keyEnd: Expression;
      readonly stage: SharedArray;
      readonly weights: SharedArray;
    },
    sums: readonly (readonly Variable[])[],
  ): void {
    const { scope } = this;
    const { builder } = scope;
    const quads = quadsOf(this.#shape.valueWidth);
    const values = bindCache(scope, this.context.node, this.#shape, 'value', 'read');
    const { stage, weights } = place;
    const slice = Math.min(KEYS, 2 ** Math.floor(Math.log2(STAGE / quads)));
    builder.comment('weights times values');
    builder.for(
      'from',
      0,
      KEYS,
      (from) => {
        builder.for(
          'i',
          this.#local,
          slice * quads,
          (i) => {
            const position = e.min(e.add(key, e.add(from, e.div(i, quads))), e.sub(place.keyEnd, 1));
            const row = builder.let('row', values.row(place.slot, position, place.kvHead));
            stage.set(i, values.rows.at(row, e.mod(i, quads)));
          },
          { step: THREADS },
        );
        builder.barrier();
        builder.for('j', 0, slice, (j) => {
          const at = builder.let('at', e.mul(j, quads));
          const columns = sums[0]!.map((_, k) => {
            const four = e.add(this.#column, k * SIDE);
            // Columns past the end are summed for nothing and never stored.
            const inside = (k + 1) * SIDE <= quads ? four : e.min(four, quads - 1);
            return builder.let('v', stage.at(e.add(at, inside)));
          });
          const weightAt = builder.let('weight_at', e.add(e.add(e.mul(this.#rowBlock, KEYS), from), j));
          sums.forEach((row, i) => {
            const weight = builder.let('weight', weights.at(e.add(weightAt, i * KEYS)));
            row.forEach((s, k) => s.set(e.add(s.value, e.mul(columns[k]!, weight))));
          });
        });
        builder.barrier();
      },
      { step: slice },
    );
  }

  /** Hands every sum of the invocation to the epilogue, which is written once. */
  #store(
    sums: readonly (readonly Variable[])[],
    describeRow: (
      row: Expression,
      lane: Expression,
    ) => {
      readonly stored: Expression;
      readonly time: Expression;
      readonly head: Expression;
      value(sum: Expression): Expression;
    },
  ): void {
    const { scope } = this;
    const { builder } = scope;
    const fours = sums[0]!.length;
    const perRow = fours * 4;
    const results = builder.array('results', 'f32', sums.length * perRow);
    sums.forEach((row, i) => {
      row.forEach((s, k) => {
        for (let lane = 0; lane < 4; lane++) results.set(i * perRow + k * 4 + lane, e.component(s.value, lane));
      });
    });
    builder.for('n', 0, sums.length * perRow, (n) => {
      const row = builder.let('row', e.add(this.#rowBlock, e.div(n, perRow)));
      const four = fours === 1 ? this.#column : e.add(this.#column, e.mul(e.mod(e.div(n, 4), fours), SIDE));
      const column = builder.let('value_column', e.add(e.mul(four, 4), e.mod(n, 4)));
      const { stored, time, head, value } = describeRow(row, n);
      builder.if(e.and(stored, e.lt(column, this.#shape.valueWidth)), () => {
        const at = this.#shape.result(builder.let('time', time), builder.let('head', head), column);
        scope.output(at, value(results.at(n)));
      });
    });
  }
}

/**
 * Running maximum and sum of each row's scores, four invocations a row, eight scores each. Each of them keeps the
 * maximum and its own part of the sum in registers.
 */
class RowSoftmax {
  readonly largest: Variable;
  readonly #sum: Variable;
  readonly #row: Expression;
  readonly #lane: Expression;
  readonly #active: boolean;
  readonly #local = e.builtin('local_index');

  constructor(
    readonly scope: KernelScope,
    readonly rows: number,
    readonly weights: SharedArray,
    readonly statistic: SharedArray,
  ) {
    const { builder } = scope;
    this.#active = rows * LANES === THREADS;
    this.#row = builder.let('softmax_row', e.div(this.#local, LANES));
    this.#lane = builder.let('softmax_lane', e.mod(this.#local, LANES));
    this.largest = builder.variable('largest', 'f32', e.f32(MASKED));
    this.#sum = builder.variable('sum', 'f32', e.f32(0));
  }

  #guarded(body: () => void): void {
    if (this.#active) body();
    else this.scope.builder.if(e.lt(this.#local, this.rows * LANES), body);
  }

  #scores(visit: (score: Expression, index: Expression) => void): void {
    const { builder } = this.scope;
    builder.for('n', 0, KEYS / LANES, (n) => {
      const index = builder.let('index', e.add(e.add(e.mul(this.#row, KEYS), this.#lane), e.mul(n, LANES)));
      visit(builder.let('score', this.weights.at(index)), index);
    });
  }

  /** Takes in the scores; with `rescale`, replaces them by weights and tells by what factor earlier sums shrink. */
  update(rescale?: SharedArray): void {
    const { builder } = this.scope;
    builder.comment('online softmax');
    this.#guarded(() => {
      const best = builder.variable('best', 'f32', e.f32(MASKED));
      this.#scores((score) => best.set(e.max(best.value, score)));
      this.statistic.set(this.#local, best.value);
    });
    builder.barrier();
    this.#guarded(() => {
      const before = builder.let('before', this.largest.value);
      const at = e.mul(this.#row, LANES);
      for (let lane = 0; lane < LANES; lane++)
        this.largest.set(e.max(this.largest.value, this.statistic.at(e.add(at, lane))));
      const factor = builder.let('shrink', e.exp(e.sub(before, this.largest.value)));
      this.#sum.set(e.mul(this.#sum.value, factor));
      this.#scores((score, index) => {
        const weight = builder.let('weight', weightOf(score, this.largest.value));
        this.#sum.set(e.add(this.#sum.value, weight));
        if (rescale) this.weights.set(index, weight);
      });
      if (rescale) builder.if(e.eq(this.#lane, 0), () => rescale.set(this.#row, factor));
    });
  }

  replace(weight: (score: Expression) => Expression): void {
    this.#guarded(() => this.#scores((score, index) => this.weights.set(index, weight(score))));
  }

  /** Makes the parts of the sums known to the workgroup. */
  publish(): void {
    this.#guarded(() => this.statistic.set(this.#local, this.#sum.value));
    this.scope.builder.barrier();
  }

  /** A row's sum, after `publish`. */
  total(row: Expression): Expression {
    const { builder } = this.scope;
    const at = builder.let('statistic_at', e.mul(row, LANES));
    const parts = Array.from({ length: LANES }, (_, lane) => this.statistic.at(e.add(at, lane)));
    return builder.let(
      'total',
      parts.reduce((a, b) => e.add(a, b)),
    );
  }

  /** One over the sum of the invocation's own row. */
  inverse(): Expression {
    this.publish();
    const total = this.total(e.min(this.#row, this.rows - 1));
    return this.scope.builder.let('inverse', e.div(e.f32(1), total));
  }
}
