/** All kernels of the update, by the names under which the engine finds them. */
import type { Scaling } from '../../grad/scale.js';
import { stateKernel } from '@hyb/runtime/train/moments';
import type { KernelCall } from '../call.js';
import { addLosses, norms, squares } from './norms.js';
import { largest, largestOfAll, roundTo } from './scale.js';
import { gram, momentum, normalise, polynomial, product, squaresOfMatrices } from './orthogonal.js';
import { adamW, muon, sgd } from './rules.js';

export interface UpdateFormats {
  /** Of working copies in 8 bits. */
  readonly scaling: Scaling;
  /** Whether some of the optimizer's state is in bf16. */
  readonly narrow: boolean;
}

export function updateCalls({ scaling, narrow }: UpdateFormats): Readonly<Record<string, KernelCall>> {
  const states = narrow ? (['f32', 'bf16'] as const) : (['f32'] as const);
  return {
    addLosses: addLosses(),
    squares: squares(),
    norms: norms(),
    largest: largest(),
    largestOfAll: largestOfAll(),
    'round.e4m3': roundTo('e4m3', scaling),
    'round.e5m2': roundTo('e5m2', scaling),
    'orthogonal.squares': squaresOfMatrices(),
    'orthogonal.normalise': normalise(),
    'orthogonal.gram': gram(),
    'orthogonal.polynomial': polynomial(),
    'orthogonal.product': product(),
    ...Object.fromEntries(
      states.flatMap((moments) => [
        [stateKernel('orthogonal.momentum', moments), momentum(moments)],
        ...(['f32', 'bf16', 'f16'] as const).flatMap((storage) => [
          [stateKernel(`AdamW.${storage}`, moments), adamW({ storage, moments })],
          [stateKernel(`SGD.${storage}`, moments), sgd({ storage, moments })],
          [stateKernel(`Muon.${storage}`, moments), muon({ storage, moments })],
        ]),
      ]),
    ),
  };
}
