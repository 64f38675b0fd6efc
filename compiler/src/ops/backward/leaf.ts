/** Leaves of training graphs, whose values come from outside. */
import { tensor } from '../../graph/types.js';
import { ShapeError } from '../op.js';
import type { OpDefinition } from '../op.js';
import { requireExtents, requireInputs } from '../shape.js';

export const kept: OpDefinition<'kept'> = {
  name: 'kept',
  doc: 'A value of the forward pass that was kept for the backward pass.',
  infer: () => {
    throw new ShapeError('a kept value has the type of the node that it is the value of');
  },
  evaluate: () => {
    throw new Error('kept values are given to an evaluation');
  },
};

export const cross_entropy_gradient: OpDefinition<'cross_entropy_gradient'> = {
  name: 'cross_entropy_gradient',
  doc: 'Inputs: logits. Gradient of the mean cross-entropy of the labels, which are no part of the graph.',
  infer: (inputs) => {
    requireInputs('cross_entropy_gradient', inputs, 1);
    requireExtents('cross_entropy_gradient', 'the logits', inputs, 0, ['time', undefined], ['time', 'vocab']);
    return tensor(inputs[0]!.dims);
  },
  evaluate: () => {
    throw new Error('the gradient of the loss is given to an evaluation');
  },
};
