/** A page of the examples under the TypeScript compiler, against the package that it is bundled with. */
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './bundle.js';

/** @param name of the package, which is in `out/package` */
export function pageTypeErrors(main: string, name: string, out: string): string[] {
  const program = ts.createProgram([main], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    // Style sheets are the bundler's.
    noUncheckedSideEffectImports: false,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: [join(root, 'node_modules/@webgpu/types')],
    paths: {
      '@hyb/runtime': [join(root, 'runtime/dist/index.d.ts')],
      [name]: [join(out, 'package/index.d.ts')],
    },
  });
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
