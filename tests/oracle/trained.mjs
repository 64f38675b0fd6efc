// Trains a small Nemotron-H for a few steps, and has Hugging Face transformers load the checkpoint, and what `hyb export` makes
// of it, to the same loss on held-out text. Opt-in, as it needs Python: see transformers.mjs.
//   node tests/oracle/trained.mjs PYTHON
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [python = 'python3'] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'hyb-oracle-'));

function run(command, args) {
  const { status, error, stdout } = spawnSync(command, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}`);
  return stdout;
}

const hyb = (...args) => run(process.execPath, [join(root, 'cli/bin/hyb.js'), ...args]);
const onHost = ['--device', 'reference'];

try {
  hyb('import', join(root, 'tests/golden/nh_a_gqa_g2'), '-o', 'model.hyb', '--name', 'Small');
  appendFileSync(
    join(folder, 'model.hyb'),
    '\ntrain Run of Small { data = "text.txt", sequence = 32, batch = 2, steps = 4, rate = 2e-3, optimizer = Muon }\n',
  );
  writeFileSync(join(folder, 'text.txt'), 'The whale was white, and the sea was wide.\n'.repeat(200));
  // Ten windows of 32 tokens, which share one each; the last token is the end of the text.
  writeFileSync(join(folder, 'held-out.txt'), 'The sea was white, and no whale was there. '.repeat(8).slice(0, 310));
  hyb('train', 'model.hyb', '--set', 'model.vocab=257', '--sample', '0', '--out', 'run', ...onHost);
  const checkpoint = 'run/checkpoints/step-000004';
  hyb('export', checkpoint, 'exported');
  const { loss } = JSON.parse(hyb('eval', checkpoint, '-d', 'held-out.txt', '--sequence', '32', '--json', ...onHost));
  const script = join(root, 'tests/oracle/trained_loss.py');
  process.stdout.write(run(python, [script, 'held-out.txt', String(loss), checkpoint, 'exported']));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
