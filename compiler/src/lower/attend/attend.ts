import type { KernelCall } from '../call.js';
import type { LoweringContext } from '../scope.js';
import { appendKeysValues } from './cache.js';
import { decodeAttention } from './decode.js';
import { flash } from './flash.js';
import { prepareQueries } from './queries.js';

/** Attention: new keys and values go to the cache (unless the product that makes them has put them there); then tiles of queries (prefill), or splits of keys and a merge (decode). */
export function lowerAttend(context: LoweringContext<'attend'>): readonly KernelCall[] {
  switch (context.mode) {
    case 'prefill':
    case 'train':
      return [...appendKeysValues(context), prepareQueries(context), flash(context)];
    case 'decode':
      return [...(context.cached ? [] : appendKeysValues(context)), ...decodeAttention(context)];
  }
}
