/** Shows what goes on, once it has gone on for a second. */
import type { Io } from './io.js';

export interface Progress {
  /** What is being done: `Compiling`, or with a share `Loading weights`, 0.4. */
  show(title: string, share?: number): void;
  /** Takes the line away. */
  stop(): void;
}

const PATIENCE = 1000;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Runs work with a line of progress under it; the line goes away at the end. */
export async function withProgress<T>(io: Io, work: (progress: Progress) => Promise<T>): Promise<T> {
  const line = new ProgressLine(io);
  try {
    return await work(line);
  } finally {
    line.stop();
  }
}

class ProgressLine implements Progress {
  readonly #io: Io;
  readonly #start = Date.now();
  #title = 'Working';
  #share: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #update: ((text: string) => void) & { clear?: () => void } = () => undefined;
  #told = '';

  constructor(io: Io) {
    this.#io = io;
    this.#timer = setTimeout(() => void this.#begin(), PATIENCE);
    this.#timer.unref();
  }

  show(title: string, share?: number): void {
    this.#title = title;
    this.#share = share;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#update.clear?.();
  }

  async #begin(): Promise<void> {
    if (!this.#io.interactive) {
      // A log has no line to redraw: each stage is said once.
      this.#timer = setInterval(() => this.#tell(), PATIENCE);
      this.#timer.unref();
      this.#tell();
      return;
    }
    const { createLogUpdate } = await import('log-update');
    if (this.#timer === undefined) return;
    const update = createLogUpdate(process.stderr);
    this.#update = Object.assign((text: string) => update(text), { clear: () => update.clear() });
    this.#timer = setInterval(() => this.#draw(), 100);
    this.#timer.unref();
    this.#draw();
  }

  #tell(): void {
    if (this.#title === this.#told) return;
    this.#told = this.#title;
    this.#io.err(`${this.#title} …\n`);
  }

  #draw(): void {
    const { paintErr } = this.#io;
    const elapsed = Date.now() - this.#start;
    const frame = FRAMES[Math.floor(elapsed / 100) % FRAMES.length]!;
    const share = this.#share === undefined ? '' : ` ${bar(this.#share)} ${Math.floor(100 * this.#share)} %`;
    this.#update(`${paintErr.cyan(frame)} ${this.#title}${share} ${paintErr.dim(`${(elapsed / 1000).toFixed(1)} s`)}`);
  }
}

function bar(share: number): string {
  const width = 24;
  const full = Math.round(Math.max(0, Math.min(1, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}
