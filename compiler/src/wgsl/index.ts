export { ENTRY_POINT, printWgsl } from './module.js';
export type { PrintOptions } from './module.js';
export { InvalidNameError } from './names.js';
export { NonFiniteLiteralError } from './literals.js';
