/**
 * Where in a file the cursor stands, from the tokens before it alone: what is being written seldom parses. The brackets that
 * are open say in what the cursor is, the tokens of the part that is being written say what of it is wanted next.
 */
import { lex } from '@hyb/grammar/parser/lex';
import { Findings } from '@hyb/grammar/parser/findings';
import { endOf } from '@hyb/grammar/parser/token';
import type { Token } from '@hyb/grammar/parser/token';
import { wordsOf } from '@hyb/grammar/tokens/token-table';

/** What an open bracket holds. */
export type Frame =
  | { readonly kind: 'use'; readonly from: string }
  | { readonly kind: 'items' | 'weights' | 'precision' }
  | { readonly kind: 'body'; readonly scan: boolean }
  | { readonly kind: 'parameters' | 'inputs' | 'shape' | 'index' | 'pattern' | 'group' | 'map' }
  /** Arguments of a call. */
  | { readonly kind: 'call'; readonly callee: string; readonly given: readonly string[]; readonly position: number }
  /** The value of a field: `norm = {`, `A.norm = {`, `checkpoints = {`. */
  | { readonly kind: 'record'; readonly path: readonly string[] };

export interface CursorContext {
  /** Outermost first. */
  readonly frames: readonly Frame[];
  /** The declaration that the cursor is in. */
  readonly declaration?: { readonly keyword: string; readonly name: string; readonly start: number };
  /** Tokens of the part that is being written (a field, statement, argument, rule), without the word at the cursor. */
  readonly part: readonly Token[];
  /** The word that is being written. */
  readonly word: { readonly text: string; readonly start: number };
  /** In a string: what of it stands before the cursor, and where it begins. */
  readonly string?: { readonly before: string; readonly start: number };
  /** Names before the word with dots between them: `A.norm.` */
  readonly owner?: readonly string[];
}

const OPEN = new Set(['(', '[', '{']);
const CLOSE = new Set([')', ']', '}']);
const DECLARATIONS = new Set(wordsOf('declaration'));

/** undefined: the cursor is in a comment. */
export function contextAt(text: string, offset: number): CursorContext | undefined {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  const comment = commentStart(line);
  if (comment) return undefined;
  const start = offset - /\w*$/.exec(line)![0].length;
  const word = { text: text.slice(start, offset), start };
  const { tokens } = lex(text.slice(0, start), '', new Findings());
  const string = openString(line, offset);
  const all = string === undefined ? tokens : tokens.filter((each) => each.startOffset < string.start - 1);
  const reader = new Reader();
  for (const [i, each] of all.entries()) reader.take(each, all[i + 1]);
  const { frames, declaration, part } = reader.finish(text, start);
  const owner = ownerOf(part);
  return {
    frames,
    ...(declaration !== undefined && { declaration }),
    part,
    word,
    ...(string !== undefined && { string }),
    ...(owner !== undefined && { owner }),
  };
}

