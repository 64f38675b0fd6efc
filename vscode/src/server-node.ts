/** The language server's process. */
import { serveStreams } from '@hyb/server/node';

void serveStreams(process.stdin, process.stdout).then(() => process.exit(0));
