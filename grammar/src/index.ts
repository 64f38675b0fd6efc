export * from './ast/ast.js';
export * from './diagnostics/catalogue.js';
export * from './diagnostics/diagnostic.js';
