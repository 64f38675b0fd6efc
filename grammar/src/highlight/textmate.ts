/** The TextMate grammar: what VS Code, GitHub, shiki (and so the docs) and many other editors highlight with. */
import { rules } from './rules.js';
import type { Rule } from './rules.js';

export interface TextMatePattern {
  readonly name?: string;
  readonly contentName?: string;
  readonly match?: string;
  readonly begin?: string;
  readonly end?: string;
  readonly while?: string;
  readonly include?: string;
  readonly captures?: Readonly<Record<string, TextMatePattern>>;
  readonly beginCaptures?: Readonly<Record<string, TextMatePattern>>;
  readonly endCaptures?: Readonly<Record<string, TextMatePattern>>;
  readonly patterns?: readonly TextMatePattern[];
}

export interface TextMateGrammar {
  readonly $schema: string;
  readonly comment: string;
  readonly name?: string;
  readonly displayName?: string;
  readonly scopeName: string;
  readonly fileTypes?: readonly string[];
  readonly injectionSelector?: string;
  readonly patterns: readonly TextMatePattern[];
  readonly repository: Readonly<Record<string, TextMatePattern>>;
}

const SCHEMA = 'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json';
const MADE = 'Made from grammar/src/tokens/token-table.ts by grammar/scripts/syntaxes.mjs; do not change by hand.';

const scoped = (scope: string): string => `${scope}.hyb`;

function patternOf({ match, scope, inside }: Rule): TextMatePattern {
  if (typeof scope !== 'string') {
    const captures = scope.flatMap((each, index) =>
      each === '' ? [] : [[index + 1, { name: scoped(each) }] as const],
    );
    return { match, captures: Object.fromEntries(captures) };
  }
  const name = scoped(scope);
  if (inside === undefined) return { name, match };
  return { name, match, captures: { 0: { patterns: inside.map(patternOf) } } };
}

export function textMateGrammar(): TextMateGrammar {
  return {
    $schema: SCHEMA,
    comment: MADE,
    name: 'hyb',
    displayName: 'Hyb',
    scopeName: 'source.hyb',
    fileTypes: ['hyb'],
    patterns: rules.map(({ name }) => ({ include: `#${name}` })),
    repository: Object.fromEntries(rules.map((rule) => [rule.name, patternOf(rule)])),
  };
}

/** Fences of Markdown that say `hyb`, injected into the grammars of Markdown. */
export function markdownGrammar(): TextMateGrammar {
  return {
    $schema: SCHEMA,
    comment: MADE,
    scopeName: 'markdown.hyb.codeblock',
    injectionSelector: 'L:text.html.markdown',
    patterns: [{ include: '#fence' }],
    repository: {
      fence: {
        name: 'markup.fenced_code.block.markdown',
        begin: String.raw`(^|\G)(\s*)(\x60{3,}|~{3,})\s*(?i:(hyb)((\s+|:|,|\{|\?)[^\x60]*)?$)`,
        end: String.raw`(^|\G)(\2|\s{0,3})(\3)\s*$`,
        beginCaptures: {
          3: { name: 'punctuation.definition.markdown' },
          4: { name: 'fenced_code.block.language.markdown' },
          5: { name: 'fenced_code.block.language.attributes.markdown' },
        },
        endCaptures: { 3: { name: 'punctuation.definition.markdown' } },
        patterns: [
          {
            begin: String.raw`(^|\G)(\s*)(.*)`,
            while: String.raw`(^|\G)(?!\s*([\x60~]{3,})\s*$)`,
            contentName: 'meta.embedded.block.hyb',
            patterns: [{ include: 'source.hyb' }],
          },
        ],
      },
    },
  };
}
