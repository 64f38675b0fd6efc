/** Where a command writes to and what it knows of its surroundings; tests give it another one. */
import { createColors } from 'picocolors';

export type Paint = ReturnType<typeof createColors>;

export interface Io {
  readonly cwd: string;
  /** Results. */
  out(text: string): void;
  /** Findings and progress. */
  err(text: string): void;
  readonly paint: Paint;
  /** For `err`. */
  readonly paintErr: Paint;
  /** Somebody watches `err`: lines may be redrawn. */
  readonly interactive: boolean;
  readonly columns: number;
  /** All of standard input. */
  input(): Promise<string>;
}

export function processIo(): Io {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) {
    // `hyb inspect … | head`: the reader has seen enough.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }
  return {
    cwd: process.cwd(),
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    paint: createColors(wantsColours(stdout)),
    paintErr: createColors(wantsColours(stderr)),
    interactive: stderr.isTTY && process.env.TERM !== 'dumb' && !process.env.CI,
    columns: Math.max(60, Math.min(stdout.columns || 100, 160)),
    input: readInput,
  };
}

/** As https://no-color.org and https://force-color.org say. */
function wantsColours(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0';
  return stream.isTTY && TERM !== 'dumb';
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
