export * from './program/program.js';
export * from './program/size.js';
