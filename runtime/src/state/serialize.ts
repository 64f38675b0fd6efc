import type { Region } from '../memory/readback.js';
import type { StateContext } from './context.js';
import { crc32 } from './crc32.js';
import { dataBytes, headerOf, MAGIC, PREFIX, VERSION } from './format.js';
import type { Seen } from './seen.js';

export interface Serializable {
  readonly context: StateContext;
  readonly seen: Seen;
  readonly lengths: readonly number[];
  regions(sequence: number): Region[];
}

export async function serializeState(state: Serializable): Promise<Uint8Array> {
  const header = headerOf(state.context.program, state.lengths);
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / 4) * 4;
  const bytes = new Uint8Array(PREFIX + headerBytes + dataBytes(header));
  bytes.set(new TextEncoder().encode(MAGIC));
  bytes.fill(0x20, PREFIX, PREFIX + headerBytes);
  bytes.set(json, PREFIX);
  let at = PREFIX + headerBytes;
  for (let sequence = 0; sequence < state.lengths.length; sequence++) {
    const bits = state.seen.of(sequence);
    bytes.set(new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength), at);
    at += bits.byteLength;
  }
  const regions = state.lengths.flatMap((_, sequence) => state.regions(sequence));
  await state.context.readback.read(regions, bytes, at);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, headerBytes, true);
  view.setUint32(16, crc32(bytes.subarray(PREFIX)), true);
  return bytes;
}
