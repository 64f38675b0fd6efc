/** Packages that are measured beside Hyb. They live in `bench/peers`, with a lockfile of their own. */
const folder = new URL('../../peers/', import.meta.url);

export async function peer(name: 'jax' | 'onnxruntime'): Promise<unknown> {
  return import(new URL(`${name}.js`, folder).href);
}

export async function versionOfPeer(name: string): Promise<string> {
  const { versionOf } = (await import(new URL('versions.js', folder).href)) as { versionOf(name: string): string };
  return versionOf(name);
}
