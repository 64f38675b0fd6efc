import type { Buffer, KernelBuilder } from '../kernel/build.js';
import type { BufferElement, Expression } from '../kernel/ir.js';
import type { CallOperand, CallUniform } from './call.js';
import { byName } from '../model/by-name.js';

/** Buffers and uniforms of a kernel under construction, and what they are bound to. */
export class Bindings {
  readonly #buffers = new Map<string, { readonly buffer: Buffer; readonly operand: CallOperand }>();
  readonly #uniforms = byName<CallUniform>();

  constructor(readonly builder: KernelBuilder) {}

  /** The buffer of an operand that is bound already. */
  known(operand: CallOperand): Buffer | undefined {
    return this.#buffers.get(JSON.stringify(operand))?.buffer;
  }

  /** The same operand twice gives the same buffer. */
  bind(hint: string, operand: CallOperand, element: BufferElement, access: 'read' | 'read_write', doc: string): Buffer {
    const key = JSON.stringify(operand);
    const known = this.#buffers.get(key);
    if (known) {
      if (known.buffer.element !== element) throw new Error(`${hint} is bound with two element types`);
      if (access === 'read_write') this.builder.makeWritable(known.buffer.name);
      return known.buffer;
    }
    const buffer = this.builder.buffer(hint, element, access, doc);
    this.#buffers.set(key, { buffer, operand });
    return buffer;
  }

  uniform(hint: string, value: CallUniform, type: 'u32' | 'i32' | 'f32', doc: string): Expression {
    const field = this.builder.uniform(hint, type, doc);
    this.#uniforms[field.name] = value;
    return field;
  }

  get operands(): Readonly<Record<string, CallOperand>> {
    return Object.fromEntries([...this.#buffers.values()].map(({ buffer, operand }) => [buffer.name, operand]));
  }
  get uniforms(): Readonly<Record<string, CallUniform>> {
    return { ...this.#uniforms };
  }
}
