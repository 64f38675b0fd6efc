/** WGSL names for the names of a kernel. */
import type { Kernel } from '../kernel/ir.js';
import { visitStatements } from '../kernel/walk.js';
import { HELPER_NAMES } from './helpers.js';
import { TAKEN_NAMES } from './reserved.js';

const HELPERS: ReadonlySet<string> = new Set(HELPER_NAMES);
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Thrown for a name that no generator could have made: it would let text escape into the source. */
export class InvalidNameError extends Error {
  constructor(readonly identifier: string) {
    super(`${JSON.stringify(identifier)} is not an identifier`);
  }
}

/**
 * Maps each name of the kernel (buffers, shared arrays, tile constants, locals) to the name printed for it. Names that
 * WGSL or our own text uses get an underscore; the mapping is one to one and depends on the kernel alone.
 *
 * @throws InvalidNameError
 */
export function assignNames(kernel: Kernel): (name: string) => string {
  const assigned = new Map<string, string>();
  const used = new Set<string>();
  for (const buffer of kernel.buffers) {
    if (buffer.element !== 'weights') continue;
    used.add(`${buffer.name}_element`);
    used.add(`${buffer.name}_decode`);
  }
  const assign = (name: string): void => {
    if (assigned.has(name)) return;
    checkIdentifier(name);
    // WGSL forbids a leading double underscore and a lone one.
    let candidate = name.startsWith('__') || name === '_' ? `v${name}` : name;
    while (used.has(candidate) || TAKEN_NAMES.has(candidate) || HELPERS.has(candidate)) candidate += '_';
    used.add(candidate);
    assigned.set(name, candidate);
  };
  for (const declaration of [...kernel.buffers, ...kernel.constants, ...kernel.shared]) assign(declaration.name);
  visitStatements(kernel.body, (s) => {
    if (s.kind === 'let' || s.kind === 'var' || s.kind === 'array' || s.kind === 'for') assign(s.name);
  });
  return (name) => {
    const found = assigned.get(name);
    if (found === undefined) throw new Error(`kernel ${kernel.name}: ${name} is not declared`);
    return found;
  };
}

/** A field of the uniform struct; fields have a name space of their own, keywords apart. */
export function fieldName(name: string): string {
  checkIdentifier(name);
  const safe = name.startsWith('__') || name === '_' ? `v${name}` : name;
  return TAKEN_NAMES.has(safe) ? `${safe}_` : safe;
}

export function checkIdentifier(name: string): void {
  if (!IDENTIFIER.test(name)) throw new InvalidNameError(name);
}
