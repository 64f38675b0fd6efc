/** Writing out loops that ask for it. */
import type { ConstantValues } from './constants.js';
import { evaluateConstant } from './constants.js';
import type { Kernel, Statement } from './ir.js';
import { substituteInStatements } from './substitute.js';
import { blocksOf } from './walk.js';

/** Statements that one unrolled loop may become; a larger one stays a loop. */
const LARGEST = 256;

/** Copies of a loop's body, one for each value of its variable; undefined where the loop has to stay. */
export function unrolledCopies(
  loop: Statement & { kind: 'for' },
  constants: ConstantValues,
): readonly (readonly Statement[])[] | undefined {
  if (!loop.unroll) return undefined;
  const from = evaluateConstant(loop.from, constants);
  const to = evaluateConstant(loop.to, constants);
  const step = evaluateConstant(loop.step, constants);
  if (from === undefined || to === undefined || step === undefined || step <= 0) return undefined;
  const trips = Math.max(0, Math.ceil((to - from) / step));
  if (trips * sizeOf(loop.body) > LARGEST) return undefined;
  const type = loop.from.type as 'u32' | 'i32';
  return Array.from({ length: trips }, (_, i) =>
    substituteInStatements(loop.body, loop.name, { kind: 'literal', type, value: from + i * step }),
  );
}

/** Values of the tile constants that unrolling may take for granted: those the runtime does not choose. */
export function fixedConstants(kernel: Kernel): ConstantValues {
  return Object.fromEntries(
    kernel.constants.filter((c) => c.choices === undefined || c.choices.length < 2).map((c) => [c.name, c.value]),
  );
}

function sizeOf(body: readonly Statement[]): number {
  return body.reduce((size, s) => size + 1 + blocksOf(s).reduce((inner, block) => inner + sizeOf(block.body), 0), 0);
}
