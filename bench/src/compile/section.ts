/** How long models take to compile: the whole command, and each stage. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { threeDigits } from '@hyb/compiler/inspect/units';
import { spreadText, table } from '../report/markdown.js';
import type { Section, SectionContext } from '../report/section.js';
import { median, spread } from '../rounds/statistics.js';
import type { Spread } from '../rounds/statistics.js';
import type { StageTimes } from './stages.js';

export interface CompileTime {
  /** File in `models/`, without `.hyb`. */
  readonly model: string;
  /** Milliseconds from the start of `hyb build` to its end, and the CPU time of its process. */
  readonly command: Spread;
  readonly cpu: Spread;
  /** Medians, in a process that has compiled nothing before. */
  readonly stages: StageTimes;
}

const run = promisify(execFile);
const STAGES = ['parse', 'resolve', 'trace', 'plan', 'wgsl', 'emit'] as const satisfies readonly (keyof StageTimes)[];

interface Samples {
  readonly model: string;
  readonly command: number[];
  readonly cpu: number[];
  readonly stages: StageTimes[];
}

async function compileTimes({ root, rounds, onProgress }: SectionContext): Promise<readonly CompileTime[]> {
  const samples = readdirSync(join(root, 'models'))
    .filter((file) => file.endsWith('.hyb') && /^model /m.test(readFileSync(join(root, 'models', file), 'utf8')))
    .map((file): Samples => ({ model: file.slice(0, -'.hyb'.length), command: [], cpu: [], stages: [] }));
  const folder = mkdtempSync(join(tmpdir(), 'hyb-bench-'));
  try {
    // The round before the first one warms the disk.
    for (let round = -1; round < rounds; round++) {
      for (const [i, { model, command, cpu, stages }] of samples.entries()) {
        const share = (round + 1 + i / samples.length) / (rounds + 1);
        onProgress(`compiling ${model}, ${round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`}`, share);
        const times = await build(root, model, join(folder, model));
        const ofStages = await stagesOf(root, model);
        if (round < 0) continue;
        command.push(times.milliseconds);
        cpu.push(times.cpu);
        stages.push(ofStages);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return samples.map(({ model, command, cpu, stages }) => ({
    model,
    command: spread(command),
    cpu: spread(cpu),
    stages: Object.fromEntries(STAGES.map((s) => [s, median(stages.map((t) => t[s]))])) as unknown as StageTimes,
  }));
}

/** Loaded before the command: says how much CPU time its process took. */
const TELL = `data:text/javascript,${encodeURIComponent(
  "process.on('exit', () => { const { user, system } = process.cpuUsage(); process.stderr.write('cpu=' + (user + system)); });",
)}`;

/** The command as a user runs it, into a folder that is not there yet. */
async function build(root: string, model: string, output: string): Promise<{ milliseconds: number; cpu: number }> {
  rmSync(output, { recursive: true, force: true });
  const command = ['--import', TELL, join(root, 'cli/bin/hyb.js'), 'build', `models/${model}.hyb`, '-o', output];
  const start = performance.now();
  const { stderr } = await run(process.execPath, command, { cwd: root });
  const milliseconds = performance.now() - start;
  return { milliseconds, cpu: Number(/cpu=(\d+)$/.exec(stderr)![1]) / 1e3 };
}

async function stagesOf(root: string, model: string): Promise<StageTimes> {
  const script = fileURLToPath(new URL('stages.js', import.meta.url));
  const { stdout } = await run(process.execPath, [script, root, `models/${model}.hyb`]);
  return JSON.parse(stdout) as StageTimes;
}

export const COMPILE: Section<readonly CompileTime[]> = {
  name: 'compile',
  title: 'Compiling',
  about: `\`hyb build models/NAME.hyb\`, the whole process, with a warm disk and into an empty folder; and the stages, each as the
first thing of its kind that a process does. Milliseconds.`,
  parts: [],
  onAdapter: false,
  peers: false,
  seconds: 120,
  run: compileTimes,
  report: (times) =>
    table(
      ['model', 'command', 'its CPU time', ...STAGES],
      times.map(({ model, command, cpu, stages }) => [
        model,
        spreadText(command),
        spreadText(cpu),
        ...STAGES.map((stage) => threeDigits(stages[stage])),
      ]),
    ),
};
