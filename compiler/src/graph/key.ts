/** A string that two plain values share exactly if they are equal: for hash-consing nodes and graphs. */
export function contentKey(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : `${value}`;
  if (Array.isArray(value)) return `[${value.map(contentKey).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${contentKey(v)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'undefined';
}
