export * from './ast/ast.js';
export * from './diagnostics/catalogue.js';
export * from './diagnostics/diagnostic.js';
export * from './ast/same-meaning.js';
export * from './ast/walk.js';
export * from './parser/parse.js';
