/**
 * Depthwise causal convolution. The state holds the last K - 1 inputs, oldest first: [slot, K - 1, channels].
 *
 * Prefill: one invocation walks a channel through a tile of tokens and keeps the last K - 1 inputs in registers, so each
 * input is read once; a second kernel then renews the states. Decode: one step a channel, by `convStep`, which fusion also
 * uses as an epilogue of the projection that makes the input.
 */
import type { Graph, GraphNode } from '../graph/graph.js';
import * as e from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';
import { readSequence, readTile, readToken } from './batch.js';
import type { KernelCall } from './call.js';
import { describe, kernelName } from './names.js';
import type { KernelScope, LoweringContext } from './scope.js';

const THREADS = 256;
const TILE = 16;

type ConvNode = { readonly graph: Graph; readonly node: GraphNode<'conv1d'> };

/** Element of the convolution's weight (input 1) or bias (input 2): by row-major index, also given as coordinates. */
export type ParameterReader = (i: 1 | 2, flat: Expression, channel: Expression, tap: number) => Expression;

interface ConvShape {
  readonly channels: number;
  readonly kernel: number;
  readonly hasBias: boolean;
  readonly names: { readonly x: string; readonly channel: string };
}

function shapeOf({ graph, node }: ConvNode): ConvShape {
  const x = graph.nodes[node.inputs[0]!]!.type.dims[1]!;
  return {
    channels: x.extent as number,
    kernel: node.attributes.kernel,
    hasBias: node.inputs.length > 2,
    names: { x: x.name, channel: node.type.dims[1]!.name },
  };
}

function bindState(
  scope: KernelScope,
  node: GraphNode,
  { channels, kernel }: ConvShape,
  access: 'read' | 'read_write',
) {
  return scope.bind(
    'state',
    { kind: 'state', node: node.id, name: 'inputs' },
    'f32',
    access,
    `last inputs [slot, ${kernel - 1}, ${channels}]`,
  );
}

/**
 * One token of one channel: returns the convolution's value and renews the channel's state. Only one invocation may do so
 * for each channel of a token.
 */
export function convStep(
  scope: KernelScope,
  conv: ConvNode,
  at: { readonly time: Expression; readonly channel: Expression },
  input: Expression,
  parameter: ParameterReader,
): Expression {
  const { builder } = scope;
  const shape = shapeOf(conv);
  const { channels, kernel } = shape;
  const reach = kernel - 1;
  const channel = builder.let('channel', at.channel);
  const newest = builder.let('newest', input);
  const weightRow = builder.let('weight_row', e.mul(channel, kernel));
  const weight = (tap: number): Expression => parameter(1, e.add(weightRow, tap), channel, tap);
  const result = builder.variable('convolved', 'f32', e.mul(weight(reach), newest));
  if (shape.hasBias) result.set(e.add(result.value, parameter(2, channel, channel, 0)));
  if (reach === 0) return result.value;
  const state = bindState(scope, conv.node, shape, 'read_write');
  const { slot, position } = readToken(scope, at.time);
  const row = builder.let('state_row', e.add(e.mul(slot, reach * channels), channel));
  const earlier = Array.from({ length: reach }, (_, k) =>
    builder.let(`back_${reach - k}`, e.select(e.eq(position, 0), e.f32(0), state.at(e.add(row, k * channels)))),
  );
  earlier.forEach((value, k) => result.set(e.add(result.value, e.mul(weight(k), value))));
  earlier.forEach((_, k) => state.set(e.add(row, k * channels), earlier[k + 1] ?? newest));
  return result.value;
}

export function lowerConv1d(context: LoweringContext<'conv1d'>): readonly KernelCall[] {
  if (context.mode === 'decode') return [decode(context)];
  return context.node.attributes.kernel > 1 ? [convolve(context), renewStates(context)] : [convolve(context)];
}

/** Reads weight and bias through the scope, in kernels that the convolution anchors. */
function parametersOf(scope: KernelScope, { graph, node }: ConvNode): ParameterReader {
  const dimsOf = (i: number) => graph.nodes[node.inputs[i]!]!.type.dims;
  return (i, _flat, channel, tap) => {
    if (i === 2) return scope.input(2, { [dimsOf(2)[0]!.name]: channel });
    return scope.input(1, { [dimsOf(1)[0]!.name]: channel, [dimsOf(1)[1]!.name]: e.u32(tap) });
  };
}

function decode(context: LoweringContext<'conv1d'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = shapeOf(context);
  const time = e.builtin('workgroup_y');
  const channel = channelOf(scope);
  builder.if(e.lt(channel, shape.channels), () => {
    const input = scope.input(0, { time, [shape.names.x]: channel });
    const value = convStep(scope, context, { time, channel }, input, parametersOf(scope, context));
    scope.output({ time, [shape.names.channel]: channel }, value);
  });
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'step'),
    doc: `One token of the convolution over ${shape.kernel} tokens; renews the state.`,
    label: describe(graph, [node.id]),
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(shape.channels / THREADS), 'tokens', 1],
    cost: costOf(shape, 2 * shape.kernel),
  });
}

