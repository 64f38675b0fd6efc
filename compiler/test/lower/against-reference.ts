/** Runs rounds of calls on a lowering and on the op's f64 meaning, and compares values and states after each. */
import type { Graph } from '../../src/graph/graph.js';
import { hasTime } from '../../src/graph/types.js';
import type { Feature } from '../../src/kernel/ir.js';
import type { Mode } from '../../src/lower/call.js';
import type { Lowering } from '../../src/lower/scope.js';
import type { OpAttributes, OpName } from '../../src/ops/attributes.js';
import type { Reference } from '../../src/ops/op.js';
import { opDefinition } from '../../src/ops/table.js';
import { random } from '../support/random.js';
import { makeBatch } from './batch.js';
import { interpret, Machine } from './machine.js';
import type { Executor } from './machine.js';
import { plainContext, sizeOf } from './plain-scope.js';

/** Tokens of each slot's sequence in one call, in this order. */
export interface Round {
  readonly mode: Mode;
  readonly sequences: readonly { readonly slot: number; readonly count: number }[];
  /** Slots whose sequences start again. */
  readonly restart?: readonly number[];
}

export const prefill = (...counts: number[]): Round => ({
  mode: 'prefill',
  sequences: counts.map((count, slot) => ({ slot, count })),
});
export const decode = (...slots: number[]): Round => ({
  mode: 'decode',
  sequences: slots.map((slot) => ({ slot, count: 1 })),
});

export interface Comparison<N extends OpName> {
  readonly graph: Graph;
  readonly lowering: Lowering<N>;
  readonly rounds: readonly Round[];
  /** Allowed difference, in units of the largest expected value of the compared tensor. */
  readonly tolerance: number;
  readonly seed?: number;
  readonly slots?: number;
  readonly capacity?: number;
  /** Samples input `i`; by default normal. */
  readonly sample?: (i: number, r: ReturnType<typeof random>) => number;
  readonly execute?: Executor;
  readonly features?: readonly Feature[];
}

export async function compareWithReference<N extends OpName>(c: Comparison<N>): Promise<void> {
  const { graph } = c;
  const node = graph.nodes[graph.output]!;
  const types = node.inputs.map((i) => graph.nodes[i]!.type);
  const definition = opDefinition(node.op);
  const size = { slots: c.slots ?? 4, capacity: c.capacity ?? 64 };
  const machine = new Machine(graph, size, c.execute ?? interpret, c.features);
  const r = random(c.seed ?? 1);
  const sample = (type: (typeof types)[number], i: number, tokens: number): Float32Array =>
    Float32Array.from({ length: sizeOf(type, tokens) }, () => (c.sample ? c.sample(i, r) : r.normal()));
  const constants = types.map((type, i) => (hasTime(type) ? undefined : sample(type, i, 0)));
  const lengths = new Map<number, number>();
  const references = new Map<number, Map<string, Reference>>();

  for (const [index, round] of c.rounds.entries()) {
    for (const slot of round.restart ?? []) {
      lengths.delete(slot);
      references.delete(slot);
    }
    const sequences = round.sequences.map((s) => ({ ...s, position: lengths.get(s.slot) ?? 0 }));
    const batch = makeBatch(sequences, size);
    const { tokens } = batch.sizes;
    const inputs = types.map((type, i) => constants[i] ?? sample(type, i, tokens));
    const context = plainContext<N>(graph, round.mode);
    const actual = await machine.run(c.lowering(context), batch, inputs);

    const segments = sequences.map((s, i) => ({
      start: batch.tables.sequences[4 * i + 1]!,
      length: s.count,
      position: s.position,
    }));
    const state = sequences.map((s) => new Map(references.get(s.slot)));
    const expected = definition.evaluate(
      inputs.map((data, i) => ({
        shape: types[i]!.dims.map((d) => (d.extent === 'time' ? tokens : d.extent)),
        data: Float64Array.from(data),
      })),
      node.attributes as OpAttributes[OpName],
      { tokens, segments, state, types: { inputs: types, output: node.type } },
    );
    close(`round ${index}, value`, actual, expected.data, c.tolerance);
    sequences.forEach((s, i) => {
      lengths.set(s.slot, s.position + s.count);
      if (s.count > 0 || s.position > 0) references.set(s.slot, state[i]!);
    });
    for (const definition of machine.definitions) {
      const values = machine.states.get(definition.name)!;
      for (const [slot, known] of references) {
        const wanted = known.get(definition.name)!.data;
        const start = (slot * values.length) / size.slots;
        close(
          `round ${index}, state ${definition.name} of slot ${slot}`,
          values.subarray(start, start + wanted.length),
          wanted,
          c.tolerance,
        );
      }
    }
  }
}

export function close(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  let scale = 0;
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i]!));
  let worst = { difference: 0, i: 0 };
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= worst.difference)) worst = { difference, i };
  }
  if (!(worst.difference <= tolerance * (scale || 1))) {
    throw new Error(
      `${what}: element ${worst.i} is ${actual[worst.i]!}, not ${expected[worst.i]!} (tolerance ${tolerance} of ${scale})`,
    );
  }
}
