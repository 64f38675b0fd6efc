import { attained } from './extremum.js';
import { reduction } from './reduce.js';

export const amin = reduction({
  name: 'amin',
  doc: 'Smallest element over dimensions.',
  initial: Infinity,
  combine: (a, b) => Math.min(a, b),
  scalar: { form: 'call', fn: 'min' },
  gradient: attained,
});
