// Exports the recorded checkpoints with `hyb export` and has Hugging Face transformers load them and compute the recorded
// logits. Opt-in, as it needs Python: a virtual environment outside of the repository with
//   pip install torch transformers safetensors
// then, after `npm run build`:
//   node tests/oracle/transformers.mjs PYTHON
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [python = 'python3'] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'hyb-oracle-'));

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  return status ?? 1;
}

try {
  const pairs = ['nh_a_gqa_g2', 'nh_c_realinit_g1', 'llama_gqa'].flatMap((name) => {
    const [golden, exported] = [join('tests/golden', name), join(folder, name)];
    if (run(process.execPath, ['cli/bin/hyb.js', 'export', golden, exported]) !== 0)
      throw new Error('hyb export failed');
    return [exported, join(golden, 'golden.safetensors')];
  });
  process.exitCode = run(python, ['tests/oracle/transformers_logits.py', ...pairs]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
