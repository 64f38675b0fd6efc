import type { KernelSpec } from '@hyb/runtime';
import type { Expression, Kernel } from '../kernel/ir.js';
import type { KernelCall } from '../lower/call.js';
import { byName } from '../model/by-name.js';

const BYTES: Readonly<Record<string, number>> = {
  f32: 4,
  i32: 4,
  u32: 4,
  bool: 4,
  f16: 2,
  vec2f: 8,
  vec2u: 8,
  vec2i: 8,
  vec2h: 4,
  vec4f: 16,
  vec4u: 16,
  vec4i: 16,
  vec4h: 8,
};

/** Distinct kernels of a program: equal ones (names and comments aside) are one. */
export class KernelRegistry {
  readonly #byContent = new Map<string, string>();
  /** In small letters: names become files, and not every disk tells `F.wgsl` from `f.wgsl`. */
  readonly #taken = new Set<string>();
  readonly #specs = byName<KernelSpec>();
  readonly #kernels = new Map<string, Kernel>();

  /** The kernel's id in the program. */
  register(call: KernelCall): string {
    const content = call.variants
      .map((v) => JSON.stringify({ ...v, name: '', doc: '', buffers: v.buffers.map((b) => ({ ...b, doc: '' })) }))
      .join('\n');
    const known = this.#byContent.get(content);
    if (known) return known;
    const id = this.#unique(call.variants[0]!.name);
    this.#byContent.set(content, id);
    const first = call.variants[0]!;
    const variants = call.variants.map((kernel) => {
      const source = kernel.requires.length === 0 ? id : `${id}.${kernel.requires.join('.')}`;
      this.#kernels.set(source, { ...kernel, name: id });
      return {
        requires: kernel.requires,
        source,
        workgroupMemory: workgroupMemory(kernel),
        workgroupSize: kernel.workgroupSize,
        ...(kernel.folds ? { folds: kernel.folds } : {}),
      };
    });
    this.#specs[id] = {
      doc: first.doc,
      bindings: first.buffers.map((b) => ({ name: b.name, type: b.access, weights: b.element === 'weights' })),
      uniforms: first.uniforms.map((u) => ({ name: u.name, type: u.type })),
      variants,
    };
    return id;
  }

  specs(): Readonly<Record<string, KernelSpec>> {
    return this.#specs;
  }
  kernels(): ReadonlyMap<string, Kernel> {
    return this.#kernels;
  }

  #unique(name: string): string {
    let id = name;
    for (let count = 2; this.#taken.has(id.toLowerCase()); count++) id = `${name}_${count}`;
    this.#taken.add(id.toLowerCase());
    return id;
  }
}

export function workgroupMemory(kernel: Kernel): number {
  return kernel.shared.reduce((bytes, s) => bytes + BYTES[s.element]! * constantValue(kernel, s.length), 0);
}

/** Value of an expression over literals and tile constants. */
function constantValue(kernel: Kernel, x: Expression): number {
  switch (x.kind) {
    case 'literal':
      return x.value;
    case 'constant':
      return kernel.constants.find((c) => c.name === x.name)!.value;
    case 'binary': {
      const [a, b] = [constantValue(kernel, x.left), constantValue(kernel, x.right)];
      if (x.operator === '*') return a * b;
      if (x.operator === '+') return a + b;
      if (x.operator === '-') return a - b;
      if (x.operator === '/') return Math.floor(a / b);
      break;
    }
    default:
      break;
  }
  throw new Error('the length of workgroup memory is a constant');
}
