import type { Metafile, Plugin } from 'esbuild';

export const workspaces: Plugin;
export function build(outdir: string, options?: { readonly minify?: boolean }): Promise<Metafile>;
