// What the study varies: the ladder of learning rates, and the text.
import { join } from 'node:path';
import { unigramEntropy } from '../../demo/entropies.mjs';
import { writeText } from '../training/text.mjs';

/** From 2^-8 to 1/4 in steps of the square root of two, with three digits. */
export const LADDER = Array.from({ length: 13 }, (_, i) => Number((2 ** (i / 2 - 8)).toPrecision(3)));

/** Moby-Dick, and what a table of its bytes takes for a byte of the chapters that are held out, in nats. */
export async function readTexts(out) {
  const { training, heldOut } = await writeText(join(out, 'text'));
  return { training, heldOut, table: unigramEntropy(Buffer.from(training), Buffer.from(heldOut)) * Math.LN2 };
}
