import type { Span, TextEdit } from '../diagnostics/diagnostic.js';
import { parse } from '../parser/parse.js';
import { format } from './format.js';
import type { FormatOptions } from './format.js';
import { SyntaxErrors } from './syntax-errors.js';

/**
 * Edits that give the declarations and `use` lines that a range touches the one style. Those beside them, and what stands
 * between, stay as they are, and so does a declaration with errors: unlike `format`, this works in a file that is half written.
 *
 * @param range offsets in the text; an empty one means what stands there
 */
export async function formatDeclarations(
  text: string,
  range: Pick<Span, 'start' | 'end'>,
  options: FormatOptions = {},
): Promise<readonly TextEdit[]> {
  const { uses, declarations } = parse(text, options.file ?? 'input.hyb').file;
  const touched = [...uses, ...declarations].filter(({ span }) => span.start <= range.end && range.start <= span.end);
  const edits = await Promise.all(
    touched.map(async ({ span }) => {
      const written = text.slice(span.start, span.end);
      const formatted = await formattedOrNot(written, options);
      return formatted === written ? [] : [{ span, text: formatted }];
    }),
  );
  return edits.flat();
}

async function formattedOrNot(written: string, options: FormatOptions): Promise<string> {
  try {
    return (await format(written, options)).trimEnd();
  } catch (error) {
    if (error instanceof SyntaxErrors) return written;
    throw error;
  }
}
