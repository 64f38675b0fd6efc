import { sameMeaning } from '../ast/same-meaning.js';
import { parse } from '../parser/parse.js';

export { SyntaxErrors } from './syntax-errors.js';

export interface FormatOptions {
  /** Name of the file in diagnostics. */
  readonly file?: string;
  /** Columns of a line, 120 by default. */
  readonly width?: number;
}

/**
 * A file in the one style there is. Says the same as before and has the same comments.
 *
 * @throws SyntaxErrors (as a rejection) with the diagnostics if the file has errors; nothing is formatted then
 */
export async function format(text: string, options: FormatOptions = {}): Promise<string> {
  // Prettier is loaded by those who format only.
  const [{ format: prettier }, { plugin }] = await Promise.all([import('prettier/standalone'), import('./plugin.js')]);
  const file = options.file ?? 'input.hyb';
  const formatted = await prettier(text, {
    parser: 'hyb',
    plugins: [plugin],
    filepath: file,
    printWidth: options.width ?? 120,
    tabWidth: 2,
    endOfLine: 'lf',
  });
  // Costs as much as reading the file, and makes sure that no slip of the printer ever changes a model.
  if (!sameMeaning(parse(text, file).file, parse(formatted, file).file)) {
    throw new Error(`Formatting ${file} would have changed its meaning; it was left as it is.`);
  }
  return formatted;
}
