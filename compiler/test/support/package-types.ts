/** Emitted packages under the TypeScript compiler. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import type { PackageFiles } from '../../src/emit/emit.js';

/** Type-checks index.ts and a use of index.d.ts, strictly; the runtime has to be built. */
export function typeErrors(made: PackageFiles, use = "export * from './index.js';\n"): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'hyb-emit-'));
  for (const [name, text] of made) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  writeFileSync(join(folder, 'use.ts'), use);
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const program = ts.createProgram(
    ['use.ts', 'index.ts'].map((f) => join(folder, f)),
    {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.esnext.disposable.d.ts'],
      types: [join(root, 'node_modules/@webgpu/types')],
      paths: { '@hyb/runtime': [join(root, 'runtime/dist/index.d.ts')] },
    },
  );
  return ts.getPreEmitDiagnostics(program).map((d) => ts.flattenDiagnosticMessageText(d.messageText, '\n'));
}
