export { serve } from './connection/server.js';
export type { ServerFiles } from './connection/server.js';
export * from './connection/options.js';
export * from './workspace/files.js';
export { Workspace, Place } from './workspace/workspace.js';
export type { OpenDocument } from './workspace/workspace.js';
export type { ModelViews } from './features/model-view.js';
export { TOKEN_MODIFIERS, TOKEN_TYPES } from './features/semantic-tokens.js';
export { allDiagnostics } from './features/diagnostics.js';
