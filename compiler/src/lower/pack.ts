/**
 * Keeps kernels within the number of storage buffers that every device has: where an op's inputs come from too many, they
 * are first gathered in one scratch buffer: those without time, then [tokens, elements of those over time].
 */
import type { Size } from '@hyb/runtime';
import { elementsPerToken, hasTime } from '../graph/types.js';
import * as e from '../kernel/expressions.js';
import type { Expression } from '../kernel/ir.js';
import { CORE_LIMITS } from '../kernel/verify.js';
import type { OpName } from '../ops/attributes.js';
import type { CallOperand, KernelCall } from './call.js';
import { describe, kernelName } from './names.js';
import type { Coordinates, KernelScope, Lowering, LoweringContext } from './scope.js';

const THREADS = 256;

export function fitsBuffers(call: KernelCall): boolean {
  return call.variants.every((v) => v.buffers.length <= CORE_LIMITS.storageBuffers);
}

export function withinBufferLimit<N extends OpName>(lowering: Lowering<N>): Lowering<N> {
  return (context) => {
    const direct = lowering(context);
    if (direct.every(fitsBuffers)) return direct;
    const layout = layoutOf(context);
    const calls = gather(context, layout, [...context.node.inputs.keys()]);
    return [...calls, ...lowering({ ...context, scope: () => new PackedScope(context.scope(), context, layout) })];
  };
}

interface PackLayout {
  /** First element of each input (over time: of the first token's). */
  readonly offsets: readonly number[];
  /** Elements without time, and per token. */
  readonly fixed: number;
  readonly stride: number;
}

function layoutOf({ graph, node }: LoweringContext): PackLayout {
  const types = node.inputs.map((id) => graph.nodes[id]!.type);
  const offsets: number[] = [];
  let end = 0;
  const place = (timed: boolean): void =>
    types.forEach((type, i) => {
      if (hasTime(type) !== timed) return;
      offsets[i] = end;
      end += elementsPerToken(type);
    });
  place(false);
  const fixed = end;
  place(true);
  return { offsets, fixed, stride: end - fixed };
}

function bindPack(
  scope: KernelScope,
  { node }: LoweringContext,
  { fixed, stride }: PackLayout,
  access: 'read' | 'read_write',
) {
  const elements: Size = ['add', fixed, ['mul', 'tokens', stride]];
  const operand: CallOperand = { kind: 'scratch', node: node.id, name: 'inputs', elements };
  return scope.bind('inputs', operand, 'f32', access, `inputs, gathered: [${fixed}], then [token, ${stride}]`);
}

/** Where element `flat` (of a token) of input `i` lies. */
function addressOf(
  { graph, node }: LoweringContext,
  layout: PackLayout,
  i: number,
  time: Expression | undefined,
  flat: Expression,
) {
  const offset = e.add(flat, layout.offsets[i]!);
  return hasTime(graph.nodes[node.inputs[i]!]!.type) ? e.add(e.mul(time!, layout.stride), offset) : offset;
}

/** As few kernels as the limit lets gather these inputs. */
function gather(context: LoweringContext, layout: PackLayout, inputs: readonly number[]): readonly KernelCall[] {
  const call = gatherOnce(context, layout, inputs);
  if (fitsBuffers(call)) return [call];
  if (inputs.length === 1) throw new Error(`an input of ${context.node.op} is computed from too many buffers`);
  const half = Math.ceil(inputs.length / 2);
  return [...gather(context, layout, inputs.slice(0, half)), ...gather(context, layout, inputs.slice(half))];
}

function gatherOnce(context: LoweringContext, layout: PackLayout, inputs: readonly number[]): KernelCall {
  const { graph, node, mode } = context;
  const scope = context.scope();
  const { builder } = scope;
  const time = e.builtin('workgroup_y');
  const element = builder.let('element', e.add(e.mul(e.builtin('workgroup_x'), THREADS), e.builtin('local_index')));
  const sizes = inputs.map((i) => elementsPerToken(graph.nodes[node.inputs[i]!]!.type));
  inputs.forEach((i, n) => {
    const { type } = graph.nodes[node.inputs[i]!]!;
    // What has no time is gathered once, with the first token.
    const wanted = hasTime(type) ? e.lt(element, sizes[n]!) : e.and(e.lt(element, sizes[n]!), e.eq(time, 0));
    builder.if(wanted, () => {
      const at: Record<string, Expression> = { time };
      let stride = sizes[n]!;
      for (const d of type.dims) {
        if (d.extent === 'time') continue;
        stride /= d.extent;
        const quotient = e.div(element, stride);
        at[d.name] = builder.let(d.name, stride * d.extent === sizes[n] ? quotient : e.mod(quotient, d.extent));
      }
      const value = scope.input(i, at);
      bindPack(scope, context, layout, 'read_write').set(addressOf(context, layout, i, time, element), value);
    });
  });
  const total = sizes.reduce((a, b) => a + b, 0);
  return scope.finish({
    name: kernelName(graph, mode, node.id, `gather_${inputs.join('_')}`),
    doc: `Gathers inputs ${inputs.join(', ')} of ${node.op}.`,
    label: `${describe(graph, [node.id])}: inputs`,
    workgroupSize: [THREADS, 1, 1],
    grid: [Math.ceil(Math.max(...sizes) / THREADS), 'tokens', 1],
    cost: { weightElements: 0, values: ['mul', 'tokens', 2 * total], operations: 0 },
  });
}

class PackedScope implements KernelScope {
  constructor(
    readonly inner: KernelScope,
    readonly context: LoweringContext,
    readonly layout: PackLayout,
  ) {}

  get builder() {
    return this.inner.builder;
  }
  #address(i: number, at: Coordinates): Expression {
    const { graph, node } = this.context;
    const flat = graph.nodes[node.inputs[i]!]!.type.dims.reduce<Expression>(
      (sum, d) => (d.extent === 'time' || d.extent === 1 ? sum : e.add(e.mul(sum, d.extent), at[d.name]!)),
      e.u32(0),
    );
    return addressOf(this.context, this.layout, i, at['time'], flat);
  }
  input(i: number, at: Coordinates): Expression {
    return bindPack(this.inner, this.context, this.layout, 'read').at(this.#address(i, at));
  }
  input4(i: number, at: Coordinates): Expression {
    const pack = bindPack(this.inner, this.context, this.layout, 'read');
    const first = this.builder.let('packed_at', this.#address(i, at));
    return e.vector('vec4f', ...[0, 1, 2, 3].map((lane) => pack.at(e.add(first, lane))));
  }
  output(at: Coordinates, value: Expression): void {
    this.inner.output(at, value);
  }
  outputOf(...args: Parameters<KernelScope['outputOf']>): void {
    this.inner.outputOf(...args);
  }
  bind(...args: Parameters<KernelScope['bind']>): ReturnType<KernelScope['bind']> {
    return this.inner.bind(...args);
  }
  uniform(...args: Parameters<KernelScope['uniform']>): Expression {
    return this.inner.uniform(...args);
  }
  finish(call: Parameters<KernelScope['finish']>[0]): KernelCall {
    return this.inner.finish(call);
  }
}
