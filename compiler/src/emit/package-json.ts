import type { EmitOptions } from './emit.js';

export function packageJson(name: string, options: EmitOptions): string {
  const json = {
    name,
    version: options.version ?? '0.1.0',
    description: 'A language model compiled by Hyb to WebGPU kernels',
    type: 'module',
    sideEffects: false,
    exports: {
      '.': { types: './index.d.ts', import: './index.js' },
      './kernels/*.wgsl': './kernels/*.wgsl',
      './package.json': './package.json',
    },
    types: './index.d.ts',
    files: [
      'index.*',
      'program.*',
      'kernels.*',
      ...(options.training === undefined ? [] : ['recipe.*', 'training.*', 'training-kernels.*']),
      'kernels',
      'source',
    ],
    dependencies: { '@hyb/runtime': options.runtimeVersion },
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}
