/** Names for contents, made with the SHA-256 that every environment has. */
const encoder = new TextEncoder();

/** SHA-256 in hex. */
export async function digest(text: string | Uint8Array): Promise<string> {
  const bytes = typeof text === 'string' ? encoder.encode(text) : text;
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** For what does not fit into memory at once: the digest of the digests of its pieces, whose borders have to be fixed. */
export async function digestPieces(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const each: string[] = [];
  for await (const piece of pieces) each.push(await digest(piece));
  return digest(each.join('\n'));
}
