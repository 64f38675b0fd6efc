/**
 * Gradients of Mamba-2's recurrence, chunk by chunk as matrix products (Dao & Gu 2024). The decays, the products of C and B and
 * the states are computed again. With α_l the log decay since the chunk's start (α_Q: of the whole chunk), H the state before
 * the chunk and Γ the gradient of the state after it, g the gradient of the output:
 *
 *     G = Σ_l exp(α_l) g_l ⊗ C_l; Γ before a chunk = exp(α_Q) Γ + G
 *
 * See `inputs.ts` for x, `pairs.ts` and `vectors.ts` for B and C, `steps.ts` for dt and A.
 */
import * as e from '../../../kernel/expressions.js';
import type { KernelCall } from '../../call.js';
import { withinBufferLimit } from '../../pack.js';
import type { Lowering, LoweringContext } from '../../scope.js';
import { chunkDecays, chunkProducts, chunkStates, outerProducts } from '../chunks.js';
import { CHUNK } from '../shape.js';
import { carriedOutputs, inputGradients } from './inputs.js';
import { pairGradients } from './pairs.js';
import { passBoth } from './pass.js';
import { rateGradients, stepGradients } from './steps.js';
import { vectorGradient } from './vectors.js';

type Input = 'x' | 'dt' | 'A' | 'B' | 'C';

export const lowerSsdGradient: Lowering<'ssd_gradient'> = withinBufferLimit((context) => {
  const of = (name: Input) => context.nodes.filter((n) => n.attributes.of === name);
  const steps = [...of('dt'), ...of('A')].length > 0;
  const vectors = [...of('B'), ...of('C')];
  return [
    chunkDecays(context),
    chunkProducts(context),
    chunkStates(context),
    stateGradients(context),
    passBoth(context),
    ...(steps ? [carriedOutputs(context)] : []),
    ...(steps || of('x').length > 0 ? [inputGradients(context, of('x')[0])] : []),
    ...(steps || vectors.length > 0 ? [pairGradients(context)] : []),
    ...vectors.map((node) => vectorGradient(context, node)),
    ...(steps ? [stepGradients(context, of('dt')[0])] : []),
    ...of('A').map((node) => rateGradients(context, node)),
  ];
});

/** What the outputs of a chunk add to the gradient of the state before it. */
function stateGradients(context: LoweringContext<'ssd_gradient'>): KernelCall {
  return outerProducts(context, {
    kind: 'gradients',
    doc: `Gradients of the state before each chunk of ${CHUNK} tokens, through its outputs.`,
    label: 'gradients of chunk states',
    row: (inputs, time, head, quad) => inputs.gQuad(time, head, quad),
    column: (inputs, time, group, quad) => inputs.C(time, group, quad),
    weight: (scratch, time, _last, head) => e.exp(scratch.logDecay(time, head)),
  });
}
