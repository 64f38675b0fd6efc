export { adapterKind, describeAdapter, gpu, installGPU, listAdapters, SLOW_ON_SOFTWARE } from './adapter.js';
export type { AdapterDescription, AdapterKind, AdapterOptions, ListOptions } from './adapter.js';
export { cacheFolder, unpack } from './cache.js';
export { softwareEnvironment, softwareVulkan } from './vulkan.js';
export type { SoftwareVulkan } from './vulkan.js';
