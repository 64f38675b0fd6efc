export const BUILT: Readonly<Record<string, readonly [entry: string, platform: string, format: string | undefined]>>;
export const COPIED: readonly string[];
export function build(options?: { readonly outdir?: string; readonly minify?: boolean }): Promise<void>;
