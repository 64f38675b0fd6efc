import { getFloat16, setFloat16 } from '@petamoriken/float16';
import fc from 'fast-check';
import type { StorageType } from '@hyb/runtime';
import { bytesOf, convert, findNonFinite, roundTo } from '@hyb/runtime/weights/convert';
import type { FloatDtype } from '@hyb/runtime/weights/dtypes';

const view = new DataView(new ArrayBuffer(8));

function f32OfBits(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

/** Value of a bf16, by its definition. */
function bf16Value(bits: number): number {
  return f32OfBits((bits << 16) >>> 0);
}

/** Value of an f16, by another library. */
function f16Value(bits: number): number {
  view.setUint16(0, bits);
  return getFloat16(view, 0);
}

/** The bf16 nearest to a value, found by comparing it with all of one sign: no arithmetic on bits. */
function nearestBf16(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  let [low, high] = [0, 0x7f80];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (bf16Value(middle) <= magnitude) low = middle;
    else high = middle;
  }
  // Infinity stands for the value that would come next.
  const below = bf16Value(low);
  const above = high === 0x7f80 ? 2 ** 128 : bf16Value(high);
  const [down, up] = [magnitude - below, above - magnitude];
  const nearest = down < up || (down === up && low % 2 === 0) ? low : high;
  return sign | nearest;
}

function nearestF16(value: number): number {
  setFloat16(view, 0, value);
  return view.getUint16(0);
}

function encode(values: readonly number[], dtype: FloatDtype): Uint8Array {
  const bytes = new Uint8Array(values.length * bytesOf(dtype));
  const data = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    if (dtype === 'F64') data.setFloat64(8 * i, value, true);
    else if (dtype === 'F32') data.setFloat32(4 * i, value, true);
    else data.setUint16(2 * i, dtype === 'F16' ? nearestF16(value) : nearestBf16(value), true);
  });
  return bytes;
}

function converted(source: Uint8Array, dtype: FloatDtype, storage: StorageType): Uint16Array | Uint32Array {
  const count = source.byteLength / bytesOf(dtype);
  const target = new Uint8Array(count * (storage === 'f32' ? 4 : 2));
  convert(source, dtype, target, storage, count);
  return storage === 'f32' ? new Uint32Array(target.buffer) : new Uint16Array(target.buffer);
}

const allHalves = Uint16Array.from({ length: 65536 }, (_, i) => i);
const halves = new Uint8Array(allHalves.buffer);

test('every f16 becomes the f32 of the same value', () => {
  const values = new Float32Array(converted(halves, 'F16', 'f32').buffer);
  for (let bits = 0; bits < 65536; bits++) {
    if (!Object.is(values[bits], f16Value(bits))) throw new Error(`f16 ${bits.toString(16)} became ${values[bits]}`);
  }
});

test('every bf16 becomes the f32 of the same value', () => {
  const values = new Float32Array(converted(halves, 'BF16', 'f32').buffer);
  for (let bits = 0; bits < 65536; bits++) {
    if (!Object.is(values[bits], bf16Value(bits))) throw new Error(`bf16 ${bits.toString(16)} became ${values[bits]}`);
  }
});

test('narrow formats survive the way through f32', () => {
  for (const [dtype, storage, isNaN] of [
    ['F16', 'f16', (bits: number) => (bits & 0x7fff) > 0x7c00],
    ['BF16', 'bf16', (bits: number) => (bits & 0x7fff) > 0x7f80],
  ] as const) {
    const wide = converted(halves, dtype, 'f32');
    const back = converted(new Uint8Array(wide.buffer), 'F32', storage);
    for (let bits = 0; bits < 65536; bits++) {
      if (isNaN(bits) ? !isNaN(back[bits]!) : back[bits] !== bits)
        throw new Error(`${dtype} ${bits} became ${back[bits]}`);
    }
  }
});

/** Values between two neighbours of a format: the middle, which is a tie, and values just beside it. */
function betweenNeighbours(valueOf: (bits: number) => number, last: number): number[] {
  const values: number[] = [];
  for (let bits = 0; bits < last; bits += 37) {
    const middle = (valueOf(bits) + valueOf(bits + 1)) / 2;
    values.push(middle, middle * (1 + 2 ** -22), middle * (1 - 2 ** -22), -middle);
  }
  return values;
}

