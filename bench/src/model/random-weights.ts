/** A checkpoint of random weights that is made while it is read, so that neither disk nor memory holds it. */
import type { ByteSource, Program } from '@hyb/runtime';

/** Elements of the table that matrices repeat: prime, so that no row equals the next. */
const TABLE = 65_537;

/**
 * One safetensors file in bf16 with all parameters of a program without a weight map. Matrices are uniform around zero with the standard
 * deviation 0.02, vectors (norms, steps, rates) all 0.5.
 */
export function randomWeights(program: Program): ByteSource {
  const entries: Record<string, unknown> = {};
  let end = 0;
  const spans = program.parameters.map(({ path, shape, role }) => {
    const start = end;
    end += 2 * shape.reduce((a, b) => a * b, 1);
    entries[path] = { dtype: 'BF16', shape, data_offsets: [start, end] };
    return { end, matrix: role === 'matrix' };
  });
  const json = new TextEncoder().encode(JSON.stringify(entries));
  const padded = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  const table = noise();
  const half = bf16(0.5);

  const fill = (to: Uint8Array, offset: number): void => {
    let at = 0;
    while (at < to.length) {
      const position = offset + at;
      if (position < header.length) {
        const part = header.subarray(position, position + to.length - at);
        to.set(part, at);
        at += part.length;
        continue;
      }
      const place = position - header.length;
      const span = spans.find((s) => place < s.end)!;
      const stop = Math.min(to.length, at + span.end - place);
      if (span.matrix) {
        const from = place % table.length;
        const part = table.subarray(from, Math.min(table.length, from + stop - at));
        to.set(part, at);
        at += part.length;
      } else {
        for (; at < stop; at++) to[at] = half[(offset + at - header.length) % 2]!;
      }
    }
  };
  return {
    name: 'random weights',
    size: header.length + end,
    read: (offset, length, options) => {
      const bytes = options?.into?.subarray(0, length) ?? new Uint8Array(length);
      fill(bytes, offset);
      return Promise.resolve(bytes);
    },
  };
}

/** Bytes of bf16 numbers. */
function noise(): Uint8Array {
  const bytes = new Uint8Array(2 * TABLE);
  let state = 1;
  for (let i = 0; i < TABLE; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.set(bf16((state / 2 ** 32 - 0.5) * 0.02 * Math.sqrt(12)), 2 * i);
  }
  return bytes;
}

function bf16(value: number): Uint8Array {
  return new Uint8Array(Float32Array.of(value).buffer, 2, 2);
}
