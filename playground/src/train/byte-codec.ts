/** Bytes as tokens, for models with room for an end of text and for those without. */
import { byteTokenizer, bytesAsTokens } from '@hyb/runtime';
import type { DataTokenizer } from '@hyb/runtime';

/** @throws RangeError if the model has fewer ids than there are bytes */
export function byteCodec(vocab: number): DataTokenizer {
  if (vocab >= byteTokenizer.size) return bytesAsTokens();
  if (vocab < 256) {
    throw new RangeError(
      `In the tab texts are trained on byte by byte, which takes a vocabulary of 256 at least, and the model has ${vocab}.`,
    );
  }
  return { codec: { ...byteTokenizer, size: 256, stopTokens: [] }, key: 'bytes without an end' };
}
