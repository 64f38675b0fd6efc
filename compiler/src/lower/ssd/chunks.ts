/**
 * What a chunk needs before its output: decays, products of C and B, the state that it adds, and the state before it.
 * All but the last, which passes states from chunk to chunk, are parallel over chunks.
 */
import * as e from '../../kernel/expressions.js';
import type { Expression } from '../../kernel/ir.js';
import { readSequence, readTile } from '../batch.js';
import type { KernelCall } from '../call.js';
import { describe, kernelName } from '../names.js';
import { quadOfSlice, ZERO4 } from '../quads.js';
import type { LoweringContext } from '../scope.js';
import { bindState, ChunkStates, CHUNK, SsdInputs, ssdShape, TokenScratch } from './shape.js';
import type { SsdContext } from './shape.js';

const TILES = `tiles${CHUNK}` as const;

/** dt and log decay of each token: a scan over the chunk, eight invocations a head, eight tokens each. */
export function chunkDecays(context: SsdContext): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = ssdShape(graph, node);
  const inputs = new SsdInputs(scope, shape);
  const SIDE = 32;
  const RUN = 8;
  const RUNS = CHUNK / RUN;
  const scratch = new TokenScratch(scope, node, shape, 'read_write');
  const local = e.builtin('local_index');
  const tile = readTile(scope, CHUNK, e.builtin('workgroup_y'));
  const lane = builder.let('lane', e.mod(local, SIDE));
  const head = builder.let('head', e.add(e.mul(e.builtin('workgroup_x'), SIDE), lane));
  const run = builder.let('run', e.div(local, SIDE));
  const start = builder.let('start', e.mul(run, RUN));
  const end = builder.let('end', e.min(e.add(start, RUN), tile.count));
  const totals = builder.shared('totals', 'f32', SIDE * RUNS);
  const steps = builder.array('steps', 'f32', RUN, e.f32(0));
  const rate = builder.variable('rate', 'f32', e.f32(0));
  const total = builder.variable('total', 'f32', e.f32(0));
  builder.if(e.lt(head, shape.heads), () => {
    rate.set(inputs.A(head));
    builder.for('l', start, end, (l) => {
      const dt = builder.let('dt', inputs.dt(builder.let('time', e.add(tile.first, l)), head));
      steps.set(e.sub(l, start), dt);
      total.set(e.add(total.value, e.mul(dt, rate.value)));
    });
  });
  totals.set(local, total.value);
  builder.barrier();
  const sum = builder.variable('log_decay', 'f32', e.f32(0));
  builder.for('r', 0, run, (r) => sum.set(e.add(sum.value, totals.at(e.add(e.mul(r, SIDE), lane)))));
  builder.if(e.lt(head, shape.heads), () => {
    builder.for('l', start, end, (l) => {
      const dt = builder.let('dt', steps.at(e.sub(l, start)));
      sum.set(e.add(sum.value, e.mul(dt, rate.value)));
      scratch.setDecay(builder.let('time', e.add(tile.first, l)), head, dt, sum.value);
    });
  });
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'decays'),
    doc: `Sums of dt A over chunks of ${CHUNK} tokens.`,
    label: `${describe(graph, [node.id])}: decays`,
    workgroupSize: [SIDE * RUNS, 1, 1],
    grid: [Math.ceil(shape.heads / SIDE), TILES, 1],
    cost: {
      weightElements: 0,
      values: ['mul', 'tokens', 3 * shape.heads],
      operations: ['mul', 'tokens', 2 * shape.heads],
    },
  });
}

