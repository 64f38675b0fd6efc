import { readFileSync } from 'node:fs';

/** CPU time of the calling process's main thread so far, milliseconds; undefined where the system does not tell. */
export function mainThreadTime(): number | undefined {
  try {
    // The thread that the process started with has the process's number. First field: nanoseconds on a CPU.
    const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
    return Number(nanoseconds) / 1e6;
  } catch {
    return undefined;
  }
}
