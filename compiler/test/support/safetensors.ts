import { readFileSync } from 'node:fs';
import type { Reference } from '../../src/ops/op.js';

/** Reads a whole safetensors file of F32 and I32 tensors (https://github.com/huggingface/safetensors, "Format"). */
export function readSafetensors(path: string): ReadonlyMap<string, Reference> {
  const bytes = readFileSync(path);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<string, Entry>;
  const start = 8 + headerLength;
  const tensors = new Map<string, Reference>();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const buffer = new Uint8Array(bytes.subarray(start + data_offsets[0], start + data_offsets[1])).buffer;
    tensors.set(name, {
      shape,
      data: Float64Array.from(dtype === 'I32' ? new Int32Array(buffer) : new Float32Array(buffer)),
    });
  }
  return tensors;
}

interface Entry {
  readonly dtype: 'F32' | 'I32';
  readonly shape: number[];
  readonly data_offsets: [number, number];
}
