import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ContenderName, Request, Response } from './contender.js';

/** An answer that has not come for so long is given up, milliseconds: a software adapter may take many minutes. */
const PATIENCE = 1_800_000;
/** Time that a process has to end when asked, milliseconds. */
const GRACE = 3000;

/** A contender in a process of its own, so that neither its threads nor its crashes touch the others. */
export class Competitor {
  readonly #process: ChildProcess;
  readonly #exit: Promise<never>;

  constructor(readonly name: ContenderName) {
    const script = fileURLToPath(new URL('process.js', import.meta.url));
    this.#process = fork(script, [name], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    this.#exit = new Promise((_, reject) => {
      this.#process.on('exit', (code, signal) => reject(new Error(`its process ended (${signal ?? code})`)));
      this.#process.on('error', reject);
    });
    this.#exit.catch(() => undefined);
  }

  async ask<T extends Response['type']>(request: Request): Promise<Extract<Response, { type: T }>> {
    const answer = new Promise<Response>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#process.kill('SIGKILL');
        reject(new Error(`no answer in ${PATIENCE / 1000} s`));
      }, PATIENCE);
      this.#process.once('message', (response: Response) => {
        clearTimeout(timer);
        resolve(response);
      });
      this.#exit.catch((error: unknown) => {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new Error(String(error)));
      });
    });
    this.#process.send(request, () => undefined);
    const response = await answer;
    if (response.type === 'failed') throw new Error(response.message);
    return response as Extract<Response, { type: T }>;
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.send({ type: 'exit' } satisfies Request, () => undefined);
    // Devices of some libraries do not end by themselves.
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), GRACE);
    await this.#exit.catch(() => undefined);
    clearTimeout(timer);
  }
}
