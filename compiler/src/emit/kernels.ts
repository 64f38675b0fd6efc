/** `kernels.js`: the WGSL files as strings, so that a package needs no loader for them in bundlers, Node or Deno. */

export function kernelsModule(wgsl: ReadonlyMap<string, string>): string {
  const entries = [...wgsl].map(([name, text]) => `  ${JSON.stringify(name)}: \`${escapeTemplate(text)}\`,\n`);
  return `// The files of kernels/, as text.\nexport const kernels = {\n${entries.join('')}};\n`;
}

export function kernelsDeclaration(): string {
  return "import type { WgslSources } from '@hyb/runtime';\n\nexport declare const kernels: WgslSources;\n";
}

function escapeTemplate(text: string): string {
  return text.replace(/[\\`]/g, '\\$&').replace(/\$\{/g, '\\${');
}
