/** `kernels.js`: the WGSL files as strings, so that a package needs no loader for them in bundlers, Node or Deno. */

export function kernelsModule(wgsl: ReadonlyMap<string, string>): string {
  return `// The files of kernels/, as text.\nexport const kernels = {\n${entries(wgsl)}};\n`;
}

/** @param wgsl what training has beside the kernels of inference */
export function trainingKernelsModule(wgsl: ReadonlyMap<string, string>): string {
  return (
    "import { kernels } from './kernels.js';\n\n" +
    '// The other files of kernels/, which training needs, beside those of inference.\n' +
    `export const trainingKernels = {\n  ...kernels,\n${entries(wgsl)}};\n`
  );
}

export function kernelsDeclaration(name: 'kernels' | 'trainingKernels'): string {
  return `import type { WgslSources } from '@hyb/runtime';\n\nexport declare const ${name}: WgslSources;\n`;
}

function entries(wgsl: ReadonlyMap<string, string>): string {
  return [...wgsl].map(([name, text]) => `  ${JSON.stringify(name)}: \`${escapeTemplate(text)}\`,\n`).join('');
}

function escapeTemplate(text: string): string {
  return text.replace(/[\\`]/g, '\\$&').replace(/\$\{/g, '\\${');
}