function convolve(context: LoweringContext<'conv1d'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = shapeOf(context);
  const { channels, kernel } = shape;
  const reach = kernel - 1;
  const tile = readTile(scope, TILE, e.builtin('workgroup_y'));
  const sequence = readSequence(scope, tile.sequence);
  const channel = channelOf(scope);
  builder.if(e.lt(channel, channels), () => {
    const read = parametersOf(scope, context);
    const weights = Array.from({ length: kernel }, (_, k) =>
      builder.let(`weight_${k}`, read(1, e.add(e.mul(channel, kernel), k), channel, k)),
    );
    const bias = shape.hasBias ? builder.let('bias', read(2, channel, channel, 0)) : e.f32(0);
    // The inputs before the tile: of this call, of the state, or zero before the sequence's start.
    const history = Array.from({ length: reach }, (_, k) => builder.variable(`back_${reach - k}`, 'f32', e.f32(0)));
    history.forEach((value, k) => {
      const back = reach - k;
      builder.if(
        e.ge(tile.first, e.add(sequence.first, back)),
        () =>
          value.set(
            scope.input(0, { time: builder.let('earlier', e.sub(tile.first, back)), [shape.names.x]: channel }),
          ),
        () => {
          const state = bindState(scope, node, shape, 'read');
          builder.if(e.gt(sequence.position, 0), () => {
            const row = e.sub(e.add(e.sub(tile.first, sequence.first), reach), back);
            value.set(state.at(e.add(e.mul(e.add(e.mul(sequence.slot, reach), row), channels), channel)));
          });
        },
      );
    });
    builder.for('time', tile.first, e.add(tile.first, tile.count), (time) => {
      const newest = builder.let('newest', scope.input(0, { time, [shape.names.x]: channel }));
      const result = builder.variable('convolved', 'f32', e.add(e.mul(weights[reach]!, newest), bias));
      history.forEach((value, k) => result.set(e.add(result.value, e.mul(weights[k]!, value.value))));
      scope.output({ time, [shape.names.channel]: channel }, result.value);
      history.forEach((value, k) => value.set(history[k + 1]?.value ?? newest));
    });
  });
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'conv'),
    doc: `Depthwise causal convolution over ${kernel} tokens.`,
    label: describe(graph, [node.id]),
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(channels / THREADS), `tiles${TILE}`, 1],
    cost: costOf(shape, 2),
  });
}

/** The last inputs of each sequence; a sequence that had fewer tokens than the state holds shifts it. */
function renewStates(context: LoweringContext<'conv1d'>): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const shape = shapeOf(context);
  const { channels, kernel } = shape;
  const reach = kernel - 1;
  const sequence = readSequence(scope, e.builtin('workgroup_y'));
  const channel = channelOf(scope);
  builder.if(e.and(e.lt(channel, channels), e.gt(sequence.count, 0)), () => {
    const state = bindState(scope, node, shape, 'read_write');
    const at = (row: Expression): Expression =>
      e.add(e.mul(e.add(e.mul(sequence.slot, reach), row), channels), channel);
    // In order: a row is read before it is overwritten, since it moves to an earlier one.
    builder.for('row', 0, reach, (row) => {
      const end = builder.let('end', e.add(sequence.count, row));
      const value = builder.variable('value', 'f32', e.f32(0));
      builder.if(
        e.ge(end, reach),
        () =>
          value.set(
            scope.input(0, {
              time: builder.let('time', e.sub(e.add(sequence.first, end), reach)),
              [shape.names.x]: channel,
            }),
          ),
        () => builder.if(e.gt(sequence.position, 0), () => value.set(state.at(at(end)))),
      );
      state.set(at(row), value.value);
    });
  });
  return scope.finish({
    name: kernelName(graph, mode, node.id, 'state'),
    doc: `Keeps the last ${reach} inputs of the convolution.`,
    label: `${describe(graph, [node.id])} state`,
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(channels / THREADS), 'sequences', 1],
    cost: { weightElements: 0, values: ['mul', 'sequences', 2 * reach * channels], operations: 0 },
  });
}

function channelOf(scope: KernelScope): Expression {
  return scope.builder.let('channel', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
}

function costOf({ channels, kernel }: ConvShape, valuesPerElement: number): KernelCall['cost'] {
  return {
    weightElements: 0,
    values: ['mul', 'tokens', channels * valuesPerElement],
    operations: ['mul', 'tokens', channels * 2 * kernel],
  };
}
