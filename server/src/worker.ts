/** Entry of the bundled worker. */
import { serveWorker } from './browser.js';
import type { Port } from './browser.js';

serveWorker(self as unknown as Port);
