import { serveStreams } from '@hyb/server/node';
import { EXIT } from '../terminal/errors.js';

/** Serves until the editor ends the connection. */
export async function serveEditor(): Promise<number> {
  await serveStreams(process.stdin, process.stdout);
  return EXIT.ok;
}
