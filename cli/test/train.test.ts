import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { StepMetrics } from '@hyb/runtime';
import { hyb, jsonOf, root, withFolder } from './support/hyb.js';
import type { Result } from './support/hyb.js';
import { CHECKPOINT_FILES, TEXT, TINY, writeTraining } from './support/training.js';

const IN_F64 = ['--device', 'reference'];

/** Runs a command in a folder with a model and a text. */
const inFolder = (
  work: (folder: string, run: (...args: string[]) => Promise<Result>) => Promise<void>,
): Promise<void> =>
  withFolder(async (folder) => {
    await writeTraining(folder);
    await work(folder, (...args) => hyb(args, { cwd: folder }));
  });

const stepsOf = ({ out }: Result): StepMetrics[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as StepMetrics);

describe('hyb train', () => {
  test('makes a folder with metrics, checkpoints and a report', () =>
    inFolder(async (folder, run) => {
      const { code, out, err } = await run('train', 'model.hyb', ...IN_F64);
      expect({ code, out }).toEqual({ code: 0, out: `${join(folder, 'runs/Run/report.html')}\n` });
      expect(err).toMatch(/Run: Tiny, [\d,]+ parameters, 8 steps of 32 tokens; runs\/Run\n/);
      expect(err).toMatch(/step 8: held-out loss [\d.]+, perplexity [\d.]+, [\d.]+ bits per byte\n/);
      const lines = (await readFile(join(folder, 'runs/Run/metrics.jsonl'), 'utf8')).trimEnd().split('\n');
      const metrics = lines.map((line) => JSON.parse(line) as StepMetrics);
      expect(metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      // Untrained: every byte about as likely as any other.
      expect(metrics[0]!.loss).toBeCloseTo(Math.log(260), 1);
      expect(metrics[7]!.evaluation!.loss).toBeLessThan(metrics[3]!.evaluation!.loss);
      // The model's source is beside its weights, and the tokenizer as a file: `hyb` needs nothing else.
      const checkpoint = join(folder, 'runs/Run/checkpoints/step-000008');
      expect((await readdir(checkpoint)).sort()).toEqual(CHECKPOINT_FILES);
      const report = await readFile(join(folder, 'runs/Run/report.html'), 'utf8');
      expect(report).toContain('<h2>What it writes</h2>');
      expect(report).not.toMatch(/<(script|link|img)[^>]*(src|href)=/);

      const measured = await run('eval', checkpoint, '-d', 'text.txt', '--sequence', '16', '--json', ...IN_F64);
      expect(jsonOf(measured)).toMatchObject({
        ok: true,
        model: 'Tiny',
        labels: TEXT.length,
        tokens: TEXT.length + 1,
        bytes: TEXT.length,
      });
      const { loss, perplexity, bitsPerByte } = jsonOf<{ loss: number; perplexity: number; bitsPerByte: number }>(
        measured,
      );
      expect(perplexity).toBeCloseTo(Math.exp(loss), 8);
      expect(bitsPerByte).toBeCloseTo(((loss / Math.log(2)) * (TEXT.length + 1)) / TEXT.length, 8);
    }));

  test('goes on where it was, and not into the folder of another run', () =>
    inFolder(async (folder, run) => {
      await run('train', 'model.hyb', ...IN_F64, '--out', 'a', '--steps', '4', '--sample', '0');
      const again = await run('train', 'model.hyb', ...IN_F64, '--out', 'a');
      expect(again).toMatchObject({ code: 2, out: '' });
      expect(again.err).toContain('holds a checkpoint of step 4 already. Resume that run, or choose another folder.');
      const other = await run('train', 'model.hyb', ...IN_F64, '--out', 'a', '--resume', '--set', 'seed=2');
      expect(other).toMatchObject({ code: 2 });
      expect(other.err).toContain('seed: then 0, now 2');
      await writeFile(
        join(folder, 'changed.hyb'),
        TINY.replace(', relu2}', '}')
          .replace('= relu2', '= silu')
          .replace('8\n  rate', '8\n  precision { weights in linears = bf16 }\n  rate'),
      );
      const changed = await run('train', 'changed.hyb', ...IN_F64, '--out', 'a', '--resume');
      expect(changed).toMatchObject({ code: 2 });
      expect(changed.err).toMatch(
        /\n {2}model: then Tiny, (?<then>[0-9a-f]{16}), now Tiny, (?!\k<then>)[0-9a-f]{16}\n {2}precision: then f32, now weights in linears = bf16\n/,
      );
      // The rate is constant, so that the end of the one is the middle of the other.
      const more = await run('train', 'model.hyb', ...IN_F64, '--out', 'a', '--resume', '--json');
      expect(stepsOf(more).map(({ step }) => step)).toEqual([5, 6, 7, 8]);
      await run('train', 'model.hyb', ...IN_F64, '--out', 'b', '--json');
      const weights = (name: string) => readFile(join(folder, name, 'checkpoints/step-000008/model.safetensors'));
      expect((await weights('a')).equals(await weights('b'))).toBe(true);
    }));

  test('begins with the weights of a checkpoint, and refuses those of another model by name', () =>
    inFolder(async (folder, run) => {
      await run('train', 'model.hyb', ...IN_F64, '-o', 'a', '-n', '4', '--sample', '0');
      const first = ['train', 'model.hyb', ...IN_F64, '-w', 'a/checkpoints/step-000004', '-n', '1', '--sample', '0'];
      // A step that is too small to change an f32.
      const still = ['-s', 'rate=1e-30', '-s', 'optimizer=SGD'];
      const { code, err } = await run(...first, ...still, '-o', 'b');
      expect(code).toBe(0);
      expect(err).toContain('tokens, from the weights of a/checkpoints/step-000004; b\n');
      const weights = (name: string) => readFile(join(folder, name, 'model.safetensors'));
      expect(await weights('b/checkpoints/step-000001')).toEqual(await weights('a/checkpoints/step-000004'));

      const other = await run(...first, '-s', 'model.width=12', '-o', 'c');
      expect(other).toMatchObject({ code: 2, out: '' });
      expect(other.err).toMatch(/Different \(\d+\):\n {2}embedding\.weight: expected \[260, 12\], found \[260, 8\]\n/);
      const shorter = [...first, ...still, '-s', 'model.layers=[M F]', '-o', 'c'];
      const unexpected = await run(...shorter);
      expect(unexpected).toMatchObject({ code: 2, out: '' });
      expect(unexpected.err).toMatch(/Unexpected \(\d+\):\n {2}layers\.2\./);
      expect(existsSync(join(folder, 'c'))).toBe(false);
      expect(await run(...shorter, '--unexpected', 'ignore')).toMatchObject({ code: 0 });
      // What a run has of its own comes first.
      const more = await run(...first, '-n', '2', '-o', 'b', ...still, '--resume');
      expect(more.err).toContain('tokens, from step 1; b\n');
      expect(await run(...first.slice(0, 4), '-w', 'nothing')).toMatchObject({
        code: 2,
        err: expect.stringContaining('There is no checkpoint nothing.') as string,
      });
    }));

  test('Ctrl-C while texts are read', () =>
    inFolder(async (folder) => {
      // Four gigabytes that take no room.
      await truncate(join(folder, 'text.txt'), 2 ** 32);
      const child = spawn(process.execPath, [join(root, 'cli/bin/hyb.js'), 'train', 'model.hyb', ...IN_F64], {
        cwd: folder,
      });
      let said = '';
      child.stderr.on('data', (data: Buffer) => {
        said += data.toString();
        if (!child.killed && said.includes('Reading')) child.kill('SIGINT');
      });
      const code = await new Promise((resolve) => child.on('close', resolve));
      expect(code).toBe(130);
      expect(said).toMatch(/Reading text\.txt …\nInterrupted before the first step\.\n$/);
    }));

  test('tells of an evaluation that is not finite', () =>
    inFolder(async (folder, run) => {
      // The loss is finite, and e to it is not.
      const large = ['-s', 'optimizer=SGD', '-s', 'rate=30', '-s', 'clip=none', '-n', '4', '--sample', '0'];
      const { code, err } = await run('train', 'model.hyb', ...IN_F64, ...large);
      expect(code).toBe(0);
      expect(err).toMatch(/held-out loss \d{3,}\.\d+, perplexity Infinity, /);
      expect(await readFile(join(folder, 'runs/Run/report.html'), 'utf8')).toContain('<td>not finite</td>');
    }));

  test('takes recipes by name, other fields and other data', () =>
    inFolder(async (folder, run) => {
      await writeFile(
        join(folder, 'more.jsonl.gz'),
        gzipSync(`${JSON.stringify({ text: 'call me Ishmael '.repeat(30) })}\n`),
      );
      const args = ['train', 'model.hyb', '--json', ...IN_F64];
      const small = stepsOf(await run(...args, '-r', 'Small', '--out', '1'));
      expect(small.map(({ tokens }) => tokens)).toEqual([16, 32, 48, 64]);
      const changed = await run(
        ...args,
        '--out',
        '2',
        '-n',
        '3',
        '-s',
        'optimizer = SGD(momentum = 0.9)',
        '-s',
        'model.width=12',
        '-s',
        'model.A.norm.qk=RMSNorm',
        '-d',
        'more.jsonl.gz',
        '--held-out',
        'text.txt',
      );
      expect(changed).toMatchObject({ code: 0 });
      expect(stepsOf(changed).length).toBe(3);
      const names = await readFile(join(folder, '2/checkpoints/step-000003/optimizer.safetensors'), 'latin1');
      expect(names).toContain('"momentum.layers.2.qk.');
      expect(names).not.toContain('exp_avg');
      const named = await run(
        ...args,
        '--out',
        '3',
        '-d',
        'a=text.txt',
        '-d',
        'b=more.jsonl.gz',
        '-s',
        'mix={a=1,b=3}',
        '-n',
        '2',
      );
      expect(named).toMatchObject({ code: 0 });
      const state = JSON.parse(await readFile(join(folder, '3/checkpoints/step-000002/training.json'), 'utf8')) as {
        position: { taken: object };
      };
      expect(state.position.taken).toEqual({ a: 1, b: 3 });
    }));

  test('a run that its recipe stops has a report and a code of its own', () =>
    inFolder(async (folder, run) => {
      const { code, err } = await run(
        'train',
        'model.hyb',
        ...IN_F64,
        '-s',
        'rate=1e30',
        '-s',
        'clip=none',
        '-s',
        'optimizer=SGD',
        '-n',
        '30',
      );
      expect(code).toBe(1);
      expect(err).toMatch(/Step \d+: the loss is NaN .*A lower rate/);
      expect(await readFile(join(folder, 'runs/Run/report.html'), 'utf8')).toContain('What went wrong');
    }));

  test.each([
    [['--recipe', 'Rum'], 2, 'It has Run, Small.'],
    [['--set', 'rate'], 2, '--set rate is no change of a field.'],
    [['--set', 'rat=1'], 1, 'Did you mean `rate`?'],
    [['--set', 'rate=-1'], 1, "'rate' must be"],
    [['--set', 'data="../x"'], 2, 'leads out of the project'],
    [['--set', 'checkpoints.folder="../x"'], 2, "leads out of the run's folder"],
    [['--set', 'model.vocab=200'], 2, 'The tokenizer has 257 ids, and the model a vocabulary of 200'],
    [['--data', 'nothing.txt'], 2, 'There is no text in nothing.txt'],
    [['--tokenizer', 'nothing'], 2, 'There is no tokenizer nothing.'],
    [['--set', 'optimizer=Muon(scale=big)'], 1, "'big' is not known for 'Muon.scale'"],
  ])('%j cannot run', (args, code, message) =>
    inFolder(async (folder, run) => {
      const result = await run('train', 'model.hyb', ...IN_F64, ...args);
      expect(result).toMatchObject({ code, out: '' });
      expect(result.err).toContain(message);
      expect(result.err).not.toContain('    at ');
      expect(existsSync(join(folder, 'runs/Run/checkpoints'))).toBe(false);
    }),
  );

  test('on a device, to the numbers of f64', () =>
    inFolder(async (folder, run) => {
      await writeFile(join(folder, 'model.hyb'), TINY.replace('[M F A]', '[F A]'));
      const device = await run('train', 'model.hyb', '--json', '--out', 'device', '--steps', '5');
      expect(device).toMatchObject({ code: 0 });
      const reference = await run('train', 'model.hyb', '--json', '--out', 'f64', '--steps', '5', ...IN_F64);
      stepsOf(device).forEach(({ loss, gradientNorm }, i) => {
        const expected = stepsOf(reference)[i]!;
        // Sums of a few hundred terms in f32, and Adam's first steps, which only look at signs.
        expect(Math.abs(loss - expected.loss)).toBeLessThan(1e-4);
        expect(Math.abs(gradientNorm / expected.gradientNorm - 1)).toBeLessThan(1e-3);
      });
      const text = await run('generate', 'device/checkpoints/step-000005', '-p', 'It was', '-n', '4', '--json');
      expect(text).toMatchObject({ code: 0 });
      const on = (where: string) =>
        run(
          'eval',
          'device/checkpoints/step-000005',
          '-d',
          'text.txt',
          '--sequence',
          '64',
          '--json',
          '--device',
          where,
        );
      const [measured, exact] = [
        jsonOf<{ loss: number }>(await on('node')),
        jsonOf<{ loss: number }>(await on('reference')),
      ];
      expect(Math.abs(measured.loss - exact.loss)).toBeLessThan(1e-5);
    }));
});

describe('hyb sweep', () => {
  test('trains a grid into one report', () =>
    inFolder(async (folder, run) => {
      const { code, out } = await run(
        'sweep',
        'model.hyb',
        ...IN_F64,
        '-r',
        'Small',
        '--over',
        'rate=1e-2,1e30',
        '--over',
        'optimizer=SGD(momentum=0.1),AdamW(betas=(0.9, 0.95))',
        '-s',
        'clip=none',
        '--json',
      );
      expect(code).toBe(0);
      const { runs } = JSON.parse(out) as {
        runs: { run: string; outcome: string; heldOutLoss: number | null; folder: string }[];
      };
      expect(runs.map((each) => each.run)).toEqual(
        ['1e-2', '1e30'].flatMap((rate) =>
          ['SGD(momentum=0.1)', 'AdamW(betas=(0.9, 0.95))'].map((o) => `rate=${rate} optimizer=${o}`),
        ),
      );
      expect(runs.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'stopped', 'stopped']);
      expect(runs[0]!.heldOutLoss).not.toBe(runs[1]!.heldOutLoss);
      const report = await readFile(join(folder, 'runs/sweep-Small/report.html'), 'utf8');
      for (const each of runs) expect(report).toContain(`<td>${each.run}</td>`);
      expect(runs[1]!.folder).toBe('runs/sweep-Small/002-rate=1e-2_optimizer=AdamW_betas=_0.9_0.95_');
    }));

  test('lists, and what is no sweep', () =>
    inFolder(async (_, run) => {
      const { out } = await run(
        'sweep',
        'model.hyb',
        ...IN_F64,
        '--run',
        'batch=1; steps=2',
        '--run',
        'seed=3; steps=2',
        '--json',
      );
      expect((JSON.parse(out) as { runs: { run: string; step: number }[] }).runs).toMatchObject([
        { run: 'batch=1 steps=2', step: 2 },
        { run: 'seed=3 steps=2', step: 2 },
      ]);
      expect(await run('sweep', 'model.hyb')).toMatchObject({
        code: 2,
        err: expect.stringContaining('What is to be varied') as string,
      });
      // The slip is in the second run; the first has not begun.
      const slip = await run('sweep', 'model.hyb', ...IN_F64, '--over', 'rate=1,x', '-o', 'slip');
      expect(slip.code).toBe(1);
      expect(slip.err).not.toContain('1 of 2');
    }));
});

