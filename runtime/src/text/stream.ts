import type { TextStream } from './types.js';

/** What TextDecoder makes of bytes that are no character, or not one yet. */
const REPLACEMENT = '\ufffd';
/** Tokens that are decoded together for the sake of what depends on the token before. */
const CONTEXT = 4;
/** Tokens after which even text that goes on looking unfinished is taken as it is. */
const MOST = 64;

/**
 * Decodes token by token. Tokens may end within a character, and how a token is written may depend on the ones before it,
 * so a window of tokens is decoded each time, and of its text what is new and certain is handed out.
 */
export function streamText(decode: (tokens: number[]) => string, before: ArrayLike<number> = []): TextStream {
  let tokens: number[] = Array.prototype.slice.call(before, -CONTEXT) as number[];
  /** Text of the window that was handed out, or is not wanted. */
  let sent = tokens.length > 0 ? certain(decode(tokens)) : '';

  const advance = (text: string): string => {
    // A decoder that changes its mind has to be waited for.
    if (!text.startsWith(sent)) return '';
    const fresh = text.slice(sent.length);
    sent = text;
    return fresh;
  };

  return {
    push(token) {
      tokens.push(token);
      const text = decode(tokens);
      const fresh = advance(certain(text));
      const complete = sent === text;
      if ((complete && tokens.length > 2 * CONTEXT) || tokens.length > MOST) {
        const tail = tokens.slice(-CONTEXT);
        const tailText = decode(tail);
        // Without text the tail would not be context enough.
        if ((tailText !== '' && sent.endsWith(tailText)) || tokens.length > MOST) {
          tokens = tail;
          sent = certain(tailText);
        }
      }
      return fresh;
    },
    end() {
      const text = tokens.length > 0 ? decode(tokens) : '';
      const fresh = text.slice(sent.length);
      sent = text;
      return fresh;
    },
  };
}

/** Without what may be the beginning of a character: the decoder writes one replacement for it, at the end. */
function certain(text: string): string {
  return text.endsWith(REPLACEMENT) ? text.slice(0, -1) : text;
}
