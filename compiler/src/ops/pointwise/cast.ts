import { tensor } from '../../graph/types.js';
import type { Dtype } from '../../graph/types.js';
import type { Intrinsic } from '../../kernel/ir.js';
import { round } from '../../numeric/format.js';
import type { FloatFormat } from '../../numeric/format.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import { isFloat, requireInputs } from '../shape.js';

/** The kernel-language function that rounds f32 to the format; undefined where there is nothing to do. */
export function roundingIntrinsic(to: Dtype): Intrinsic | undefined {
  switch (to) {
    case 'bf16':
      return 'round_bf16';
    case 'f16':
      return 'round_f16';
    case 'e4m3':
      return 'round_e4m3';
    case 'e5m2':
      return 'round_e5m2';
    case 'f32':
    case 'u32':
    case 'bool':
      return undefined;
  }
}

export const cast: OpDefinition<'cast'> = {
  name: 'cast',
  doc: 'Rounds to a floating-point format, to nearest even (fp8 saturates). Truth values become 0 and 1. The gradient passes as it is.',
  infer: (inputs, { to }) => {
    requireInputs('cast', inputs, 1);
    if (!isFloat(to)) {
      throw new ShapeError('cast rounds to a floating-point format', {
        expected: 'f32, f16, bf16, e4m3 or e5m2',
        found: to,
      });
    }
    return tensor(inputs[0]!.dims, to);
  },
  evaluate: ([x], { to }) => ({ shape: x!.shape, data: x!.data.map((value) => round(value, to as FloatFormat)) }),
  gradient: (builder, { inputs }, g) => [isFloat(builder.typeOf(inputs[0]!).dtype) ? g : undefined],
};
