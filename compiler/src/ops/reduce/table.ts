/** All reductions, by name. */
import type { ReductionName } from '../attributes.js';
import { amax } from './amax.js';
import { amin } from './amin.js';
import { mean } from './mean.js';
import type { ReductionDefinition } from './reduce.js';
import { sum } from './sum.js';

export const REDUCE_OPS: { readonly [N in ReductionName]: ReductionDefinition<N> } = { sum, mean, amax, amin };