/** C of each token times B of each token of its chunk, per group: 64 × 64, 16 × 16 invocations of 4 × 4. */
export function chunkProducts(context: SsdContext): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = ssdShape(graph, node);
  const inputs = new SsdInputs(scope, shape);
  const SIDE = 16;
  const EACH = CHUNK / SIDE;
  const quads = shape.stateQuads;
  const slice = Math.min(4, quads);
  const scratch = new TokenScratch(scope, node, shape, 'read_write');
  const local = e.builtin('local_index');
  const group = e.builtin('workgroup_x');
  const tile = readTile(scope, CHUNK, e.builtin('workgroup_y'));
  const left = builder.shared('left', 'vec4f', slice * CHUNK);
  const right = builder.shared('right', 'vec4f', slice * CHUNK);
  const column = builder.let('column', e.mod(local, SIDE));
  const firstRow = builder.let('first_row', e.mul(e.div(local, SIDE), EACH));
  const sums = Array.from({ length: EACH }, () =>
    Array.from({ length: EACH }, () => builder.variable('sum', 'f32', e.f32(0))),
  );
  builder.for(
    'from',
    0,
    quads,
    (from) => {
      builder.for(
        'i',
        local,
        slice * CHUNK,
        (i) => {
          const l = builder.let('l', e.mod(i, CHUNK));
          const time = builder.let('time', e.add(tile.first, e.min(l, e.sub(tile.count, 1))));
          const { inside, orZero } = quadOfSlice(builder, quads, slice, e.add(from, e.div(i, CHUNK)));
          left.set(i, orZero(inputs.C(time, group, inside)));
          right.set(i, inputs.B(time, group, inside));
        },
        { step: SIDE * SIDE },
      );
      builder.barrier();
      builder.for('s', 0, slice, (s) => {
        const rowAt = builder.let('row_at', e.add(e.mul(s, CHUNK), firstRow));
        const columnAt = builder.let('column_at', e.add(e.mul(s, CHUNK), column));
        const b = Array.from({ length: EACH }, (_, j) => builder.let('b', right.at(e.add(columnAt, j * SIDE))));
        sums.forEach((row, i) => {
          const c = builder.let('c', left.at(e.add(rowAt, i)));
          row.forEach((sum, j) => sum.set(e.add(sum.value, e.dot(c, b[j]!))));
        });
      });
      builder.barrier();
    },
    { step: slice },
  );
  sums.forEach((row, i) => {
    const l = builder.let('l', e.add(firstRow, i));
    builder.if(e.lt(l, tile.count), () => {
      const time = builder.let('time', e.add(tile.first, l));
      row.forEach((sum, j) => {
        const s = builder.let('s', e.add(column, j * SIDE));
        builder.if(e.le(s, l), () => scratch.setProduct(time, group, s, sum.value));
      });
    });
  });
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'products'),
    doc: `C times B within chunks of ${CHUNK} tokens.`,
    label: `${describe(graph, [node.id])}: products`,
    workgroupSize: [SIDE * SIDE, 1, 1],
    grid: [shape.groups, TILES, 1],
    cost: {
      weightElements: 0,
      values: ['mul', 'tokens', shape.groups * (2 * shape.state + CHUNK / 2)],
      operations: ['mul', 'tokens', 2 * CHUNK * shape.groups * shape.state],
    },
  });
}

/** A block of a matrix over invocations: `rows` fours of rows by `columns` invocations of `each` fours of columns. */
function stateBlock(width: number, stateQuads: number) {
  const widthBlocks = Math.ceil(width / 64);
  const rows = Math.ceil(width / 4 / widthBlocks);
  const stateBlocks = Math.ceil(stateQuads / 32);
  const quads = Math.ceil(stateQuads / stateBlocks);
  const each = quads > 16 ? 2 : 1;
  return { widthBlocks, stateBlocks, rows, each, columns: Math.ceil(quads / each) };
}

/** A sum over a chunk's tokens of weighted outer products [width, state] of each head. */
export interface OuterProducts {
  readonly kind: 'chunks' | 'gradients';
  readonly doc: string;
  readonly label: string;
  row(inputs: SsdInputs, time: Expression, head: Expression, quad: Expression): Expression;
  column(inputs: SsdInputs, time: Expression, group: Expression, quad: Expression): Expression;
  /** @param last the chunk's last token */
  weight(scratch: TokenScratch, time: Expression, last: Expression, head: Expression): Expression;
}

