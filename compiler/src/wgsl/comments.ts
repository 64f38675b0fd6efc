/** Text as comments: whatever it holds, it cannot end the comment. */

const WIDTH = 118;
const PLAIN = /^[\x20-\x7e]*$/;

/** Lines of a comment, each starting with `prefix`; long ones are wrapped between words. */
export function commentLines(text: string, prefix: string): readonly string[] {
  if (PLAIN.test(text) && prefix.length + text.length <= WIDTH) return [`${prefix}${text}`.trimEnd()];
  // Every character that WGSL or TypeScript takes for the end of a line, and other controls.
  const lines = text.split(/\r\n|[\n\r\u000b\u000c\u0085\u2028\u2029]/u);
  return lines.flatMap((line) => wrap(line.replace(/[\p{Cc}\p{Cf}]/gu, ' ').trimEnd(), prefix));
}

/** Text on one line, for a comment behind code. */
export function commentText(text: string): string {
  return commentLines(text, '').join(' ');
}

function wrap(line: string, prefix: string): readonly string[] {
  const words = line.split(' ');
  const lines: string[] = [];
  let current = '';
  for (const word of words) {
    if (current !== '' && prefix !== '' && prefix.length + current.length + 1 + word.length > WIDTH) {
      lines.push(current);
      current = word;
    } else {
      current = current === '' ? word : `${current} ${word}`;
    }
  }
  return [...lines, current].map((l) => `${prefix}${l}`.trimEnd());
}
