/** One line on stderr that says what is measured and how long it will take. */
export class Progress {
  readonly #start = performance.now();
  readonly #live = process.stderr.isTTY;
  #told = -Infinity;
  #text = '';
  #share = 0;
  readonly #timer;

  constructor() {
    this.#timer = setInterval(() => this.#tick(), 250);
    this.#timer.unref();
  }

  /** @param share of everything, 0 … 1 */
  show(text: string, share: number): void {
    this.#text = text;
    this.#share = share;
    this.#tick();
  }

  stop(): void {
    clearInterval(this.#timer);
    if (this.#live) process.stderr.write('\r\x1b[K');
  }

  #tick(): void {
    const elapsed = (performance.now() - this.#start) / 1000;
    const left = this.#share > 0.02 ? `about ${duration((elapsed * (1 - this.#share)) / this.#share)} left` : '';
    const line = [this.#text, `${Math.floor(100 * this.#share)} %`, duration(elapsed), left]
      .filter(Boolean)
      .join(' · ');
    if (this.#live) process.stderr.write(`\r${line.slice(0, (process.stderr.columns ?? 120) - 1)}\x1b[K`);
    // A log has no line to redraw.
    else if (elapsed - this.#told > 20) {
      this.#told = elapsed;
      process.stderr.write(`${line}\n`);
    }
  }
}

function duration(seconds: number): string {
  return seconds < 60 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
