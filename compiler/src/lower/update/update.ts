/** All kernels of the update, by the names under which the engine finds them. */
import type { Scaling } from '../../grad/scale.js';
import type { KernelCall } from '../call.js';
import { addLosses, norms, squares } from './norms.js';
import { largest, largestOfAll, roundTo } from './scale.js';
import { gram, momentum, normalise, polynomial, product, squaresOfMatrices } from './orthogonal.js';
import { adamW, muon, sgd } from './rules.js';

/** @param scaling of working copies in 8 bits */
export function updateCalls(scaling: Scaling): Readonly<Record<string, KernelCall>> {
  return {
    addLosses: addLosses(),
    squares: squares(),
    norms: norms(),
    largest: largest(),
    largestOfAll: largestOfAll(),
    'round.e4m3': roundTo('e4m3', scaling),
    'round.e5m2': roundTo('e5m2', scaling),
    'orthogonal.momentum': momentum(),
    'orthogonal.squares': squaresOfMatrices(),
    'orthogonal.normalise': normalise(),
    'orthogonal.gram': gram(),
    'orthogonal.polynomial': polynomial(),
    'orthogonal.product': product(),
    ...Object.fromEntries(
      (['f32', 'bf16', 'f16'] as const).flatMap((storage) => [
        [`AdamW.${storage}`, adamW(storage)],
        [`SGD.${storage}`, sgd(storage)],
        [`Muon.${storage}`, muon(storage)],
      ]),
    ),
  };
}