describe('hyb tokenizer train', () => {
  test('makes files that training takes', () =>
    inFolder(async (folder, run) => {
      const made = await run('tokenizer', 'train', 'text.txt', '--vocab', '300', '-o', 'tok', '--json');
      expect(jsonOf(made)).toMatchObject({ ok: true, folder: 'tok', bytes: TEXT.length });
      const again = await run('tokenizer', 'train', 'text.txt', '-o', 'tok');
      expect(again).toMatchObject({
        code: 2,
        err: expect.stringContaining('tok holds a tokenizer.json already') as string,
      });
      const trained = await run(
        'train',
        'model.hyb',
        ...IN_F64,
        '--tokenizer',
        'tok',
        '-s',
        'model.vocab=300',
        '-n',
        '2',
        '--json',
      );
      expect(trained).toMatchObject({ code: 0 });
      const tokenizer = await readFile(join(folder, 'tok/tokenizer.json'), 'utf8');
      expect(await readFile(join(folder, 'runs/Run/checkpoints/step-000002/tokenizer.json'), 'utf8')).toBe(tokenizer);
    }));

  test('says what is missing', async () => {
    expect(await hyb(['tokenizer', 'train'])).toMatchObject({
      code: 2,
      err: expect.stringContaining("missing required argument 'paths'") as string,
    });
    expect(await hyb(['tokenizer', 'train', 'nothing'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('There is no text in nothing') as string,
    });
    expect(await hyb(['tokenizer', 'train', 'README.md', '--vocab', '9', '-o', '/nowhere'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('from 257 to') as string,
    });
  });
});
