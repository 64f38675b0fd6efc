/** Bytes as the characters that byte-level tokenizers write them as: printable ones as themselves, others from U+0100 on. */
export const BYTE_CHARACTERS: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  String.fromCodePoint(isPrintable(byte) ? byte : 256 + rankOfUnprintable(byte)),
);

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

function rankOfUnprintable(byte: number): number {
  let rank = 0;
  for (let other = 0; other < byte; other++) if (!isPrintable(other)) rank += 1;
  return rank;
}
