/**
 * A run is killed (SIGKILL) at random moments and resumed, over and over: what it ends with is what an uninterrupted run ends
 * with, bit for bit. Needs `npm run build`. `HYB_KILLS=20 npm run jest -- tests/training-kill` kills as often as that.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './support/bundle.js';
import { writeTraining } from '../cli/test/support/training.js';

const KILLS = Number(process.env.HYB_KILLS ?? 5);
const STEPS = 20 * KILLS;

/** Starts `hyb train`; resolves with the exit code, null if it was killed. */
function train(folder: string, out: string, resume: boolean): { kill(): void; readonly done: Promise<number | null> } {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const args = ['train', 'model.hyb', '--device', 'reference', '--json', '--out', out, '--sample', '0'];
  args.push('-n', String(STEPS), '-s', 'checkpoints = { every = 1 steps, keep = 2 }', ...(resume ? ['--resume'] : []));
  const child = spawn(process.execPath, [join(root, 'cli/bin/hyb.js'), ...args], { cwd: folder, env, stdio: 'ignore' });
  return { kill: () => child.kill('SIGKILL'), done: new Promise((resolve) => child.on('close', resolve)) };
}

const checkpointsOf = async (run: string): Promise<string[]> =>
  (await readdir(join(run, 'checkpoints')).catch(() => [])).filter((name) => !name.endsWith('.partial'));

test('what was killed and resumed ends in the same bits', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hyb-kill-'));
  try {
    await writeTraining(folder);
    expect(await train(folder, 'whole', false).done).toBe(0);
    const moments: number[] = [];
    while (moments.length < KILLS) {
      const run = train(folder, 'killed', moments.length > 0);
      const before = new Set(await checkpointsOf(join(folder, 'killed')));
      let ended = false;
      void run.done.then(() => (ended = true));
      // Once it has written something new, at any moment.
      while (!ended && (await checkpointsOf(join(folder, 'killed'))).every((name) => before.has(name))) await sleep(5);
      moments.push(Math.round(Math.random() * 60));
      await sleep(moments.at(-1));
      run.kill();
      const code = await run.done;
      if (code !== null)
        throw new Error(`the run ended with ${code}, killed ${moments.join(', ')} ms after a checkpoint`);
    }
    expect(await train(folder, 'killed', true).done).toBe(0);
    const last = `checkpoints/step-${String(STEPS).padStart(6, '0')}`;
    for (const file of ['model.safetensors', 'optimizer.safetensors']) {
      const [whole, killed] = await Promise.all(
        ['whole', 'killed'].map((run) => readFile(join(folder, run, last, file))),
      );
      expect(killed!.equals(whole!)).toBe(true);
    }
    // One line a step, and the same numbers in it, but for time.
    const [whole, killed] = await Promise.all(
      ['whole', 'killed'].map(async (run) =>
        (await readFile(join(folder, run, 'metrics.jsonl'), 'utf8'))
          .trimEnd()
          .split('\n')
          .map((line) => {
            const { step, loss, gradientNorm, tokens } = JSON.parse(line) as Record<string, number>;
            return { step, loss, gradientNorm, tokens };
          }),
      ),
    );
    expect(killed).toEqual(whole);
    expect(await checkpointsOf(join(folder, 'killed'))).toEqual(await checkpointsOf(join(folder, 'whole')));
    expect(await readdir(join(folder, 'killed/checkpoints'))).toEqual(await readdir(join(folder, 'whole/checkpoints')));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 600_000);
