/** A compiled model on a WebGPU device. */
import type { Model, State } from '@hyb/runtime';
import { PREFIX } from '@hyb/runtime/state/format';
import type { Header } from '@hyb/runtime/state/format';
import type { Runner } from './measure.js';
import type { StateValues } from './states.js';

export function deviceRunner(model: Model, device: string): Runner {
  let state: Promise<State> | undefined;
  const sequence = (): Promise<State> => (state ??= model.state());
  return {
    device,
    logits: async (tokens) => (await model.logits([tokens]))[0]!,
    feed: async (tokens) => {
      const [only] = tokens;
      const fed = await sequence();
      const rows = tokens.length === 1 ? await model.decode(fed, [only!]) : await model.prefill(fed, [tokens]);
      return rows[0]!;
    },
    states: async () => readStates(await (await sequence()).serialize(), model.info.vocab),
    // The last one is the head's: the logits.
    hidden: async (tokens) => (await model.trace(tokens)).slice(0, -1).map(({ values }) => values),
  };
}

/** The one sequence of a serialised state. */
function readStates(bytes: Uint8Array, vocab: number): readonly StateValues[] {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(PREFIX, PREFIX + length))) as Header;
  const [tokens = 0] = header.lengths;
  let at = PREFIX + length + 4 * Math.ceil(vocab / 32);
  return header.states.flatMap(({ id, kind, elements }): StateValues[] => {
    const count = elements * (kind === 'token' ? tokens : 1);
    const values = new Float32Array(bytes.slice(at, at + 4 * count).buffer);
    at += 4 * count;
    const match = /^layers\.(\d+)\..*\.(\w+)$/.exec(id);
    return match === null ? [] : [{ layer: Number(match[1]), name: match[2]!, values }];
  });
}
