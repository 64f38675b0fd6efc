import { TIME, hasTime, tensor } from '../../graph/types.js';
import type { TensorType } from '../../graph/types.js';
import type { OpAttributes } from '../attributes.js';
import { evaluateNodes } from '../body.js';
import { arrange, shapeOf, sizeOf } from '../layout.js';
import type { EvaluationContext, OpDefinition, Reference } from '../op.js';
import { requireScanInputs } from '../scan.js';
import { ShapeError } from '../op.js';
import { sameDims, withoutTime } from '../shape.js';
import { adjointOf } from './adjoint.js';
import { together } from './shared.js';

/** Runs the body forward, keeping each token's states, then its adjoint from the last token to the first. */
function compute(
  inputs: readonly Reference[],
  { body }: OpAttributes['scan_gradient'],
  { segments, types }: EvaluationContext,
): Readonly<Record<string, Reference>> {
  const count = body.states.length;
  const outers = inputs.slice(count, -1);
  const outerTypes = types.inputs.slice(count, -1);
  const upstream = inputs.at(-1)!;
  const adjoint = adjointOf(body, outerTypes);
  const sizes = outers.map((outer, i) => (hasTime(outerTypes[i]!) ? sizeOf(outer.shape.slice(1)) : outer.data.length));
  const results = inputs.slice(0, -1).map(({ shape, data }) => ({ shape, data: new Float64Array(data.length) }));
  const initial = body.states.map((type, i) => ({
    shape: shapeOf(type.dims, 0),
    data: arrange(inputs[i]!, types.inputs[i]!.dims, type.dims, 0),
  }));
  for (const { start, length } of segments) {
    /** An outer value at a token of this segment; zeros before its start. */
    const read = (index: number, offset: number, t: number): Reference => {
      if (index === outers.length) return row(upstream, start + t);
      if (!hasTime(outerTypes[index]!)) return outers[index]!;
      if (t >= offset) return row(outers[index]!, start + t - offset);
      return { shape: outers[index]!.shape.slice(1), data: new Float64Array(sizes[index]!) };
    };
    const before: (readonly Reference[])[] = [];
    let states: readonly Reference[] = initial;
    for (let t = 0; t < length; t++) {
      before.push(states);
      const values = evaluateNodes(body.nodes, states, (index, offset) => read(index, offset, t));
      states = body.next.map((node) => values[node]!);
    }
    let gradients: readonly Reference[] = body.states.map((type) => zeroState(type));
    for (let t = length - 1; t >= 0; t--) {
      const values = evaluateNodes(adjoint.nodes, [...before[t]!, ...gradients], (index, offset) =>
        read(index, offset, t),
      );
      for (const { index, offset, node } of adjoint.reads) {
        const timed = hasTime(outerTypes[index]!);
        if (timed && t < offset) continue;
        const at = timed ? (start + t - offset) * sizes[index]! : 0;
        const target = results[count + index]!.data;
        values[node]!.data.forEach((value, i) => (target[at + i]! += value));
      }
      gradients = adjoint.states.map((node) => values[node]!);
    }
    gradients.forEach((gradient, i) => addReduced(results[i]!.data, types.inputs[i]!, gradient, body.states[i]!));
  }
  return Object.fromEntries(results.map((result, i) => [i, result]));
}

function zeroState({ dims }: TensorType): Reference {
  const shape = shapeOf(dims, 0);
  return { shape, data: new Float64Array(sizeOf(shape)) };
}

function row({ shape, data }: Reference, t: number): Reference {
  const own = shape.slice(1);
  const size = sizeOf(own);
  return { shape: own, data: data.subarray(t * size, (t + 1) * size) };
}

/** Adds the gradient of a state to that of its initial value, which may lack dimensions. */
function addReduced(target: Float64Array, initial: TensorType, gradient: Reference, state: TensorType): void {
  const repeated = state.dims.filter((d) => !initial.dims.some((i) => i.name === d.name));
  const values = arrange(gradient, state.dims, [...initial.dims, ...repeated], 0);
  const count = values.length / target.length;
  values.forEach((value, i) => (target[Math.floor(i / count)]! += value));
}

export const scan_gradient: OpDefinition<'scan_gradient'> = {
  name: 'scan_gradient',
  doc: 'Inputs: those of `scan`, gradient of its result. The gradient of the input with index `of`.',
  infer: (inputs, { body, of }) => {
    requireScanInputs('scan_gradient', inputs.slice(0, -1), body);
    const expected = [TIME, ...body.nodes[body.yields]!.type.dims];
    if (inputs.length === 0 || !sameDims(inputs.at(-1)!.dims, expected)) {
      throw new ShapeError('scan_gradient: the gradient has the wrong shape');
    }
    const type = inputs[of];
    if (type === undefined || of >= inputs.length - 1) throw new ShapeError(`scan_gradient: there is no input ${of}`);
    return tensor(hasTime(type) ? [TIME, ...withoutTime(type).dims] : type.dims);
  },
  evaluate: together(compute),
};
