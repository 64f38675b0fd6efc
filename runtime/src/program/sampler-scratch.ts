/** The sampler walks the vocabulary in slices of so many tokens, a workgroup each. */
export const SAMPLER_SLICE = 1024;
/** Words of the sampler's scratch that hold what is known of a slice, after one word per token. */
export const SAMPLER_NOTES = 8;

/** Words of the sampler's scratch per sequence. */
export function samplerScratch(vocab: number): number {
  return Math.ceil(vocab / SAMPLER_SLICE) * (SAMPLER_SLICE + SAMPLER_NOTES);
}
