/** A page of the examples under the TypeScript compiler, against the package that it is bundled with. */
import { join } from 'node:path';
import ts from 'typescript';
import { strictTypeErrors } from '../../compiler/test/support/strict-types.js';

/** @param name of the package, which is in `out/package` */
export function pageTypeErrors(main: string, name: string, out: string): string[] {
  return strictTypeErrors([main], {
    // Style sheets are the bundler's.
    noUncheckedSideEffectImports: false,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    paths: { [name]: [join(out, 'package/index.d.ts')] },
  });
}
