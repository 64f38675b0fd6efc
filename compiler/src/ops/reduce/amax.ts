import { attained } from './extremum.js';
import { reduction } from './reduce.js';

export const amax = reduction({
  name: 'amax',
  doc: 'Largest element over dimensions.',
  initial: -Infinity,
  combine: (a, b) => Math.max(a, b),
  scalar: { form: 'call', fn: 'max' },
  gradient: attained,
});
