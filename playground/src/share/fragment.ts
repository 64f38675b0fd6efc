/** A source in a link: compressed, in the fragment, which browsers send to nobody. */
import { deflateSync, Inflate, strFromU8, strToU8 } from 'fflate';

export interface Shared {
  /** Where the file stands among the repository's, which it may `use`. */
  readonly path: string;
  readonly text: string;
}

/** No honest model is longer; a link that unpacks to more is a bomb. */
const MOST_BYTES = 2 ** 20;

export function toFragment({ path, text }: Shared): string {
  const packed = deflateSync(strToU8(JSON.stringify([path, text])), { level: 9 });
  return `#code=${base64url(packed)}`;
}

/** Undefined: the fragment is none of ours, or broken. */
export function fromFragment(fragment: string): Shared | undefined {
  const [, code] = /^#code=([\w-]+)$/.exec(fragment) ?? [];
  if (code === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(strFromU8(inflate(fromBase64url(code))));
    if (!Array.isArray(value) || value.length !== 2) return undefined;
    const [path, text] = value as readonly unknown[];
    if (typeof path !== 'string' || typeof text !== 'string' || !/^[\w./-]{1,200}\.hyb$/.test(path)) return undefined;
    return { path, text };
  } catch {
    return undefined;
  }
}

function inflate(packed: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  const stream = new Inflate((part) => {
    length += part.length;
    if (length > MOST_BYTES) throw new RangeError('too long');
    parts.push(part);
  });
  // In pieces, so that a bomb is noticed before it is unpacked.
  for (let at = 0; at < packed.length; at += 1024) {
    stream.push(packed.subarray(at, at + 1024), at + 1024 >= packed.length);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function base64url(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function fromBase64url(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
}
