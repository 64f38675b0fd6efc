import { tensor } from '../../graph/types.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import { requireDim, requireInputs, requireWellFormed } from '../shape.js';

export const rename: OpDefinition<'rename'> = {
  name: 'rename',
  doc: 'Renames dimensions; `time` keeps its name.',
  infer: (inputs, { names }) => {
    requireInputs('rename', inputs, 1);
    for (const old of Object.keys(names)) {
      if (requireDim('rename', inputs, 0, old).extent === 'time') throw new ShapeError('rename: `time` keeps its name');
    }
    const dims = inputs[0]!.dims.map((d) => ({ ...d, name: Object.hasOwn(names, d.name) ? names[d.name]! : d.name }));
    requireWellFormed('rename', dims);
    return tensor(dims, inputs[0]!.dtype);
  },
  evaluate: ([x]) => x!,
  gradient: (builder, { attributes }, g) => [
    builder.add('rename', [g], {
      names: Object.fromEntries(Object.entries(attributes.names).map(([old, renamed]) => [renamed, old])),
    }),
  ],
};
