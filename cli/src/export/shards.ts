/** A checkpoint in one file, or in several with an index, as transformers shares them out. */

export interface Shard<T> {
  readonly file: string;
  readonly tensors: readonly T[];
}

/** Fills files in order; a tensor over the size has a file of its own. */
export function shareOut<T extends { readonly bytes: number }>(
  tensors: readonly T[],
  shardBytes: number,
): readonly Shard<T>[] {
  const groups: T[][] = [[]];
  let filled = 0;
  for (const tensor of tensors) {
    if (filled > 0 && filled + tensor.bytes > shardBytes) {
      groups.push([]);
      filled = 0;
    }
    groups.at(-1)!.push(tensor);
    filled += tensor.bytes;
  }
  if (groups.length === 1) return [{ file: 'model.safetensors', tensors: groups[0]! }];
  const number = (n: number): string => String(n).padStart(5, '0');
  return groups.map((group, i) => ({
    file: `model-${number(i + 1)}-of-${number(groups.length)}.safetensors`,
    tensors: group,
  }));
}

/** The text of `model.safetensors.index.json`. */
export function indexOf(shards: readonly Shard<{ readonly name: string; readonly bytes: number }>[]): string {
  const all = shards.flatMap(({ file, tensors }) => tensors.map(({ name, bytes }) => ({ name, bytes, file })));
  const total = all.reduce((sum, { bytes }) => sum + bytes, 0);
  // A null prototype: a tensor may be called __proto__.
  const map = Object.create(null) as Record<string, string>;
  for (const { name, file } of all.sort((a, b) => (a.name < b.name ? -1 : 1))) map[name] = file;
  return `${JSON.stringify({ metadata: { total_size: total }, weight_map: map }, null, 2)}\n`;
}
