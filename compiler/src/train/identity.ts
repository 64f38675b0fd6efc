/** What of a recipe gives the state of a run its meaning, beside what the runtime sees: a run goes on only with the same. */
import type { CompiledRecipe } from '@hyb/runtime';
import { hash32 } from '@hyb/runtime/train/random';
import { contentKey } from '../graph/key.js';
import type { Model } from '../model/model.js';
import { printRule } from '../resolve/precision.js';
import { trace } from '../trace/trace.js';
import { trainingModel } from './model.js';
import type { TrainRecipe } from './resolve-train.js';

/** In words for people, but for the digest of what the model computes. */
export function recipeIdentity(
  recipe: Pick<TrainRecipe, 'precision' | 'fp8_scale'> & Required<Pick<TrainRecipe, 'model'>>,
): CompiledRecipe['identity'] {
  const { precision } = trainingModel(recipe);
  const narrow = precision.some(({ type }) => type === 'e4m3' || type === 'e5m2');
  const { fp8_scale } = recipe;
  return {
    model: `${recipe.model.name}, ${modelDigest(recipe.model)}`,
    precision: precision.length === 0 ? 'f32' : precision.map(printRule).sort().join(', '),
    ...(narrow && { fp8_scale: typeof fp8_scale === 'number' ? String(fp8_scale) : fp8_scale.name }),
  };
}

/** 64 bits of all that the model computes: not of names of values, first values, or formats. */
function modelDigest(model: Model): string {
  const { graph } = trace({ ...model, precision: [] });
  const { vocab, width, graphs, instances } = graph;
  const parts = [
    { vocab, width },
    ...graphs.map(({ nodes, output }) => ({
      nodes: nodes.map(({ op, inputs, attributes }) => ({ op, inputs, attributes })),
      output,
    })),
    ...instances.map(({ graph: of, path, aliases }) => ({ of, path, aliases })),
  ].map((part) => new TextEncoder().encode(contentKey(part)));
  return [0, 1].map((seed) => parts.reduce(fold, seed).toString(16).padStart(8, '0')).join('');
}

/** In pieces, since a call takes only so many arguments. */
function fold(hash: number, bytes: Uint8Array): number {
  let folded = hash32(hash, bytes.length);
  for (let at = 0; at < bytes.length; at += 1024) folded = hash32(folded, ...bytes.subarray(at, at + 1024));
  return folded;
}
