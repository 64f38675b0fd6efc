/** The two highlighters as functions from a text to a scope, or style, for every character. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { StringStream } from '@codemirror/language';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';
import type { IGrammar } from 'vscode-textmate';
import { streamParser } from '@hyb/grammar/highlight/codemirror';
import { markdownGrammar, textMateGrammar } from '@hyb/grammar/highlight/textmate';

const require = createRequire(import.meta.url);

/** As much of Markdown as fences are injected into. */
const plainMarkdown = { scopeName: 'text.html.markdown', patterns: [{ match: '^#+ .*$', name: 'markup.heading' }] };

const grammars: Readonly<Record<string, object>> = {
  'source.hyb': textMateGrammar(),
  'markdown.hyb.codeblock': markdownGrammar(),
  'text.html.markdown': plainMarkdown,
};

async function createRegistry() {
  await oniguruma.loadWASM(readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm')).buffer as ArrayBuffer);
  return new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: (scope) =>
      Promise.resolve(
        grammars[scope] === undefined ? null : textmate.parseRawGrammar(JSON.stringify(grammars[scope]), 'a.json'),
      ),
    getInjections: (scope) => (scope === 'text.html.markdown' ? ['markdown.hyb.codeblock'] : undefined),
  });
}

const registry = await createRegistry();

export async function loadGrammar(scope: string): Promise<IGrammar> {
  return (await registry.loadGrammar(scope))!;
}

/** Scopes of every character, innermost last, without that of the file. */
export function scopesOf(grammar: IGrammar, text: string): readonly (readonly string[])[] {
  const all: (readonly string[])[] = [];
  let stack = textmate.INITIAL;
  for (const line of text.split('\n')) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, stack);
    stack = ruleStack;
    for (const { startIndex, endIndex, scopes } of tokens) {
      for (let i = startIndex; i < Math.min(endIndex, line.length); i++) all.push(scopes.slice(1));
    }
    all.push([]);
  }
  return all.slice(0, text.length);
}

/** CodeMirror's style of every character. */
export function stylesOf(text: string): readonly (string | null)[] {
  const styles: (string | null)[] = [];
  const state = streamParser.startState();
  for (const line of text.split('\n')) {
    const stream = new StringStream(line, 2, 2);
    while (!stream.eol()) {
      stream.start = stream.pos;
      const style = streamParser.token(stream, state);
      if (stream.pos <= stream.start) throw new Error(`stuck at ${stream.pos} of ${line}`);
      for (let i = stream.start; i < stream.pos; i++) styles.push(style);
    }
    styles.push(null);
  }
  return styles.slice(0, text.length);
}
