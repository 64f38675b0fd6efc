// The study before one's eyes: a line for each run that has ended, and where somebody watches, what goes on now.
import { red } from '../../scripts/setup.mjs';

export class Progress {
  #stream;
  #since = performance.now();
  #seconds = [];
  /** By name of what runs. */
  #now = new Map();

  constructor(stream) {
    this.#stream = stream;
  }

  /** @param left runs that each worker has yet to do, about */
  ran({ method, seed, rate, converged, reason, heldOut, seconds }, left) {
    this.#seconds.push(seconds);
    const mean = this.#seconds.reduce((sum, each) => sum + each, 0) / this.#seconds.length;
    const outcome = converged ? `converges, ${heldOut.toFixed(3)} nats` : red(`diverges, ${reason}`);
    const remaining = left > 0 ? `; about ${minutes(left * mean)} left` : '';
    this.#clear();
    this.#stream.write(
      `${minutes((performance.now() - this.#since) / 1000).padStart(7)}  ${method}, seed ${seed}, rate ${rate}: ${outcome} (${seconds} s)${remaining}\n`,
    );
    this.#draw();
  }

  at(name, { step, steps, loss }) {
    this.#now.set(name, `${name} ${step}/${steps} loss ${loss.toFixed(2)}`);
    this.#draw();
  }

  left(name) {
    this.#now.delete(name);
    this.#draw();
  }

  stop() {
    this.#now.clear();
    this.#clear();
  }

  #clear() {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }

  #draw() {
    if (!this.#stream.isTTY) return;
    const text = [...this.#now.values()].join('  ·  ').slice(0, (this.#stream.columns || 100) - 1);
    this.#stream.write(`\r${text}\x1b[K`);
  }
}

function minutes(seconds) {
  return seconds < 60 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
