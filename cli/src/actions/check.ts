import { check, parameterCount } from '@hyb/compiler';
import { openFile } from '../project/source.js';
import { countFindings, hasErrors, jsonDiagnostics, printDiagnostics } from '../report/diagnostics.js';
import { formatCount } from '@hyb/compiler/inspect/units';
import { EXIT } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';

export interface CheckOptions {
  readonly json?: boolean;
  readonly root?: string;
}

export function checkFiles(io: Io, files: readonly string[], { json, root }: CheckOptions): number {
  const results = files.map((path) => {
    const opened = openFile(io, path, root);
    return { path, opened, ...check(opened.host, opened.entry) };
  });
  const failed = results.some(({ diagnostics }) => hasErrors(diagnostics));
  if (json) {
    const report = results.map(({ path, opened, diagnostics, models, trains }) => ({
      file: path,
      models: models.map(({ model }) => model.name),
      recipes: trains.map(({ name }) => name),
      diagnostics: jsonDiagnostics(diagnostics, opened.texts),
    }));
    io.out(`${JSON.stringify({ ok: !failed, files: report }, null, 2)}\n`);
    return failed ? EXIT.findings : EXIT.ok;
  }
  for (const { path, opened, diagnostics, models, trains } of results) {
    printDiagnostics(io, diagnostics, opened.texts);
    if (hasErrors(diagnostics)) {
      io.err(`${io.paintErr.red('✗')} ${path}: ${countFindings(diagnostics)}\n`);
      continue;
    }
    const found = [
      ...models.map(({ model, graph }) => {
        const count = formatCount(parameterCount(graph));
        return `${model.name} (${model.layers.length} layers, ${count} parameters)`;
      }),
      ...trains.map(({ name }) => `${name} (recipe)`),
    ];
    const warnings = diagnostics.length > 0 ? `, ${countFindings(diagnostics)}` : '';
    io.out(`${io.paint.green('✓')} ${path}${found.length > 0 ? `: ${found.join(', ')}` : ''}${warnings}\n`);
  }
  return failed ? EXIT.findings : EXIT.ok;
}