const anyFloat = fc.double({ noNaN: true });
const anyF32 = fc.float({ noNaN: true });

test.each([
  ['F32', 'bf16', nearestBf16],
  ['F32', 'f16', nearestF16],
  ['F64', 'bf16', nearestBf16],
  ['F64', 'f16', nearestF16],
] as const)('%s is rounded to %s once, to nearest even', (dtype, storage, nearest) => {
  const check = (values: readonly number[]): void => {
    const source = encode(values, dtype);
    const exact = dtype === 'F32' ? new Float32Array(source.buffer) : new Float64Array(source.buffer);
    const result = converted(source, dtype, storage);
    exact.forEach((value, i) => {
      if (result[i] !== nearest(value)) {
        throw new Error(`${value} became ${result[i]!.toString(16)}, nearest is ${nearest(value).toString(16)}`);
      }
    });
  };
  check(betweenNeighbours(storage === 'bf16' ? bf16Value : f16Value, storage === 'bf16' ? 0x7f7f : 0x7bff));
  check([0, -0, Infinity, -Infinity, 2 ** -149, 65519.99, 65520, 65504, 3.4e38, -3.4e38, 2 ** -25, 2 ** -24 * 1.5]);
  fc.assert(fc.property(fc.array(dtype === 'F32' ? anyF32 : anyFloat, { maxLength: 20 }), check), { numRuns: 500 });
});

test('an f64 just beside a tie is not rounded twice', () => {
  // To f32 first it would become the tie itself, and from there even.
  const value = 1 + 2 ** -8 + 2 ** -40;
  expect(converted(encode([value], 'F64'), 'F64', 'bf16')[0]).toBe(0x3f81);
  expect(converted(encode([1 + 2 ** -11 + 2 ** -40], 'F64'), 'F64', 'f16')[0]).toBe(0x3c01);
});

test('conversions between the narrow formats', () => {
  const toBf16 = converted(halves, 'F16', 'bf16');
  const toF16 = converted(halves, 'BF16', 'f16');
  for (let bits = 0; bits < 65536; bits++) {
    const [fromF16, fromBf16] = [f16Value(bits), bf16Value(bits)];
    if (!Number.isNaN(fromF16) && toBf16[bits] !== nearestBf16(fromF16)) throw new Error(`f16 ${bits}`);
    if (!Number.isNaN(fromBf16) && toF16[bits] !== nearestF16(fromBf16)) throw new Error(`bf16 ${bits}`);
  }
});

test('sources need not be aligned', () => {
  const source = new Uint8Array(17);
  source.set(encode([1.5, -2], 'F64'), 1);
  expect(converted(source.subarray(1), 'F64', 'f32')).toEqual(new Uint32Array([0x3fc00000, 0xc0000000]));
});

test('NaN and infinity are found, also those that rounding makes', () => {
  for (const storage of ['f32', 'bf16', 'f16'] as const) {
    for (const bad of [NaN, Infinity, -Infinity]) {
      for (const at of [0, 1, 6, 7]) {
        const values = new Array<number>(8).fill(-1.25).map((value, i) => (i === at ? bad : value));
        const bits = converted(encode(values, 'F32'), 'F32', storage);
        expect(findNonFinite(new Uint8Array(bits.buffer), storage)).toBe(at);
      }
    }
    const fine = converted(encode([1, 2, 65504, -65504], 'F32'), 'F32', storage);
    expect(findNonFinite(new Uint8Array(fine.buffer), storage)).toBe(-1);
  }
  const large = converted(encode([1, 1e6], 'F32'), 'F32', 'f16');
  expect(findNonFinite(new Uint8Array(large.buffer), 'f16')).toBe(1);
});

test('rounding f32 values in place', () => {
  const values = new Float32Array([1 + 2 ** -9, 0.1, -3.14159]);
  const bf16 = values.slice();
  roundTo(bf16, 'bf16');
  expect([...bf16]).toEqual([...values].map((value) => bf16Value(nearestBf16(value))));
  const f16 = values.slice();
  roundTo(f16, 'f16');
  expect([...f16]).toEqual([...values].map((value) => f16Value(nearestF16(value))));
});
