/**
 * A checkpoint's folder of a model that transformers does not know: `config.json` names the .hyb file in `source/` that
 * the tensors belong to. `hyb export --type hyb` writes such folders.
 */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { HYB_SOURCE, HYB_TYPE } from '@hyb/compiler';
import { diskHost } from '../files/host.js';
import type { DiskHost } from '../files/host.js';
import { isInside } from '../files/root.js';
import { CliError } from '../terminal/errors.js';

export interface HybFolder {
  readonly host: DiskHost;
  /** The file with the model, inside `source/`. */
  readonly entry: string;
  readonly model: string;
}

/**
 * @param text of the folder's config.json
 * @returns undefined if the folder is of another kind
 * @throws CliError if the file says `hyb`, and not which source
 */
export function readHybFolder(folder: string, name: string, text: string): HybFolder | undefined {
  const config = parse(text);
  if (config?.model_type !== HYB_TYPE) return undefined;
  const place = join(name, 'config.json');
  const { source, model } = (config.hyb ?? {}) as { source?: unknown; model?: unknown };
  if (typeof source !== 'string' || typeof model !== 'string') {
    throw new CliError(`${place} does not say which source the model is in.`, 'It has "hyb": {"source", "model"}.');
  }
  const root = join(folder, HYB_SOURCE);
  if (!existsSync(root) || !isInside(realpathSync(root), realpathSync(folder)))
    throw new CliError(`${name} has no folder ${HYB_SOURCE}, where the model's .hyb file is.`);
  const host = diskHost(realpathSync(root));
  if (!source.endsWith('.hyb') || host.read(source) === undefined) {
    throw new CliError(`${place} names ${JSON.stringify(source)}, which is no .hyb file in ${join(name, HYB_SOURCE)}.`);
  }
  return { host, entry: source, model };
}

/** Files that Python wrote may hold numbers that are no JSON; they are of other kinds. */
function parse(text: string): { readonly model_type?: unknown; readonly hyb?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The folder's only source, for `hyb import`. */
export function onlySource({ host, entry }: HybFolder, name: string): string {
  const files = host.list?.() ?? [];
  if (files.length > 1) {
    throw new CliError(
      `The model in ${name} is made of ${files.length} files.`,
      `Use ${join(name, HYB_SOURCE, entry)} as it is, or copy the folder ${HYB_SOURCE}.`,
    );
  }
  return host.read(entry)!;
}
