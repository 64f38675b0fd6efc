/** Ctrl-C, once to end in good order and a second time to end at once. */

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Goes back to how the process treats Ctrl-C otherwise. */
  release(): void;
}

/** What the signal is aborted with. */
export class Interrupted extends Error {
  constructor() {
    super('Interrupted.');
    this.name = 'Interrupted';
  }
}

/** As shells count a process that SIGINT ended. */
export const INTERRUPTED = 130;

export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort(new Interrupted());
  };
  process.on('SIGINT', interrupt);
  return { signal: controller.signal, release: () => process.off('SIGINT', interrupt) };
}
