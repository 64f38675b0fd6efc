import { withinBufferLimit } from '../pack.js';
import type { Lowering } from '../scope.js';
import { chunkDecays, chunkProducts, chunkStates, passStates } from './chunks.js';
import { chunkOutputs } from './output.js';
import { ssdStep } from './step.js';

/** Mamba-2's recurrence: chunks as matrix products (Dao & Gu 2024, section 6) in prefill, one step in decode. */
export const lowerSsd: Lowering<'ssd'> = withinBufferLimit((context) => {
  switch (context.mode) {
    case 'prefill':
    case 'train':
      return [
        chunkDecays(context),
        chunkProducts(context),
        chunkStates(context),
        passStates(context),
        chunkOutputs(context),
      ];
    case 'decode':
      return [ssdStep(context)];
  }
});
