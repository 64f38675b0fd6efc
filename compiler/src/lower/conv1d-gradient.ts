/**
 * Gradients of the depthwise causal convolution, within each sequence.
 *
 * Of its input: one invocation walks a channel backwards through a tile of tokens and keeps the last K - 1 gradients in
 * registers. Of its weight: the same forwards with inputs, for each tile on its own; a second kernel adds the tiles in order.
 */
import type { GraphNode } from '../graph/graph.js';
import * as e from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';
import { readSequence, readTile } from './batch.js';
import type { CallOperand, KernelCall } from './call.js';
import { describe, kernelName } from './names.js';
import { withinBufferLimit } from './pack.js';
import type { KernelScope, Lowering, LoweringContext } from './scope.js';

const THREADS = 256;
/** Tokens that an invocation walks: few where all of them leave a result, many where they leave a sum. */
const WALK = 16;
const SUM = 128;
/** Taps whose sums an invocation keeps; longer kernels take several. */
const TAPS = 8;

function channelOf(scope: KernelScope): Expression {
  return scope.builder.let('channel', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
}

export const lowerConv1dInputGradient: Lowering<'conv1d_input_gradient'> = withinBufferLimit((context) => {
  const { graph, node, mode } = context;
  const { kernel } = node.attributes;
  const reach = kernel - 1;
  const [gradientType, weightType] = node.inputs.map((i) => graph.nodes[i]!.type);
  const [channelDim, [rowDim, tapDim]] = [gradientType!.dims[1]!, weightType!.dims] as const;
  const channels = channelDim.extent as number;
  const scope = context.scope();
  const { builder } = scope;
  const tile = readTile(scope, WALK, e.builtin('workgroup_y'));
  const sequence = readSequence(scope, tile.sequence);
  const channel = channelOf(scope);
  builder.if(e.lt(channel, channels), () => {
    const gradient = (time: Expression): Expression => scope.input(0, { time, [channelDim.name]: channel });
    const weights = Array.from({ length: kernel }, (_, k) =>
      builder.let(`weight_${k}`, scope.input(1, { [rowDim!.name]: channel, [tapDim!.name]: e.u32(k) })),
    );
    const end = builder.let('end', e.add(tile.first, tile.count));
    const sequenceEnd = builder.let('sequence_end', e.add(sequence.first, sequence.count));
    // The gradients after the tile; those after the sequence's end are zero.
    const ahead = Array.from({ length: reach }, (_, k) => builder.variable(`ahead_${k + 1}`, 'f32', e.f32(0)));
    ahead.forEach((value, k) => {
      const time = builder.let('later', e.add(end, k));
      builder.if(e.lt(time, sequenceEnd), () => value.set(gradient(time)));
    });
    builder.for('n', 1, e.add(tile.count, 1), (n) => {
      const time = builder.let('time', e.sub(end, n));
      const own = builder.let('own', gradient(time));
      const terms = ahead.map((value, k) => e.mul(weights[reach - 1 - k]!, value.value));
      const result = builder.let(
        'result',
        terms.reduce((a, b) => e.add(a, b), e.mul(weights[reach]!, own)),
      );
      scope.output({ time, [node.type.dims[1]!.name]: channel }, result);
      for (let k = reach - 1; k >= 0; k--) ahead[k]!.set(k === 0 ? own : ahead[k - 1]!.value);
    });
  });
  return [
    scope.finish({
      name: kernelName(graph, mode, node.id, 'conv_input'),
      doc: `Gradient of the input of a convolution over ${kernel} tokens.`,
      label: describe(graph, [node.id]),
      workgroupSize: [THREADS, 1, 1],
      grid: [Math.ceil(channels / THREADS), `tiles${WALK}`, 1],
      cost: {
        weightElements: 0,
        values: ['mul', 'tokens', 2 * channels],
        operations: ['mul', 'tokens', 2 * kernel * channels],
      },
    }),
  ];
});

export const lowerConv1dWeightGradient: Lowering<'conv1d_weight_gradient'> = withinBufferLimit((context) => [
  sumTiles(context),
  addTiles(context),
]);

function bindParts(scope: KernelScope, node: GraphNode, elements: number, access: 'read' | 'read_write') {
  const operand: CallOperand = {
    kind: 'scratch',
    node: node.id,
    name: 'parts',
    elements: ['mul', `tiles${SUM}`, elements],
  };
  return scope.bind('parts', operand, 'f32', access, `gradient of the weight [${elements}] by each tile of tokens`);
}

function sumTiles(context: LoweringContext<'conv1d_weight_gradient'>): KernelCall {
  const { graph, node, mode } = context;
  const { kernel } = node.attributes;
  const names = node.inputs.map((i) => graph.nodes[i]!.type.dims[1]!.name);
  const channels = graph.nodes[node.inputs[0]!]!.type.dims[1]!.extent as number;
  const elements = channels * kernel;
  const blocks = Math.ceil(kernel / TAPS);
  const taps = Math.ceil(kernel / blocks);
  const scope = context.scope();
  const { builder } = scope;
  const tile = readTile(scope, SUM, e.builtin('workgroup_y'));
  const channel = channelOf(scope);
  builder.if(e.lt(channel, channels), () => {
    const read = (i: 0 | 1, time: Expression): Expression => scope.input(i, { time, [names[i]!]: channel });
    // The block's taps look 0, 1, … tokens back from `start` tokens before the gradient's.
    const start = blocks === 1 ? e.u32(0) : builder.let('start', e.mul(e.builtin('workgroup_z'), taps));
    const position = builder.let('position', e.mul(tile.index, SUM));
    const history = Array.from({ length: taps }, (_, k) => builder.variable(`back_${k}`, 'f32', e.f32(0)));
    const sums = history.map((_, k) => builder.variable(`sum_${k}`, 'f32', e.f32(0)));
    history.slice(0, -1).forEach((value, k) => {
      const back = builder.let('back', e.add(start, k + 1));
      builder.if(e.ge(position, back), () => value.set(read(1, builder.let('earlier', e.sub(tile.first, back)))));
    });
    builder.for('n', 0, tile.count, (n) => {
      const time = builder.let('time', e.add(tile.first, n));
      const g = builder.let('g', read(0, time));
      for (let k = taps - 1; k > 0; k--) history[k]!.set(history[k - 1]!.value);
      if (blocks === 1) history[0]!.set(read(1, time));
      else {
        history[0]!.set(e.f32(0));
        builder.if(e.ge(e.add(position, n), start), () =>
          history[0]!.set(read(1, builder.let('then', e.sub(time, start)))),
        );
      }
      sums.forEach((sum, k) => sum.set(e.add(sum.value, e.mul(g, history[k]!.value))));
    });
    const parts = bindParts(scope, node, elements, 'read_write');
    const row = builder.let('row', e.mul(e.add(e.mul(e.builtin('workgroup_y'), channels), channel), kernel));
    sums.forEach((sum, k) => {
      const back = builder.let('tokens_back', e.add(start, k));
      builder.if(e.lt(back, kernel), () => parts.set(e.add(row, e.sub(e.u32(kernel - 1), back)), sum.value));
    });
  });
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'conv_weight_parts'),
    doc: `Gradient of the weight of a convolution over ${kernel} tokens, by tiles of ${SUM}.`,
    label: `${describe(graph, [node.id])}: parts`,
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(channels / THREADS), `tiles${SUM}`, blocks],
    cost: {
      weightElements: 0,
      values: ['add', ['mul', 'tokens', 2 * channels], ['mul', `tiles${SUM}`, elements]],
      operations: ['mul', 'tokens', 2 * elements],
    },
  });
}

