/** Numbers on the command line. */
import { InvalidArgumentError } from 'commander';

/** A whole number from 1 on, such as `65536`, `65_536` or `64k`. */
export function count(text: string): number {
  const match = /^(\d[\d_,]*)([kKmM]?)$/.exec(text);
  const value = match
    ? Number(match[1]!.replace(/[_,]/g, '')) * { '': 1, k: 1024, m: 2 ** 20 }[match[2]!.toLowerCase()]!
    : NaN;
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('A whole number from 1 on is wanted.');
  return value;
}

/** As `count`, and 0. */
export function countOrNone(text: string): number {
  return text === '0' ? 0 : count(text);
}

const PREFIXES: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15 };

/** A positive number with a decimal prefix, such as `3.35T` or `900G`. */
export function rate(text: string): number {
  const match = /^(\d+(?:\.\d+)?(?:e\d+)?)\s*([kmgtp]?)/i.exec(text);
  const value = match ? Number(match[1]) * PREFIXES[match[2]!.toLowerCase()]! : NaN;
  if (!(value > 0 && Number.isFinite(value)))
    throw new InvalidArgumentError('A number such as 900G or 3.35T is wanted.');
  return value;
}

const BYTES: Readonly<Record<string, number>> = {
  ...{ b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 },
  ...{ kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 },
};

/** A size such as `5GB` or `512MiB`. */
export function byteSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?i?b)$/i.exec(text);
  const value = match ? Math.floor(Number(match[1]) * (BYTES[match[2]!.toLowerCase()] ?? NaN)) : NaN;
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('A size such as 5GB is wanted.');
  return value;
}

/** A number from `low` to `high`. */
export function between(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (!(value >= low && value <= high)) {
      throw new InvalidArgumentError(`A number from ${low}${high === Infinity ? ' on' : ` to ${high}`} is wanted.`);
    }
    return value;
  };
}

/** Token ids: `1,2,3`. */
export function tokenIds(text: string): readonly number[] {
  const ids = text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map(Number);
  if (ids.length === 0 || !ids.every((id) => Number.isSafeInteger(id) && id >= 0)) {
    throw new InvalidArgumentError('Token ids with commas between are wanted, such as 1,2,3.');
  }
  return ids;
}
