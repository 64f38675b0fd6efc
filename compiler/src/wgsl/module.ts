/** A kernel as a WGSL module. */
import type { BufferElement, Kernel } from '../kernel/ir.js';
import { constantValues } from '../kernel/constants.js';
import { fixedConstants } from '../kernel/unroll.js';
import { commentLines, commentText } from './comments.js';
import { ExpressionPrinter } from './expressions.js';
import type { ModuleNeeds } from './expressions.js';
import { printHelpers } from './helpers.js';
import { assignNames, checkIdentifier, fieldName } from './names.js';
import { BUILTIN_PARAMETERS, ENABLES } from './operators.js';
import { printStatements } from './statements.js';

export interface PrintOptions {
  /** Values of tile constants in place of the declared ones. */
  readonly constants?: Readonly<Record<string, number>>;
}

/** Name of every module's entry point. */
export const ENTRY_POINT = 'main';

/**
 * Prints a kernel. Buffers are bound in group 0 in their order, the uniform struct (if there are uniforms) after them.
 *
 * A buffer of weights named `w` is `array<w_element>` and is read by `w_decode(w[i])`: the alias and the function depend on
 * how the weights are stored, and whoever loads the module adds them. They have to stand after the text printed here,
 * since `enable` directives come first; WGSL does not mind the order of declarations.
 *
 * The text depends on the kernel alone. The kernel is taken to be sound (`kernel/verify.ts`).
 *
 * @throws InvalidNameError, NonFiniteLiteralError
 */
export function printWgsl(kernel: Kernel, options: PrintOptions = {}): string {
  checkIdentifier(kernel.name);
  const nameOf = assignNames(kernel);
  const needs: ModuleNeeds = { helpers: new Set(), parameters: new Set() };
  const expressions = new ExpressionPrinter(nameOf, needs);
  const values = constantValues(kernel, options.constants);
  const fixed = options.constants ? values : fixedConstants(kernel);

  const body = printStatements(kernel.body, { expressions, nameOf, constants: fixed }, 1);
  const shared = kernel.shared.map(
    ({ name, element, length }) => `var<workgroup> ${nameOf(name)}: array<${element}, ${expressions.length(length)}>;`,
  );

  const sections = [
    commentLines(`${kernel.name}: ${kernel.doc}`, '// '),
    ENABLES.filter(([feature]) => kernel.requires.includes(feature)).map(([, line]) => line),
    kernel.constants.map(({ name, choices }) => {
      const note = choices ? ` // one of ${choices.join(', ')}` : '';
      return `const ${nameOf(name)} = ${values[name]}u;${note}`;
    }),
    printUniforms(kernel),
    printBindings(kernel, nameOf),
    shared,
    printHelpers(needs.helpers).split('\n'),
    [...entryHeader(kernel, needs), ...body, '}'],
  ];
  return `${sections
    .map((lines) => lines.join('\n').trimEnd())
    .filter((text) => text !== '')
    .join('\n\n')}\n`;
}

function printUniforms(kernel: Kernel): readonly string[] {
  if (kernel.uniforms.length === 0) return [];
  return [
    'struct Uniforms {',
    ...kernel.uniforms.flatMap(({ name, type, doc }) => [...docLines(doc, '  '), `  ${fieldName(name)}: ${type},`]),
    '}',
  ];
}

function printBindings(kernel: Kernel, nameOf: (name: string) => string): readonly string[] {
  const lines = kernel.buffers.flatMap(({ name, element, access, doc }, i) => [
    ...docLines(doc, ''),
    `@group(0) @binding(${i}) var<storage, ${access}> ${nameOf(name)}: array<${elementType(name, element)}>;`,
  ]);
  if (kernel.uniforms.length > 0)
    lines.push(`@group(0) @binding(${kernel.buffers.length}) var<uniform> uniforms: Uniforms;`);
  return lines;
}

function docLines(doc: string, pad: string): readonly string[] {
  return commentText(doc) === '' ? [] : commentLines(doc, `${pad}/// `);
}

function elementType(name: string, element: BufferElement): string {
  return element === 'weights' ? `${name}_element` : element;
}

function entryHeader(kernel: Kernel, needs: ModuleNeeds): readonly string[] {
  const parameters = BUILTIN_PARAMETERS.filter(([name]) => needs.parameters.has(name)).map(([, text]) => text);
  const size = kernel.workgroupSize.join(', ');
  const start = `@compute @workgroup_size(${size})`;
  if (parameters.length === 0) return [start, `fn ${ENTRY_POINT}() {`];
  return [start, `fn ${ENTRY_POINT}(`, ...parameters.map((text) => `  ${text},`), ') {'];
}
