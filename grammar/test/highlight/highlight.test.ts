/**
 * Highlighting against the lexer and the parser: every token has exactly the scope of its row in the token table, in the
 * TextMate grammar as in CodeMirror.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { format, parse } from '@hyb/grammar';
import { styleOf } from '@hyb/grammar/highlight/codemirror';
import { contextOf, wordRows } from '@hyb/grammar/highlight/contexts';
import { SCOPES } from '@hyb/grammar/highlight/rules';
import { tokenRoles } from '@hyb/grammar/highlight/roles';
import type { RoleToken } from '@hyb/grammar/highlight/roles';
import { syntaxFiles } from '@hyb/grammar/highlight/syntax-files';
import { tokenTable } from '@hyb/grammar/tokens/token-table';
import fc from 'fast-check';
import { StreamLanguage } from '@codemirror/language';
import { streamParser } from '@hyb/grammar/highlight/codemirror';
import { arbitrarySource } from '../support/arbitrary-source.js';
import { design, hybFiles, root } from '../support/sources.js';
import { loadGrammar, scopesOf, stylesOf } from './tokenizers.js';

const hyb = await loadGrammar('source.hyb');
const scopeOfRow = (name: string): string => tokenTable.find((row) => row.name === name)!.scope;

/** The scope that a token should have; of a name what the next sign says. */
function expectedScope({ role, image, end }: RoleToken, text: string): string {
  switch (role.kind) {
    case 'row':
      return role.row.scope;
    case 'unit':
      return scopeOfRow('Steps');
    case 'type':
      return scopeOfRow('Int');
    case 'format':
      return scopeOfRow('F32');
    case 'member':
    case 'name': {
      const rest = text.slice(end).split('\n', 1)[0]!;
      const called = /^\s*\(/.test(rest);
      if ((role.kind === 'member' && !called) || /^\s*=(?!=)/.test(rest)) return SCOPES.property;
      if (/^[A-Z]/.test(image)) return SCOPES.capitalised;
      return called ? SCOPES.call : SCOPES.variable;
    }
  }
}

interface Difference {
  readonly line: string;
  readonly image: string;
  readonly expected: string;
  readonly found: string;
}

/** Tokens that a highlighter sees otherwise than the lexer and parser do, and what it colours between tokens. */
function differences(text: string): readonly Difference[] {
  const scopes = scopesOf(hyb, text);
  const styles = stylesOf(text);
  const found: Difference[] = [];
  const lineAt = (offset: number): string => text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n', 1)[0]!;
  let last = 0;
  for (const token of tokenRoles(text)) {
    for (let i = last; i < token.start; i++) {
      if (scopes[i]!.length > 0 || styles[i] !== null) {
        found.push({ line: lineAt(i), image: text[i]!, expected: '', found: `${scopes[i]!.join(' ')} ${styles[i]}` });
      }
    }
    last = token.end;
    const expected = expectedScope(token, text);
    const inString = token.image.startsWith('"');
    for (let i = token.start; i < token.end; i++) {
      const [scope = ''] = scopes[i]!;
      const style = styles[i];
      const sameStyle = style === styleOf(expected) || (inString && (style === 'escape' || style === 'special.string'));
      if (scope === `${expected}.hyb` && sameStyle) continue;
      found.push({ line: lineAt(i), image: token.image, expected, found: `${scope} ${style}` });
      break;
    }
  }
  return found;
}

test('the files in grammar/syntaxes are current: node grammar/scripts/syntaxes.mjs after a build makes them', () => {
  const folder = `${root}grammar/syntaxes/`;
  const files = Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(folder + name, 'utf8')]));
  expect(files).toEqual(syntaxFiles());
});

test('every word of the table is told by its context', () => {
  const without = wordRows.filter((row) => contextOf(row) === undefined).map(({ category }) => category);
  expect(new Set(without)).toEqual(new Set(['unit']));
});

const sources = [...hybFiles(), ...Object.entries(design).map(([name, text]) => ({ path: `design: ${name}`, text }))];

test.each(sources)('$path: scope by scope as the lexer and the parser see it', ({ text }) => {
  expect(differences(text)).toEqual([]);
});

/** Snippets of the language page, among them many that are wrong on purpose. */
const snippets = [...readFileSync(`${root}docs/language.md`, 'utf8').matchAll(/^```hyb *.*\n([^]*?)^```$/gm)].map(
  (match) => match[1]!,
);

test('whole files in the documentation', () => {
  const whole = snippets.filter((text) => parse(text, 'a.hyb').diagnostics.length === 0);
  expect(whole.length).toBeGreaterThan(10);
  expect(whole.flatMap(differences)).toEqual([]);
});

/** Without comments, which may stand between a word and what tells its meaning. */
function uncommented(text: string): string {
  const { comments } = parse(text, 'a.hyb').file;
  return comments.reduceRight((rest, { span }) => rest.slice(0, span.start) + rest.slice(span.end), text);
}

test('generated files, as formatted, whose names are no words of the language', async () => {
  await fc.assert(
    fc.asyncProperty(arbitrarySource({ keywordsAsValues: false, keywordsAsNames: false }), async (text) => {
      expect(differences(await format(uncommented(text)))).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test('generated files with any names and layout: all but contextual words are as the lexer has them', () => {
  const contextual = new Set(wordRows.map(({ pattern }) => pattern));
  fc.assert(
    fc.property(arbitrarySource({ keywordsAsValues: true }), (text) => {
      // What a name is depends on the next sign of its line.
      const isName = (scope: string) => /^(?:entity\.name|variable)/.test(scope);
      const others = differences(text).filter(
        ({ image, expected, found }) => !contextual.has(image) && !(isName(expected) && isName(found)),
      );
      expect(others).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test('what is no Hyb is coloured as that, up to the end of its line', () => {
  const found = (text: string) => [...new Set(scopesOf(hyb, text).map((each) => each[0] ?? ''))].filter(Boolean);
  expect(found('f(a) → b && c')).toContain('invalid.illegal.foreign.hyb');
  expect(found("x = 'text'")).toContain('invalid.illegal.quotes.hyb');
  expect(
    scopesOf(hyb, 'x = "open\ny')
      .map((each) => each[0] ?? '')
      .slice(4),
  ).toEqual([...Array<string>(5).fill('string.quoted.double.hyb'), '', 'variable.other.hyb']);
});

test('fences of Markdown that say hyb', async () => {
  const markdown = await loadGrammar('text.html.markdown');
  const text = 'Text\n\n```hyb fragment=model\nwidth = 64\n```\nwidth = 64\n';
  const scopes = scopesOf(markdown, text);
  const at = (offset: number) => scopes[offset]!.at(-1);
  expect(at(text.indexOf('width'))).toBe('variable.other.property.hyb');
  expect(at(text.indexOf('64'))).toBe('constant.numeric.hyb');
  expect(at(text.lastIndexOf('width'))).toBeUndefined();
});

test('CodeMirror takes the stream parser', () => {
  const language = StreamLanguage.define(streamParser);
  const tree = language.parser.parse('model A {\n  width = 64 // wide\n}\n');
  expect(tree.length).toBe(33);
  expect(tree.toString()).toMatch(/definitionKeyword.*propertyName.*number.*lineComment/);
});
