/**
 * The CodeMirror language as a stream parser: `StreamLanguage.define(streamParser)` from `@codemirror/language`. It runs
 * the rules of the TextMate grammar; what only the compiler knows comes as semantic tokens of the language server.
 */
import { rules, SCOPES } from './rules.js';
import type { Rule } from './rules.js';

/** The part of CodeMirror's `StringStream` that is used here, so that the package needs no editor. */
interface Stream {
  pos: number;
  readonly start: number;
  readonly string: string;
  sol(): boolean;
  eatSpace(): boolean;
}

interface IndentContext {
  readonly unit: number;
}

export interface StreamState {
  /** Brackets that are open. */
  depth: number;
  /** Ends of the parts of a match that has several, with their styles. */
  pending: { readonly end: number; readonly style: string | null }[];
}

/** CodeMirror's names of styles, by the beginning of the scope; the first that fits. */
const STYLES: readonly (readonly [scope: string, style: string])[] = [
  ['comment.line.documentation', 'docComment'],
  ['comment', 'lineComment'],
  ['string', 'string'],
  ['constant.character.escape', 'escape'],
  ['constant.other.placeholder', 'special.string'],
  ['constant.numeric', 'number'],
  ['constant.language', 'atom'],
  ['keyword.other.unit', 'unit'],
  ['keyword.declaration', 'definitionKeyword'],
  ['keyword.statement', 'keyword'],
  ['keyword.control', 'controlKeyword'],
  ['keyword.operator.word', 'operatorKeyword'],
  ['keyword.operator', 'operator'],
  ['punctuation', 'punctuation'],
  ['support.type', 'typeName.standard'],
  [SCOPES.call, 'variableName.function'],
  [SCOPES.capitalised, 'typeName'],
  [SCOPES.property, 'propertyName'],
  [SCOPES.variable, 'variableName'],
  ['invalid', 'invalid'],
];

export function styleOf(scope: string): string | null {
  return STYLES.find(([prefix]) => scope.startsWith(prefix))?.[1] ?? null;
}

interface Compiled extends Rule {
  readonly pattern: RegExp;
  readonly parts: readonly Compiled[];
}

const compile = (rule: Rule): Compiled => ({
  ...rule,
  pattern: new RegExp(rule.match, 'y'),
  parts: (rule.inside ?? []).map(compile),
});
const compiled = rules.map(compile);

/** The first rule that matches at a place of a line. */
export function matchAt(
  line: string,
  from: number,
): { readonly rule: Rule; readonly match: RegExpExecArray } | undefined {
  for (const rule of compiled) {
    rule.pattern.lastIndex = from;
    const match = rule.pattern.exec(line);
    if (match !== null && match[0] !== '') return { rule, match };
  }
  return undefined;
}

/** Parts of a match from left to right: the groups of a rule with several scopes, or what stands inside a string. */
function partsOf(rule: Compiled, match: RegExpExecArray): StreamState['pending'] {
  const end = match.index + match[0].length;
  if (typeof rule.scope !== 'string') {
    let at = match.index;
    return rule.scope.map((scope, index) => {
      at += match[index + 1]!.length;
      return { end: at, style: styleOf(scope) };
    });
  }
  const style = styleOf(rule.scope);
  const parts: { end: number; style: string | null }[] = [];
  let plain = match.index;
  for (let at = match.index; at < end;) {
    const inner = rule.parts.find(({ pattern }) => {
      pattern.lastIndex = at;
      return pattern.test(match.input);
    });
    if (inner === undefined) at++;
    else {
      if (plain < at) parts.push({ end: at, style });
      at = Math.min(inner.pattern.lastIndex, end);
      plain = at;
      parts.push({ end: at, style: styleOf(inner.scope as string) });
    }
  }
  if (plain < end) parts.push({ end, style });
  return parts;
}

function token(stream: Stream, state: StreamState): string | null {
  if (stream.sol()) state.pending = [];
  const next = state.pending.shift();
  if (next !== undefined) {
    stream.pos = next.end;
    return next.style;
  }
  if (stream.eatSpace()) return null;
  const found = matchAt(stream.string, stream.pos);
  if (found === undefined) {
    stream.pos++;
    return 'invalid';
  }
  const [first, ...rest] = partsOf(found.rule as Compiled, found.match);
  stream.pos = first!.end;
  state.pending = rest.filter(({ end }, index) => end > (index === 0 ? first! : rest[index - 1]!).end);
  if (/^[([{]$/.test(found.match[0])) state.depth++;
  if (/^[)\]}]$/.test(found.match[0])) state.depth = Math.max(0, state.depth - 1);
  return first!.style;
}

/** To be given to `StreamLanguage.define`. */
export const streamParser = {
  name: 'hyb',
  startState: (): StreamState => ({ depth: 0, pending: [] }),
  copyState: ({ depth, pending }: StreamState): StreamState => ({ depth, pending: [...pending] }),
  token,
  indent: ({ depth }: StreamState, textAfter: string, { unit }: IndentContext): number =>
    Math.max(0, depth - (/^\s*[)\]}]/.test(textAfter) ? 1 : 0)) * unit,
  languageData: {
    commentTokens: { line: '//' },
    closeBrackets: { brackets: ['(', '[', '{', '"'] },
    indentOnInput: /^\s*[)\]}]$/,
    wordChars: '_',
  },
};
