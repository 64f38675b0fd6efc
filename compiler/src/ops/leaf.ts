/** Ops without inputs: what a graph starts from. The builder knows the types of parameters and of the graph's inputs. */
import { TIME, tensor } from '../graph/types.js';
import { scalar } from './layout.js';
import { ShapeError } from './op.js';
import type { EvaluationContext, OpDefinition } from './op.js';
import { requireInputs } from './shape.js';

function leaves(context: EvaluationContext): NonNullable<EvaluationContext['leaves']> {
  if (context.leaves === undefined) throw new Error('parameters and inputs have no value in this evaluation');
  return context.leaves;
}

export const parameter: OpDefinition<'parameter'> = {
  name: 'parameter',
  doc: 'A parameter of the layer, as the block declares it.',
  infer: () => {
    throw new ShapeError('a parameter has the type of its declaration: use `GraphBuilder.parameter`');
  },
  evaluate: (_inputs, { path }, context) => leaves(context).parameter(path),
  gradient: () => [],
};

export const input: OpDefinition<'input'> = {
  name: 'input',
  doc: 'What enters the graph: the residual stream, the tokens, or (in gradient graphs) the gradient of the output.',
  infer: () => {
    throw new ShapeError('an input has the type of what is fed: use `GraphBuilder.input`');
  },
  evaluate: (_inputs, { name }, context) => leaves(context).input(name),
  gradient: () => [],
};

export const constant: OpDefinition<'constant'> = {
  name: 'constant',
  doc: 'A scalar known at compile time.',
  infer: (inputs) => {
    requireInputs('constant', inputs, 0);
    return tensor([]);
  },
  evaluate: (_inputs, { value }) => scalar(value),
  gradient: () => [],
};

export const position: OpDefinition<'position'> = {
  name: 'position',
  doc: 'Position of each token in its sequence, counted from 0.',
  infer: (inputs) => {
    requireInputs('position', inputs, 0);
    return tensor([TIME]);
  },
  evaluate: (_inputs, _attributes, context) => {
    const data = new Float64Array(context.tokens);
    for (const { start, length, position: first } of context.segments) {
      for (let i = 0; i < length; i++) data[start + i] = first + i;
    }
    return { shape: [context.tokens], data };
  },
  gradient: () => [],
};
