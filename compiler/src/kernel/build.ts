/** Writes one kernel, statement by statement. Names are made unique; locals are handed out as expressions. */
import type {
  BufferDeclaration,
  BufferElement,
  Expression,
  Feature,
  Kernel,
  SharedDeclaration,
  Statement,
  TileConstant,
  UniformField,
  ValueType,
} from './ir.js';
import { BUFFER_TYPE } from './buffers.js';
import { u32 } from './expressions.js';
import type { Operand } from './expressions.js';

/** A variable: read it through `value`. */
export interface Variable {
  readonly value: Expression;
  set(value: Expression): void;
  setComponent(index: number, value: Expression): void;
}
/** A private array. */
export interface PrivateArray {
  at(index: Operand): Expression;
  set(index: Operand, value: Expression): void;
}
export interface SharedArray extends PrivateArray {
  readonly name: string;
}
export interface Buffer {
  readonly name: string;
  readonly element: BufferElement;
  at(index: Operand): Expression;
  set(index: Operand, value: Expression): void;
  setComponent(index: Operand, component: number, value: Expression): void;
}

const index = (i: Operand): Expression => (typeof i === 'number' ? u32(i) : i);

export class KernelBuilder {
  #buffers: BufferDeclaration[] = [];
  #uniforms: UniformField[] = [];
  #shared: SharedDeclaration[] = [];
  #constants: TileConstant[] = [];
  #blocks: Statement[][] = [[]];
  #names = new Map<string, number>();
  #taken = new Set<string>();

  /** A name not used before in this kernel: `hint`, `hint_2`, … */
  unique(hint: string): string {
    const base = hint.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d|_)/, 'v') || 'v';
    for (let count = this.#names.get(base) ?? 1; ; count++) {
      const name = count === 1 ? base : `${base}_${count}`;
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      this.#names.set(base, count + 1);
      return name;
    }
  }

  emit(statement: Statement): void {
    this.#blocks[this.#blocks.length - 1]!.push(statement);
  }
  comment(text: string): void {
    this.emit({ kind: 'comment', text });
  }

  buffer(hint: string, element: BufferElement, access: 'read' | 'read_write', doc: string): Buffer {
    const name = this.unique(hint);
    this.#buffers.push({ name, element, access, doc });
    const type = BUFFER_TYPE[element];
    return {
      name,
      element,
      at: (i) =>
        element === 'weights'
          ? { kind: 'load_weights', type: 'vec4f', buffer: name, index: index(i) }
          : { kind: 'load', type, buffer: name, index: index(i) },
      set: (i, value) => this.emit({ kind: 'store', buffer: name, index: index(i), value }),
      setComponent: (i, component, value) =>
        this.emit({ kind: 'store', buffer: name, index: index(i), value, component }),
    };
  }
  /** Turns a buffer declared for reading into one that is also written. */
  makeWritable(name: string): void {
    this.#buffers = this.#buffers.map((b) => (b.name === name ? { ...b, access: 'read_write' } : b));
  }
  uniform(hint: string, type: 'u32' | 'i32' | 'f32', doc: string): Expression & { kind: 'uniform' } {
    const name = this.unique(hint);
    this.#uniforms.push({ name, type, doc });
    return { kind: 'uniform', type, name };
  }
  /** Workgroup memory of `length` elements. */
  shared(hint: string, element: ValueType, length: Operand): SharedArray {
    const name = this.unique(hint);
    this.#shared.push({ name, element, length: index(length) });
    return {
      name,
      at: (i) => ({ kind: 'load_shared', type: element, array: name, index: index(i) }),
      set: (i, value) => this.emit({ kind: 'store_shared', array: name, index: index(i), value }),
    };
  }
  tile(hint: string, value: number, choices?: readonly number[]): Expression {
    const name = this.unique(hint);
    this.#constants.push({ name, value, ...(choices ? { choices } : {}) });
    return { kind: 'constant', type: 'u32', name };
  }

  let(hint: string, value: Expression): Expression {
    const name = this.unique(hint);
    this.emit({ kind: 'let', name, value });
    return { kind: 'local', type: value.type, name };
  }
  variable(hint: string, type: ValueType, initial?: Expression): Variable {
    const name = this.unique(hint);
    this.emit({ kind: 'var', name, type, ...(initial ? { initial } : {}) });
    return {
      value: { kind: 'local', type, name },
      set: (value) => this.emit({ kind: 'assign', name, value }),
      setComponent: (component, value) => this.emit({ kind: 'assign', name, value, component }),
    };
  }
  array(hint: string, element: ValueType, length: Operand, initial?: Expression): PrivateArray {
    const name = this.unique(hint);
    this.emit({ kind: 'array', name, element, length: index(length), ...(initial ? { initial } : {}) });
    return {
      at: (i) => ({ kind: 'element', type: element, array: name, index: index(i) }),
      set: (i, value) => this.emit({ kind: 'set_element', array: name, index: index(i), value }),
    };
  }

  /** The block being written; with `isOpen`, tells whether a local declared earlier is still in scope. */
  currentBlock(): object {
    return this.#blocks[this.#blocks.length - 1]!;
  }
  isOpen(block: object): boolean {
    return this.#blocks.includes(block as Statement[]);
  }

  /** Statements emitted by `body`, without adding them. */
  block(body: () => void): readonly Statement[] {
    this.#blocks.push([]);
    body();
    return this.#blocks.pop()!;
  }
  for(
    hint: string,
    from: Operand,
    to: Operand,
    body: (i: Expression) => void,
    options: { step?: Operand; unroll?: boolean } = {},
  ): void {
    const name = this.unique(hint);
    const statements = this.block(() => body({ kind: 'local', type: 'u32', name }));
    this.emit({
      kind: 'for',
      name,
      from: index(from),
      to: index(to),
      step: index(options.step ?? 1),
      ...(options.unroll ? { unroll: true } : {}),
      body: statements,
    });
  }
  if(condition: Expression, then: () => void, otherwise?: () => void): void {
    const thenBlock = this.block(then);
    this.emit({ kind: 'if', condition, then: thenBlock, ...(otherwise ? { else: this.block(otherwise) } : {}) });
  }
  /** `storage`: also for what the workgroup wrote to storage buffers. */
  barrier(options: { storage?: boolean } = {}): void {
    this.emit({ kind: 'barrier', ...(options.storage ? { storage: true } : {}) });
  }

  finish(kernel: {
    readonly name: string;
    readonly doc: string;
    readonly requires?: readonly Feature[];
    readonly workgroupSize: readonly [number, number, number];
    readonly folds?: number;
  }): Kernel {
    if (this.#blocks.length !== 1) throw new Error('a block of the kernel is still open');
    return {
      name: kernel.name,
      doc: kernel.doc,
      requires: kernel.requires ?? [],
      workgroupSize: kernel.workgroupSize,
      ...((kernel.folds ?? 1) > 1 ? { folds: kernel.folds } : {}),
      buffers: this.#buffers,
      uniforms: this.#uniforms,
      shared: this.#shared,
      constants: this.#constants,
      body: this.#blocks[0]!,
    };
  }
}