/** What each chunk adds to the state: Σ exp(decay from there to the chunk's end) dt x ⊗ B. */
export function chunkStates(context: SsdContext): KernelCall {
  return outerProducts(context, {
    kind: 'chunks',
    doc: `What each chunk of ${CHUNK} tokens adds to the state.`,
    label: 'chunk states',
    row: (inputs, time, head, quad) => inputs.xQuad(time, head, quad),
    column: (inputs, time, group, quad) => inputs.B(time, group, quad),
    weight: (scratch, time, last, head) => {
      const decay = e.exp(e.sub(scratch.logDecay(last, head), scratch.logDecay(time, head)));
      return e.mul(decay, scratch.dt(time, head));
    },
  });
}

export function outerProducts(context: SsdContext, outer: OuterProducts): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = ssdShape(graph, node);
  const inputs = new SsdInputs(scope, shape);
  const { heads, width, stateQuads } = shape;
  const { widthBlocks, stateBlocks, rows, each, columns } = stateBlock(width, stateQuads);
  const threads = rows * columns;
  const SLICE = 16;
  const widthQuads = Math.ceil(width / 4);
  const scratch = new TokenScratch(scope, node, shape, 'read');
  const states = new ChunkStates(scope, node, shape, 'read_write', outer.kind);
  const local = e.builtin('local_index');
  const blockX = e.builtin('workgroup_x');
  const head = builder.let('head', e.div(blockX, widthBlocks * stateBlocks));
  const group = builder.let('group', e.div(head, shape.headsPerGroup));
  const firstX = builder.let('first_x', e.mul(e.mod(e.div(blockX, stateBlocks), widthBlocks), rows));
  const firstB = builder.let('first_b', e.mul(e.mod(blockX, stateBlocks), columns * each));
  const chunk = e.builtin('workgroup_y');
  const tile = readTile(scope, CHUNK, chunk);
  const xs = builder.shared('xs', 'vec4f', SLICE * rows);
  const bs = builder.shared('bs', 'vec4f', SLICE * columns * each);
  const column = builder.let('column', e.mod(local, columns));
  const row = builder.let('row', e.div(local, columns));
  const last = builder.let('last', e.sub(e.add(tile.first, tile.count), 1));
  const sums = Array.from({ length: 4 }, () =>
    Array.from({ length: each }, () => builder.variable('sum', 'vec4f', ZERO4)),
  );
  builder.for(
    'from',
    0,
    tile.count,
    (from) => {
      builder.for(
        'i',
        local,
        SLICE * rows,
        (i) => {
          const l = builder.let('l', e.add(from, e.div(i, rows)));
          const quad = builder.let('quad', e.min(e.add(firstX, e.mod(i, rows)), widthQuads - 1));
          const time = builder.let('time', e.min(e.add(tile.first, l), last));
          const weight = e.select(e.lt(l, tile.count), outer.weight(scratch, time, last, head), e.f32(0));
          xs.set(i, e.mul(outer.row(inputs, time, head, quad), builder.let('weight', weight)));
        },
        { step: threads },
      );
      builder.for(
        'i',
        local,
        SLICE * columns * each,
        (i) => {
          const l = builder.let('l', e.add(from, e.div(i, columns * each)));
          const time = builder.let('time', e.min(e.add(tile.first, l), last));
          const quad = builder.let('quad', e.min(e.add(firstB, e.mod(i, columns * each)), stateQuads - 1));
          bs.set(i, outer.column(inputs, time, group, quad));
        },
        { step: threads },
      );
      builder.barrier();
      builder.for('s', 0, SLICE, (s) => {
        const x = builder.let('x', xs.at(e.add(e.mul(s, rows), row)));
        const bAt = builder.let('b_at', e.add(e.mul(s, columns * each), column));
        const b = Array.from({ length: each }, (_, j) => builder.let('b', bs.at(e.add(bAt, j * columns))));
        sums.forEach((fours, i) =>
          fours.forEach((sum, j) => sum.set(e.add(sum.value, e.mul(b[j]!, e.component(x, i))))),
        );
      });
      builder.barrier();
    },
    { step: SLICE },
  );
  const firstRow = builder.let('first_row', e.mul(e.add(firstX, row), 4));
  sums.forEach((fours, i) => {
    const p = builder.let('p', e.add(firstRow, i));
    const store = (sum: Expression, j: number): void => {
      const quad = builder.let('quad', e.add(e.add(firstB, column), j * columns));
      const inside = (): void => states.set(chunk, e.add(e.mul(head, width), p), quad, sum);
      if (stateQuads % (columns * each) === 0) inside();
      else builder.if(e.lt(quad, stateQuads), inside);
    };
    const all = (): void => fours.forEach((sum, j) => store(sum.value, j));
    if (width % (4 * rows) === 0) all();
    else builder.if(e.lt(p, width), all);
  });
  const perChunk = heads * width * shape.state;
  return scope.finish({
    name: kernelName(graph, mode, node.id, outer.kind),
    doc: outer.doc,
    label: `${describe(graph, [node.id])}: ${outer.label}`,
    workgroupSize: [threads, 1, 1],
    grid: [heads * widthBlocks * stateBlocks, TILES, 1],
    cost: {
      weightElements: 0,
      values: ['add', ['mul', 'tokens', heads * (width + shape.state)], ['mul', TILES, perChunk]],
      operations: ['mul', 'tokens', 2 * perChunk],
    },
  });
}

