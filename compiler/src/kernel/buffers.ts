import type { BufferElement, ValueType } from './ir.js';

/** The type that reading an element of a buffer gives. */
export const BUFFER_TYPE = {
  f32: 'f32',
  u32: 'u32',
  i32: 'i32',
  vec2f: 'vec2f',
  vec4f: 'vec4f',
  vec2u: 'vec2u',
  vec4u: 'vec4u',
  weights: 'vec4f',
} as const satisfies Readonly<Record<BufferElement, ValueType>>;
