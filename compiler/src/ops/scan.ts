import { TIME, hasTime, printType, tensor } from '../graph/types.js';
import type { Dim, TensorType } from '../graph/types.js';
import type { OpAttributes, ScanBody } from './attributes.js';
import { evaluateNodes, shiftedReach, verifyBody } from './body.js';
import { arrange, shapeOf, sizeOf, stridesOf } from './layout.js';
import { ShapeError } from './op.js';
import type { OpDefinition, Reference } from './op.js';
import { withHistory } from './conv1d.js';
import { isFloat, requireFloat, requireWellFormed, withoutTime } from './shape.js';

/** Names of the pieces of state: `state0` …, and `input2` for an outer value that is read shifted. */
export const stateName = (index: number): string => `state${index}`;
export const historyName = (index: number): string => `input${index}`;

/** Checks initial and outer values against the body. @throws ShapeError */
export function requireScanInputs(op: string, inputs: readonly TensorType[], body: ScanBody): void {
  if (inputs.length < body.states.length) {
    throw new ShapeError(`${op} needs an initial value for each state`, {
      expected: `${body.states.length}`,
      found: `${inputs.length}`,
    });
  }
  body.states.forEach((state, i) => {
    requireFloat(op, inputs, i);
    const initial = inputs[i]!;
    const fits = initial.dims.every((d) => state.dims.some((s) => s.name === d.name && s.extent === d.extent));
    if (!fits)
      throw new ShapeError(`${op}: the initial value does not fit the state`, {
        expected: printType(state),
        found: printType(initial),
        input: i,
      });
  });
  verifyBody(body, inputs.slice(body.states.length));
}

function infer(inputs: readonly TensorType[], { body }: OpAttributes['scan']): TensorType {
  requireScanInputs('scan', inputs, body);
  const dims: readonly Dim[] = [TIME, ...body.nodes[body.yields]!.type.dims];
  requireWellFormed('scan', dims);
  return tensor(dims);
}

export const scan: OpDefinition<'scan'> = {
  name: 'scan',
  doc: 'Inputs: initial value of each state, then the outer values that the body reads. Runs the body once a token, in order.',
  infer,
  evaluate: (inputs, { body }, { tokens, segments, state, types }) => {
    const yieldShape = shapeOf(body.nodes[body.yields]!.type.dims, 0);
    const perToken = sizeOf(yieldShape);
    const data = new Float64Array(tokens * perToken);
    const outers = inputs.slice(body.states.length);
    const outerTypes = types.inputs.slice(body.states.length);
    const reach = shiftedReach(body, outers.length);
    const initial = body.states.map((type, i) => ({
      shape: shapeOf(type.dims, 0),
      data: arrange(inputs[i]!, types.inputs[i]!.dims, type.dims, 0),
    }));
    segments.forEach((segment, s) => {
      let states: readonly Reference[] = initial.map((value, i) => state[s]!.get(stateName(i)) ?? value);
      const rows = outers.map((outer, i) => {
        if (!hasTime(outerTypes[i]!)) return outer.data;
        return withHistory(outer.data, sizeOf(outer.shape.slice(1)), segment, reach[i]!, state[s]!.get(historyName(i)));
      });
      const read = (index: number, offset: number, t: number): Reference => {
        if (!hasTime(outerTypes[index]!)) return outers[index]!;
        const shape = outers[index]!.shape.slice(1);
        const size = sizeOf(shape);
        const at = (t + reach[index]! - offset) * size;
        return { shape, data: rows[index]!.subarray(at, at + size) };
      };
      for (let t = 0; t < segment.length; t++) {
        const values = evaluateNodes(body.nodes, states, (index, offset) => read(index, offset, t));
        data.set(values[body.yields]!.data, (segment.start + t) * perToken);
        states = body.next.map((node) => values[node]!);
      }
      states.forEach((value, i) => state[s]!.set(stateName(i), { shape: value.shape, data: value.data.slice() }));
      outers.forEach((outer, i) => {
        const length = reach[i]!;
        if (length === 0) return;
        const shape = [length, ...outer.shape.slice(1)];
        const kept = rows[i]!.slice(segment.length * stridesOf(shape)[0]!);
        state[s]!.set(historyName(i), { shape, data: kept });
      });
    });
    return { shape: [tokens, ...yieldShape], data };
  },
  state: (inputs, { body }) => {
    const outers = inputs.slice(body.states.length);
    const reach = shiftedReach(body, outers.length);
    return [
      ...body.states.map((type, i) => ({ name: stateName(i), kind: 'sequence' as const, dims: shapeOf(type.dims, 0) })),
      ...outers.flatMap((type, i) =>
        reach[i]! > 0
          ? [
              {
                name: historyName(i),
                kind: 'sequence' as const,
                dims: [reach[i]!, ...shapeOf(withoutTime(type).dims, 0)],
              },
            ]
          : [],
      ),
    ];
  },
  gradient: (builder, { inputs, attributes }, g) =>
    inputs.map((input, of) =>
      isFloat(builder.typeOf(input).dtype)
        ? builder.add('scan_gradient', [...inputs, g], { ...attributes, of })
        : undefined,
    ),
};