function addTiles(context: LoweringContext<'conv1d_weight_gradient'>): KernelCall {
  const { graph, node, mode } = context;
  const { kernel, dims } = node.attributes;
  const elements = (dims[0]!.extent as number) * kernel;
  const scope = context.scope();
  const { builder } = scope;
  const parts = bindParts(scope, node, elements, 'read');
  const tiles = scope.uniform('tiles', `tiles${SUM}`, 'u32', 'tiles of all sequences');
  const element = builder.let('element', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
  builder.if(e.lt(element, elements), () => {
    const sum = builder.variable('sum', 'f32', e.f32(0));
    builder.for('tile', 0, tiles, (t) => sum.set(e.add(sum.value, parts.at(e.add(e.mul(t, elements), element)))));
    const at = { [dims[0]!.name]: e.div(element, kernel), [dims[1]!.name]: e.mod(element, kernel) };
    scope.output(at, sum.value);
  });
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'conv_weight'),
    doc: `Gradient of the weight of a convolution over ${kernel} tokens.`,
    label: describe(graph, [node.id]),
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(elements / THREADS), 1, 1],
    cost: {
      weightElements: 0,
      values: ['add', ['mul', `tiles${SUM}`, elements], elements],
      operations: ['mul', `tiles${SUM}`, elements],
    },
  });
}