function commentStart(line: string): boolean {
  return /^(?:[^"]|"(?:[^"\\]|\\.)*")*?\/\//.test(line);
}

function openString(line: string, offset: number): CursorContext['string'] {
  const open = /^(?:[^"]|"(?:[^"\\]|\\.)*")*"((?:[^"\\]|\\.)*)$/.exec(line);
  return open === null ? undefined : { before: open[1]!, start: offset - open[1]!.length };
}

/** `A.norm.` at the end of a part; an index counts as part of its name: `layers[7].`. */
function ownerOf(part: readonly Token[]): readonly string[] | undefined {
  if (part.at(-1)?.image !== '.') return undefined;
  const names: string[] = [];
  for (let i = part.length - 1; i >= 0 && part[i]!.image === '.';) {
    let before = i - 1;
    if (part[before]?.image === ']') {
      while (before >= 0 && part[before]!.image !== '[') before--;
      const index = part.slice(before + 1, i - 1).map(({ image }) => image);
      names.unshift(`[${index.join('')}]`);
      before--;
    }
    if (!/^\w+$/.test(part[before]?.image ?? '')) break;
    names.unshift(part[before]!.image);
    i = before - 1;
  }
  return names;
}

class Reader {
  readonly #frames: Frame[] = [];
  /** Tokens of the unfinished part in each open bracket, the file's first. */
  readonly #parts: Token[][] = [[]];
  #declaration: CursorContext['declaration'];

  take(each: Token, next: Token | undefined): void {
    const { image } = each;
    const isTop = each.firstOnLine && each.indent === 0 && DECLARATIONS.has(image) && next !== undefined;
    if (isTop && /^\w+$|^"/.test(next.image) && next.image !== '=') this.#begin(each, next);
    if (this.#beginsPart(each)) this.#parts[this.#parts.length - 1] = [];
    if (OPEN.has(image)) {
      this.#frames.push(this.#frameOf(each));
      this.#part.push(each);
      this.#parts.push([]);
    } else if (CLOSE.has(image)) {
      if (this.#frames.length > 0) {
        const closed = this.#frames.pop();
        const inner = this.#parts.pop()!;
        // An index is part of the path that it stands in.
        if (closed?.kind === 'index') this.#part.push(...inner);
      }
      this.#part.push(each);
    } else if (image === ',' || image === ';') {
      this.#noteArgument();
      this.#parts[this.#parts.length - 1] = [];
    } else this.#part.push(each);
  }

  finish(text: string, start: number): Pick<CursorContext, 'frames' | 'declaration' | 'part'> {
    // A word on a new line begins a part.
    const last = this.#part.at(-1);
    const between = last === undefined ? '' : text.slice(endOf(last), start);
    if (/\n/.test(between) && this.#splitsByLine() && !goesOn(last!)) this.#parts[this.#parts.length - 1] = [];
    const declaration = this.#declaration;
    return { frames: this.#frames, ...(declaration !== undefined && { declaration }), part: this.#part };
  }

  get #part(): Token[] {
    return this.#parts.at(-1)!;
  }

  #begin(keyword: Token, name: Token): void {
    this.#frames.length = 0;
    this.#parts.length = 1;
    this.#parts[0] = [];
    this.#declaration = { keyword: keyword.image, name: name.image, start: keyword.startOffset };
  }

  /** Fields, statements and rules stand on lines of their own. */
  #splitsByLine(): boolean {
    const frame = this.#frames.at(-1);
    return frame === undefined || ['items', 'weights', 'precision', 'body', 'record'].includes(frame.kind);
  }

  #beginsPart(each: Token): boolean {
    const last = this.#part.at(-1);
    if (!each.firstOnLine || last === undefined || !this.#splitsByLine()) return false;
    return /^[\w"]/.test(each.image) && !goesOn(last) && !/^(?:and|or|div|as|then|else)$/.test(each.image);
  }

  #noteArgument(): void {
    const frame = this.#frames.at(-1);
    if (frame?.kind !== 'call') return;
    const [name, sign] = this.#part;
    const given = sign?.image === '=' ? [...frame.given, name!.image] : frame.given;
    this.#frames[this.#frames.length - 1] = { ...frame, given, position: frame.position + 1 };
  }

  #frameOf(open: Token): Frame {
    const part = this.#part;
    const last = part.at(-1);
    const outer = this.#frames.at(-1);
    const keyword = this.#declaration?.keyword;
    switch (open.image) {
      case '{':
        return this.#braces(part, last, outer, keyword);
      case '[':
        if (last?.image === ':' || last?.image === '->' || last?.image === 'as') return { kind: 'shape' };
        if (last?.image === '=' || last === undefined) return { kind: 'pattern' };
        return { kind: 'index' };
      default:
        return this.#parentheses(part, last, outer, keyword);
    }
  }

  #braces(
    part: readonly Token[],
    last: Token | undefined,
    outer: Frame | undefined,
    keyword: string | undefined,
  ): Frame {
    if (part[0]?.image === 'use')
      return {
        kind: 'use',
        from: part
          .slice(1, -1)
          .map(({ image }) => image)
          .join(''),
      };
    if (outer === undefined) {
      if (keyword === 'model' || keyword === 'train') return { kind: 'items' };
      if (keyword === 'weights') return { kind: 'weights' };
      return { kind: 'body', scan: false };
    }
    if (last?.image === 'precision') return { kind: 'precision' };
    if (outer.kind === 'call' || last?.image === ',') return { kind: 'map' };
    if (last?.image === ')' && part.some(({ image }) => image === 'scan')) return { kind: 'body', scan: true };
    const sign = part.findIndex(({ image }) => image === '=');
    const path = part.slice(0, Math.max(sign, 0)).flatMap(({ image }) => (/^\w+$/.test(image) ? [image] : []));
    const parent = outer.kind === 'record' ? outer.path : [];
    return { kind: 'record', path: [...parent, ...path] };
  }

  #parentheses(
    part: readonly Token[],
    last: Token | undefined,
    outer: Frame | undefined,
    keyword: string | undefined,
  ): Frame {
    if (outer === undefined && (keyword === 'block' || keyword === 'norm' || keyword === 'fn')) {
      const isFirst = !part.some(({ image }) => image === '(');
      return { kind: isFirst && keyword !== 'fn' ? 'parameters' : 'inputs' };
    }
    if (outer?.kind === 'pattern' || outer?.kind === 'group')
      return { kind: outer.kind === 'pattern' ? 'pattern' : 'group' };
    if (last === undefined || !/^\w+$/.test(last.image) || NO_CALLEES.has(last.image)) return { kind: 'group' };
    return { kind: 'call', callee: last.image, given: [], position: 0 };
  }
}

const NO_CALLEES = new Set([
  'if',
  'then',
  'else',
  'and',
  'or',
  'not',
  'return',
  'yield',
  'require',
  'when',
  'div',
  'in',
]);

/** After these an expression goes on, wherever the next token stands. */
function goesOn({ image }: Token): boolean {
  return /^(?:[=:.+\-*/%<>@,]|->|==|!=|<=|>=|\*\*|\.\.|and|or|not|div|if|then|else|as|in|of|with)$/.test(image);
}
