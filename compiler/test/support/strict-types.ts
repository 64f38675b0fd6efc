/** The TypeScript compiler as a strict user has it. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * What is wrong in files, and where, by modules as Node resolves them unless the options say otherwise. The runtime has to be
 * built.
 */
export function strictTypeErrors(files: readonly string[], options: ts.CompilerOptions): string[] {
  const all: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: [join(root, 'node_modules/@webgpu/types')],
    ...options,
    paths: { '@hyb/runtime': [join(root, 'runtime/dist/index.d.ts')], ...options.paths },
  };
  return ts
    .getPreEmitDiagnostics(ts.createProgram(files, all))
    .map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
}
