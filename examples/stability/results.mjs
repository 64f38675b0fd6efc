// What runs came to: one JSON line each, kept from one call of the study to the next.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Of all that a result depends on; results of another design are not mixed with these. */
export function designKey(...parts) {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

export class Results {
  #path;
  #runs = [];

  /** @throws Error if the file holds results of another design */
  constructor(path, design) {
    this.#path = path;
    if (!existsSync(path)) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${JSON.stringify({ design })}\n`);
      return;
    }
    const lines = readFileSync(path, 'utf8').split('\n');
    // What a killed process left of its last line is cut off, so that the next line does not stand behind it.
    const rest = lines.pop();
    if (rest !== '') writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
    const [head, ...runs] = lines.map((line) => JSON.parse(line));
    if (head?.design !== design)
      throw new Error(`${path} holds results of another design of the study: choose another --out, or remove it.`);
    this.#runs = runs;
  }

  get runs() {
    return this.#runs;
  }

  add(run) {
    this.#runs.push(run);
    appendFileSync(this.#path, `${JSON.stringify(run)}\n`);
  }

  /** Converged or not, by rung, of one method and seed. */
  outcomes(method, seed) {
    const own = this.#runs.filter((run) => run.method === method && run.seed === seed);
    return new Map(own.map((run) => [run.rung, run.converged]));
  }
}
