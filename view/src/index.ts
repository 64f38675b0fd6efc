export { ModelPanel, type ModelPanelOptions } from './model-panel.js';
export { element, table, type Child } from './dom.js';
