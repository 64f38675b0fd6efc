// Runs commands of the built bundle one after another in one process: each line of standard input is a call as JSON,
// each line of standard output its result.
import { createInterface } from 'node:readline';

const { main } = await import('../../dist/bundle/hyb.js');
const plain = new Proxy({}, { get: () => String });

for await (const line of createInterface({ input: process.stdin })) {
  const { args, cwd } = JSON.parse(line);
  let out = '';
  let err = '';
  const io = {
    cwd,
    out: (text) => (out += text),
    err: (text) => (err += text),
    paint: plain,
    paintErr: plain,
    interactive: false,
    columns: 100,
    input: () => Promise.resolve(''),
  };
  const start = performance.now();
  const code = await main(args, io);
  process.stdout.write(`${JSON.stringify({ code, out, err, milliseconds: performance.now() - start })}\n`);
}
