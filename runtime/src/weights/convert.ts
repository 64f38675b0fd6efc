import type { StorageType } from '../program/program.js';
import type { FloatDtype } from './dtypes.js';

/**
 * Conversion between the float types of files and of device storage: exact where the target holds the value, otherwise
 * rounded once, to nearest even. WebGPU hosts are little-endian, as the files are.
 */

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

/** Bits of the bf16 nearest to the f32 with the given bits; NaN stays NaN. */
export function bf16FromF32Bits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** Bits of the f16 nearest to the f32 with the given bits; NaN stays NaN, too large becomes infinity. */
export function f16FromF32Bits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    // Rebias the exponent by 15 - 127, add just less than half of the last place, and one more if that place is odd.
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  // Subnormal: between 0.5 and 1 the last place of an f32 is 2^-24, as it is for these.
  scratchBits[0] = magnitude;
  scratchFloat[0] = scratchFloat[0]! + 0.5;
  return sign | (scratchBits[0]! - 0x3f000000);
}

/** Bits of the f32 equal to the f16 with the given bits. */
export function f32BitsFromF16(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent > 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  scratchFloat[0] = fraction * 2 ** -24;
  return (sign | scratchBits[0]!) >>> 0;
}

/**
 * Bits of the f32 next to a f64 that is rounded to odd: of the two neighbours of an inexact value the one with an odd last
 * place. Rounding that to a format with two bits fewer gives what rounding the f64 itself gives.
 */
export function f32BitsRoundedToOdd(value: number): number {
  scratchFloat[0] = value;
  const nearest = scratchFloat[0]!;
  const bits = scratchBits[0]!;
  if (nearest === value || Number.isNaN(value) || (bits & 1) === 1) return bits;
  // Even and inexact: the odd neighbour lies on the value's side. Infinity came from overflow: the largest finite f32 is odd.
  const away = Math.abs(value) > Math.abs(nearest);
  return (away ? bits + 1 : bits - 1) >>> 0;
}

let f16Table: Uint32Array | undefined;

/** `f32BitsFromF16` of all 65,536 values. */
function f32FromF16Table(): Uint32Array {
  if (!f16Table) {
    f16Table = new Uint32Array(65536);
    for (let bits = 0; bits < 65536; bits++) f16Table[bits] = f32BitsFromF16(bits);
  }
  return f16Table;
}

const BYTES: Readonly<Record<FloatDtype, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2 };
export const STORAGE_DTYPE: Readonly<Record<StorageType, FloatDtype>> = { f32: 'F32', f16: 'F16', bf16: 'BF16' };

export function bytesOf(dtype: FloatDtype): number {
  return BYTES[dtype];
}

/**
 * Converts `count` elements. `source` and `target` start at their first element; a source that is not aligned is copied
 * first, a target must be aligned to its elements.
 */
export function convert(
  source: Uint8Array,
  dtype: FloatDtype,
  target: Uint8Array,
  storage: StorageType,
  count: number,
): void {
  const bytes = source.subarray(0, count * BYTES[dtype]);
  if (STORAGE_DTYPE[storage] === dtype) {
    target.set(bytes);
    return;
  }
  const aligned = bytes.byteOffset % BYTES[dtype] === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset } = aligned;
  switch (dtype) {
    case 'F64':
      return fromF64(new Float64Array(buffer, byteOffset, count), target, storage);
    case 'F32':
      return fromF32(new Uint32Array(buffer, byteOffset, count), target, storage);
    case 'F16':
    case 'BF16':
      return fromHalf(new Uint16Array(buffer, byteOffset, count), dtype, target, storage);
  }
}

function fromF64(source: Float64Array, target: Uint8Array, storage: StorageType): void {
  if (storage === 'f32') {
    new Float32Array(target.buffer, target.byteOffset, source.length).set(source);
    return;
  }
  const out = new Uint16Array(target.buffer, target.byteOffset, source.length);
  const round = storage === 'bf16' ? bf16FromF32Bits : f16FromF32Bits;
  for (let i = 0; i < source.length; i++) out[i] = round(f32BitsRoundedToOdd(source[i]!));
}

function fromF32(source: Uint32Array, target: Uint8Array, storage: StorageType): void {
  const out = new Uint16Array(target.buffer, target.byteOffset, source.length);
  if (storage === 'bf16') for (let i = 0; i < source.length; i++) out[i] = bf16FromF32Bits(source[i]!);
  else for (let i = 0; i < source.length; i++) out[i] = f16FromF32Bits(source[i]!);
}

function fromHalf(source: Uint16Array, dtype: 'F16' | 'BF16', target: Uint8Array, storage: StorageType): void {
  if (storage === 'f32') {
    const out = new Uint32Array(target.buffer, target.byteOffset, source.length);
    if (dtype === 'BF16') for (let i = 0; i < source.length; i++) out[i] = source[i]! << 16;
    else {
      const table = f32FromF16Table();
      for (let i = 0; i < source.length; i++) out[i] = table[source[i]!]!;
    }
    return;
  }
  const out = new Uint16Array(target.buffer, target.byteOffset, source.length);
  const table = f32FromF16Table();
  if (storage === 'bf16') for (let i = 0; i < source.length; i++) out[i] = bf16FromF32Bits(table[source[i]!]!);
  else for (let i = 0; i < source.length; i++) out[i] = f16FromF32Bits((source[i]! << 16) >>> 0);
}

/** Rounds f32 values to a narrower format, in place. */
export function roundTo(values: Float32Array, storage: StorageType): void {
  if (storage === 'f32') return;
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  if (storage === 'bf16') for (let i = 0; i < bits.length; i++) bits[i] = bf16FromF32Bits(bits[i]!) << 16;
  else {
    const table = f32FromF16Table();
    for (let i = 0; i < bits.length; i++) bits[i] = table[f16FromF32Bits(bits[i]!)]!;
  }
}

/** Index of the first element that is NaN or infinite, or -1. `bytes` is aligned to 4. */
export function findNonFinite(bytes: Uint8Array, storage: StorageType): number {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
  if (storage === 'f32') {
    for (let i = 0; i < words.length; i++) if ((words[i]! & 0x7f800000) === 0x7f800000) return i;
    return -1;
  }
  const low = storage === 'bf16' ? 0x7f80 : 0x7c00;
  const high = low << 16;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if ((word & low) === low) return 2 * i;
    if ((word & high) === high) return 2 * i + 1;
  }
  return -1;
}
