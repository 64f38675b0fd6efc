export const version = '0.1.0';
export * from './graph/types.js';
export * from './graph/graph.js';
export * from './graph/builder.js';
export * from './graph/body-builder.js';
export * from './ops/attributes.js';
export * from './ops/op.js';
export { OPS, opDefinition } from './ops/table.js';
