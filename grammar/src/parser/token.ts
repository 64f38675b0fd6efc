import type { IToken } from 'chevrotain';

/** A token as the parser sees it, with its place in lines and brackets. */
export interface Token extends IToken {
  /** No other token stands before it on its line. */
  firstOnLine: boolean;
  /** White space before the first token of its line, in characters. */
  indent: number;
  /** How many brackets are open around it; a bracket is outside of itself. */
  depth: number;
  /** Where the last token before it ends that is no separator; 0 for the first one. Doc comments after that belong to it. */
  previousEnd: number;
  /** The other bracket of a pair. */
  match?: Token;
  /** The token after it. */
  next?: Token;
  /** It does not stand in the file: it was put in where a bracket is missing, which has been reported. */
  virtual?: true;
}

export function endOf(token: IToken): number {
  return token.startOffset + token.image.length;
}
