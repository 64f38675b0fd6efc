import type { Kernel } from '../ir.js';
import { visitStatements } from '../walk.js';

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Names appear in generated messages, inside quotes. @throws Error on a name that is not an identifier */
export function checkIdentifiers(kernel: Kernel): void {
  const check = (name: string): void => {
    if (!IDENTIFIER.test(name)) throw new Error(`${JSON.stringify(name)} is not an identifier`);
  };
  for (const { name } of [...kernel.buffers, ...kernel.shared, ...kernel.uniforms, ...kernel.constants]) check(name);
  visitStatements(kernel.body, (s) => {
    if (s.kind === 'let' || s.kind === 'var' || s.kind === 'array' || s.kind === 'for') check(s.name);
  });
}
