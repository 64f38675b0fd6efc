import { doc } from 'prettier';
import type { Parser, Plugin, Printer as PrettierPrinter } from 'prettier';
import type { SourceFile } from '../ast/ast.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { LineMap } from '../diagnostics/line-map.js';
import { pairBrackets } from '../parser/brackets.js';
import { Findings } from '../parser/findings.js';
import { lex } from '../parser/lex.js';
import { parse } from '../parser/parse.js';
import type { Token } from '../parser/token.js';
import { align } from './align.js';
import { Printer } from './printer.js';
import { SyntaxErrors } from './syntax-errors.js';
import { TokenStream } from './token-stream.js';

/** What Prettier hands from the parser to the printer. Its own handling of comments is not used: see token-stream.ts. */
interface Parsed {
  readonly file: SourceFile;
  readonly tokens: readonly Token[];
  readonly text: string;
}

function parseForPrettier(text: string, fileName: string): Parsed {
  const { file, diagnostics } = parse(text, fileName);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw refusal(text, errors);
  const findings = new Findings();
  return { file, tokens: pairBrackets(lex(text, fileName, findings).tokens, fileName, findings).tokens, text };
}

/** Prettier shows the place of an error if it has one in this form: lines and columns from 1. */
function refusal(text: string, errors: readonly Diagnostic[]): SyntaxErrors {
  const map = new LineMap(text);
  const place = (offset: number) => {
    const { line, column } = map.positionAt(offset);
    return { line: line + 1, column: column + 1 };
  };
  const { start, end } = errors[0]!.span;
  return Object.assign(new SyntaxErrors(errors), { loc: { start: place(start), end: place(end) } });
}

const parser: Parser<Parsed> = {
  astFormat: 'hyb',
  parse: (text, options) => parseForPrettier(text, (options as { filepath?: string }).filepath ?? 'input.hyb'),
  locStart: () => 0,
  locEnd: ({ text }) => text.length,
};

const printer: PrettierPrinter<Parsed> = {
  print: (path, options) => {
    const { file, tokens, text } = path.node;
    const printed = new Printer(new TokenStream(text, tokens, file.comments)).file(file);
    // Which lines stand below each other is known when all are broken.
    const lines = { ...options, endOfLine: 'lf' as const };
    const { formatted } = doc.printer.printDocToString(printed, lines);
    const aligned = align(formatted, parse(formatted, '').file, options.printWidth);
    return doc.builders.join(doc.builders.literalline, aligned.split('\n'));
  },
};

/** The Prettier plugin for `.hyb` files. */
export const plugin: Plugin<Parsed> = {
  languages: [{ name: 'Hyb', parsers: ['hyb'], extensions: ['.hyb'], vscodeLanguageIds: ['hyb'] }],
  parsers: { hyb: parser },
  printers: { hyb: printer },
  defaultOptions: { printWidth: 120, tabWidth: 2 },
};

export const { languages, parsers, printers, defaultOptions } = plugin;
export default plugin;
