import type { Diagnostic } from '../diagnostics/diagnostic.js';

/** A file that cannot be formatted because of errors in it. */
export class SyntaxErrors extends Error {
  override readonly name = 'SyntaxErrors';

  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(diagnostics[0]?.message ?? 'The file has errors.');
  }
}
