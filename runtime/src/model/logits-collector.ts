import type { Readback, Staged } from '../memory/readback.js';
import type { Feed } from '../program/pieces.js';
import { wantedRows, type PieceHooks } from './feeder.js';

/** Brings the logits of a call's pieces to the host while later pieces run. */
export class LogitsCollector implements PieceHooks {
  readonly #readback: Readback;
  readonly #rowBytes: number;
  #staged: { readonly piece: readonly Feed[]; readonly logits: Staged } | undefined;
  readonly #taken: { readonly piece: readonly Feed[]; readonly bytes: Promise<Uint8Array<ArrayBuffer>> }[] = [];

  constructor(readback: Readback, vocab: number) {
    this.#readback = readback;
    this.#rowBytes = vocab * 4;
  }

  readonly onPiece: PieceHooks['onPiece'] = (encoder, piece, buffer) => {
    const bytes = piece.reduce((sum, feed) => sum + wantedRows(feed), 0) * this.#rowBytes;
    if (bytes > 0) this.#staged = { piece, logits: this.#readback.stage(encoder, [{ buffer, offset: 0, bytes }]) };
  };

  readonly afterPiece = (): void => {
    if (!this.#staged) return;
    const { piece, logits } = this.#staged;
    this.#staged = undefined;
    const bytes = logits.take();
    // Awaited by `finish`.
    bytes.catch(() => undefined);
    this.#taken.push({ piece, bytes });
  };

  /** For each sequence the rows that it wanted, [rows, vocab]. */
  async finish(sequences: number): Promise<Float32Array[]> {
    const parts: Float32Array[][] = Array.from({ length: sequences }, () => []);
    for (const { piece, bytes } of this.#taken) {
      const { buffer } = await bytes;
      let at = 0;
      for (const feed of piece) {
        const length = wantedRows(feed) * this.#rowBytes;
        if (length > 0) parts[feed.index]!.push(new Float32Array(buffer, at, length / 4));
        at += length;
      }
    }
    return parts.map(join);
  }
}

/** Copies, since views would keep the other sequences' logits alive. */
function join(parts: readonly Float32Array[]): Float32Array {
  const result = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
