import type { Program } from '../program/program.js';

/**
 * A serialised state: 8 bytes `HYBSTATE`, u32 version, u32 length of the JSON header, u32 CRC-32 of all that follows,
 * then the header (padded with spaces to a multiple of 4), for each sequence the bits of the token ids it holds, and for
 * each sequence its states as f32, in the program's order. Little-endian.
 */
export const MAGIC = 'HYBSTATE';
export const VERSION = 1;
export const PREFIX = 20;

export interface Header {
  readonly model: string;
  readonly vocab: number;
  readonly states: readonly { readonly id: string; readonly kind: string; readonly elements: number }[];
  readonly lengths: readonly number[];
}

export function headerOf({ model, states }: Program, lengths: readonly number[]): Header {
  return {
    model: model.name,
    vocab: model.vocab,
    states: states.map(({ id, kind, elements }) => ({ id, kind, elements })),
    lengths: [...lengths],
  };
}

export function dataBytes(header: Header): number {
  let bytes = header.lengths.length * Math.ceil(header.vocab / 32) * 4;
  for (const length of header.lengths) {
    for (const { kind, elements } of header.states) bytes += elements * 4 * (kind === 'token' ? length : 1);
  }
  return bytes;
}
