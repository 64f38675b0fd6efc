import { doc, type Doc } from 'prettier';
import type { Comment } from '../ast/ast.js';
import { endOf, type Token } from '../parser/token.js';

const { breakParent, hardline, literalline, join } = doc.builders;

/**
 * Prints the tokens of a file one after the other, with the comments that stand between them. The printer asks for tokens in
 * the order of the file and says what stands before each; a comment in between replaces that by line breaks. So no comment
 * is ever lost, or moved past a token that means something.
 */
export class TokenStream {
  #next = 0;
  #nextComment = 0;
  /** Where the last token or comment ends, printed or left out. */
  #end = 0;
  /** What the printer wants before the next token. */
  #gap: Doc = '';
  #last: Token | undefined;

  constructor(
    readonly text: string,
    readonly tokens: readonly Token[],
    readonly comments: readonly Comment[],
  ) {}

  /** The next token, or one after it. */
  peek(distance = 0): Token | undefined {
    return this.tokens[this.#next + distance];
  }

  /** The last token that was printed. */
  get previous(): Token | undefined {
    return this.#last;
  }

  isNext(image: string): boolean {
    return this.peek()?.image === image;
  }

  /** Says what stands before the next token unless a comment does. */
  before(gap: Doc): void {
    this.#gap = gap;
  }

  /** The next token with what stands before it. */
  take(gap?: Doc, expected?: string): Doc {
    const token = this.peek();
    if (token === undefined || (expected !== undefined && token.image !== expected)) {
      throw new Error(
        `The printer expects ${expected ?? 'a token'} at ${this.#end}, and finds ${token?.image ?? 'the end'}.`,
      );
    }
    if (gap !== undefined) this.#gap = gap;
    const before = this.gap(this.#gap);
    this.#gap = '';
    this.#advance();
    this.#last = token;
    return [before, token.image];
  }

  /** Leaves a token out. Comments around it stay. */
  skip(image: string): boolean {
    if (!this.isNext(image)) return false;
    this.#advance();
    return true;
  }

  #advance(): void {
    this.#end = Math.max(this.#end, endOf(this.peek()!));
    this.#next++;
  }

  /** Whether comments stand before the next token. */
  get commentsPending(): boolean {
    const comment = this.comments[this.#nextComment];
    return comment !== undefined && comment.span.start < this.#nextStart;
  }

  get #nextStart(): number {
    return this.peek()?.startOffset ?? this.text.length + 1;
  }

  /** What stands before the next token: the comments there with line breaks around them, or else `otherwise`. */
  gap(otherwise: Doc): Doc {
    return this.commentsPending ? [this.dangling(), this.lineBreak(), breakParent] : otherwise;
  }

  /** The comments before the next token, without the line break that must follow them. */
  dangling(): Doc {
    const parts: Doc[] = [];
    for (
      let comment = this.comments[this.#nextComment];
      this.commentsPending;
      comment = this.comments[this.#nextComment]
    ) {
      const { start, end } = comment!.span;
      const follows = this.hasPrinted || parts.length > 0;
      const sameLine = !/[\r\n]/.test(this.text.slice(this.#end, start));
      if (follows) parts.push(sameLine ? ' ' : this.lineBreak(start));
      parts.push(this.text.slice(start, end).trimEnd(), breakParent);
      this.#end = end;
      this.#nextComment++;
    }
    return parts;
  }

  /** A line break before what stands at an offset, with an empty line if the author has left one. */
  lineBreak(start = this.#nextStart): Doc {
    const between = this.text.slice(this.#end, start);
    const lines = between.match(/\r\n|\r|\n/g)?.length ?? 0;
    const opened = /[([{]$/.test(this.text.slice(0, this.#end));
    return lines > 1 && !opened && this.hasPrinted ? [hardline, hardline] : hardline;
  }

  /** Whether the next token stands on a line of its own, or a comment comes before it. */
  get startsLine(): boolean {
    return this.peek()?.firstOnLine === true || this.commentsPending;
  }

  /** Everything up to a token's end as it stands in the file. */
  verbatim(end: number): Doc {
    const start = this.#nextStart;
    while (this.peek() !== undefined && this.peek()!.startOffset < end) this.#advance();
    while ((this.comments[this.#nextComment]?.span.start ?? Infinity) < end) this.#nextComment++;
    this.#last = this.tokens[this.#next - 1];
    return [join(literalline, this.text.slice(start, end).split(/\r\n|\r|\n/)), breakParent];
  }

  /** The comment right before the next token. */
  get commentBefore(): Comment | undefined {
    let found: Comment | undefined;
    for (let i = this.#nextComment; (this.comments[i]?.span.start ?? Infinity) < this.#nextStart; i++) {
      found = this.comments[i];
    }
    return found;
  }

  /** Whether a comment stands right before a token. */
  hasCommentBefore({ startOffset, previousEnd }: Token): boolean {
    return this.comments.some(({ span }) => span.start >= previousEnd && span.end <= startOffset);
  }

  /** Whether all tokens and comments have been printed or left out on purpose. */
  get finished(): boolean {
    return this.#next === this.tokens.length && this.#nextComment === this.comments.length;
  }

  get hasPrinted(): boolean {
    return this.#last !== undefined;
  }
}
