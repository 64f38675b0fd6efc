/** Emitted packages under the TypeScript compiler. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import type { PackageFiles } from '../../src/emit/emit.js';
import { strictTypeErrors } from './strict-types.js';

/** Type-checks index.ts and a use of index.d.ts, strictly; the runtime has to be built. */
export function typeErrors(made: PackageFiles, use = "export * from './index.js';\n"): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'hyb-emit-'));
  try {
    for (const [name, text] of made) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    writeFileSync(join(folder, 'use.ts'), use);
    return strictTypeErrors(
      ['use.ts', 'index.ts'].map((file) => join(folder, file)),
      {
        target: ts.ScriptTarget.ES2022,
        lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.esnext.disposable.d.ts'],
      },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
