import { dirname, join } from 'node:path';
import { diskFiles } from '@hyb/runtime';
import type { Files } from '@hyb/runtime';

/** Where tokenised texts are kept: beside the runs, which share it, or where `HYB_CACHE` says. */
export function tokenCache(run: string): Files {
  const { HYB_CACHE } = process.env;
  return diskFiles(HYB_CACHE ? join(HYB_CACHE, 'tokens') : join(dirname(run), '.tokens'));
}
