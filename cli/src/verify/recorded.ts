/** The tensors of a `golden.safetensors`: what the original implementation computed. */
import { openFile, readSafetensors, readTensor } from '@hyb/runtime';
import type { TensorEntry } from '@hyb/runtime';

export interface Recorded {
  has(name: string): boolean;
  names(): readonly string[];
  shape(name: string): readonly number[];
  values(name: string): Promise<ArrayLike<number>>;
  close(): Promise<void>;
}

/** @param file path or URL */
export async function openRecorded(file: string): Promise<Recorded> {
  const source = await openFile(file, undefined);
  const { tensors } = await readSafetensors(source);
  const find = (name: string): TensorEntry => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`${file} has no tensor ${name}.`);
    return tensor;
  };
  return {
    has: (name) => tensors.has(name),
    names: () => [...tensors.keys()],
    shape: (name) => find(name).shape,
    values: (name) => readTensor(find(name)),
    close: async () => source.close?.(),
  };
}
