import { UsageError } from '../errors.js';
import type { StateContext } from './context.js';
import { crc32 } from './crc32.js';
import { dataBytes, headerOf, MAGIC, PREFIX, VERSION, type Header } from './format.js';
import { ModelState } from './model-state.js';

/** @throws UsageError `bad-state` if the bytes are damaged or of another model */
export async function deserializeState(context: StateContext, input: Uint8Array): Promise<ModelState> {
  // Typed arrays over it need an aligned start.
  const bytes = input.byteOffset % 4 === 0 ? input : input.slice();
  const header = checkHeader(context, bytes);
  const capacity = Math.max(1, ...header.lengths);
  const state = await ModelState.create(context, { sequences: header.lengths.length, capacity });
  let at = bytes.byteLength - dataBytes(header);
  for (let sequence = 0; sequence < state.sequences; sequence++) {
    const bits = state.seen.of(sequence);
    bits.set(new Uint32Array(bytes.buffer, bytes.byteOffset + at, bits.length));
    at += bits.byteLength;
    state.setLength(sequence, header.lengths[sequence]!);
  }
  for (let sequence = 0; sequence < state.sequences; sequence++) {
    for (const { buffer, offset, bytes: length } of state.regions(sequence)) {
      const part = bytes.subarray(at, at + length) as Uint8Array<ArrayBuffer>;
      if (length > 0) context.device.gpu.queue.writeBuffer(buffer, offset, part);
      at += length;
    }
  }
  await context.device.idle();
  return state;
}

function checkHeader(context: StateContext, bytes: Uint8Array): Header {
  const fail = (problem: string): never => {
    throw new UsageError('bad-state', `These bytes are not a state of this model: ${problem}.`);
  };
  if (bytes.byteLength < PREFIX || new TextDecoder().decode(bytes.subarray(0, 8)) !== MAGIC) {
    return fail('they do not begin as a serialised state does');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  if (version !== VERSION) return fail(`they have version ${version}, known is ${VERSION}`);
  const headerBytes = view.getUint32(12, true);
  if (PREFIX + headerBytes > bytes.byteLength) return fail('they are cut off');
  if (crc32(bytes.subarray(PREFIX)) !== view.getUint32(16, true))
    return fail('they are damaged (the checksum differs)');
  let header: Header;
  try {
    header = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(PREFIX, PREFIX + headerBytes)),
    ) as Header;
  } catch {
    return fail('the header is not JSON');
  }
  const { model, vocab, states } = headerOf(context.program, []);
  const lengths: unknown = header?.lengths;
  const plausible =
    Array.isArray(lengths) && lengths.length > 0 && lengths.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  if (!plausible) return fail('the header has no lengths');
  if (header.model !== model || header.vocab !== vocab) {
    return fail(`they are of ${header.model} with ${header.vocab} token ids, this is ${model} with ${vocab}`);
  }
  if (JSON.stringify(header.states) !== JSON.stringify(states)) return fail('the model has other states now');
  const needed = PREFIX + headerBytes + dataBytes(header);
  if (needed !== bytes.byteLength) return fail(`they should be ${needed} long, but are ${bytes.byteLength}`);
  return header;
}
