/** The page's side of the compiler's worker. */
import { startWorker } from '../start-worker.js';
import type { Answer, Request, RequestName, Requests } from './protocol.js';

export class CompilerClient {
  readonly #worker = startWorker('compiler-worker');
  readonly #open = new Map<number, { resolve: (give: never) => void; reject: (error: Error) => void }>();
  #next = 0;

  constructor() {
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
      const waiting = this.#open.get(data.id);
      this.#open.delete(data.id);
      if ('error' in data) waiting?.reject(new Error(data.error));
      else waiting?.resolve(data.give as never);
    });
  }

  ask<N extends RequestName>(name: N, take: Requests[N]['take']): Promise<Requests[N]['give']> {
    const request: Request = { id: this.#next++, name, take };
    const answer = new Promise<Requests[N]['give']>((resolve, reject) =>
      this.#open.set(request.id, { resolve, reject }),
    );
    this.#worker.postMessage(request);
    return answer;
  }
}