/** Passes the state through each sequence's chunks: afterwards scratch holds the state before each chunk. */
export function passStates(context: LoweringContext<'ssd'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = ssdShape(graph, node);
  const { heads, width, stateQuads } = shape;
  const THREADS = 256;
  const units = heads * width * stateQuads;
  const chunk = e.builtin('workgroup_y');
  const tile = readTile(scope, CHUNK, chunk);
  const unit = builder.let('unit', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
  // One row of workgroups a sequence: that of its first chunk.
  builder.if(e.and(e.eq(tile.index, 0), e.lt(unit, units)), () => {
    const sequence = readSequence(scope, tile.sequence);
    const scratch = new TokenScratch(scope, node, shape, 'read');
    const states = new ChunkStates(scope, node, shape, 'read_write');
    const state = bindState(scope, node, 'read_write');
    const row = builder.let('row', e.div(unit, stateQuads));
    const quad = builder.let('quad', e.mod(unit, stateQuads));
    const head = builder.let('head', e.div(row, width));
    const stateRow = builder.let('state_row', e.add(e.mul(sequence.slot, heads * width), row));
    const carried = builder.variable('carried', 'vec4f', ZERO4);
    builder.if(e.gt(sequence.position, 0), () => carried.set(state.at(stateRow, quad)));
    builder.for(
      'from',
      0,
      sequence.count,
      (from) => {
        const own = builder.let('own', e.add(chunk, e.div(from, CHUNK)));
        const last = e.sub(e.add(sequence.first, e.min(e.add(from, CHUNK), sequence.count)), 1);
        const added = builder.let('added', states.at(own, row, quad));
        states.set(own, row, quad, carried.value);
        carried.set(e.add(e.mul(carried.value, e.exp(scratch.logDecay(builder.let('last', last), head))), added));
      },
      { step: CHUNK },
    );
    state.set(stateRow, quad, carried.value);
  });
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'pass'),
    doc: 'Passes the state from chunk to chunk, and from call to call.',
    label: `${describe(graph, [node.id])}: state passing`,
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(units / THREADS), TILES, 1],
    cost: {
      weightElements: 0,
      values: ['add', ['mul', 'sequences', 8 * units], ['mul', TILES, 8 * units]],
      operations: ['mul', TILES, 8 * units],
    },
  });
}
