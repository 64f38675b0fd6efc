import { spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gpu } from '@hyb/adapter';
import { continuePrompt } from '@hyb/cli/generate/continue';
import type { ContinueOptions } from '@hyb/cli/generate/continue';
import { promptOf } from '@hyb/cli/generate/prompt';
import type { PromptOptions } from '@hyb/cli/generate/prompt';
import type { Io } from '@hyb/cli/terminal/io';
import { compile, importConfig, memoryHost, parseConfig, printWgsl } from '@hyb/compiler';
import { createModel, openDevice, openFile, readSafetensors, readTensor, Tokenizer } from '@hyb/runtime';
import type { Device, Model } from '@hyb/runtime';
import { hyb, jsonOf, root, withFolder } from './support/hyb.js';
import { byteTokenizer } from './support/tokenizer.js';

const GOLDEN = join(root, 'tests/golden/nh_a_gqa_g2');

interface Generated {
  readonly tokens: readonly number[];
  readonly text?: string;
  readonly finish: string;
}

async function recorded(name: string): Promise<number[]> {
  const source = await openFile(join(GOLDEN, 'golden.safetensors'), undefined);
  const { tensors } = await readSafetensors(source);
  const values = Array.from(await readTensor(tensors.get(name)!));
  await source.close?.();
  return values;
}

test('the tokens of the original', async () => {
  const prompt = (await recorded('prompt.tokens')).join();
  const expected = await recorded('decode.tokens');
  const args = ['generate', GOLDEN, '--ids', prompt, '-n', String(expected.length), '--ignore-end', '--json'];
  const generated = jsonOf<Generated>(await hyb(args));
  expect(generated).toMatchObject({ tokens: expected, finish: 'length' });
  expect(generated.text).toBeUndefined();
});

describe('with a tokenizer', () => {
  let device: Device;
  let model: Model;
  beforeAll(async () => {
    const { config } = parseConfig(await readFile(join(GOLDEN, 'config.json'), 'utf8'));
    const { compiled } = compile(memoryHost({ 'm.hyb': importConfig(config!).source }), 'm.hyb');
    const { program, kernels } = compiled!.plan;
    const sources = Object.fromEntries([...kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
    const chat_template = '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}';
    const tokenizer = new Tokenizer({ tokenizer: JSON.parse(byteTokenizer()) as unknown, config: { chat_template } });
    device = await openDevice({ gpu: await gpu() });
    model = await createModel(program, sources, { device, weights: GOLDEN, tokenizer });
  });
  afterAll(() => {
    model.dispose();
    device.dispose();
  });

  const DEFAULTS = { maxTokens: 12, temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
  async function run(
    prompt: PromptOptions,
    options: Partial<ContinueOptions>,
    { state, cwd = '.' }: { readonly state?: Uint8Array; readonly cwd?: string } = {},
  ): Promise<string> {
    let out = '';
    const io = { cwd, paintErr: { dim: String }, out: (text: string) => (out += text), err: () => undefined };
    const { signal } = new AbortController();
    const request = { state, options: { ...DEFAULTS, ...options }, signal };
    const continued = await promptOf(io as unknown as Io, prompt, model.tokenizer);
    expect(await continuePrompt(io as unknown as Io, model, continued, request)).toBe(0);
    return out;
  }
  const asJson = async (...args: Parameters<typeof run>): Promise<Generated> =>
    JSON.parse(await run(args[0], { ...args[1], json: true }, args[2])) as Generated;
  const sampled = { maxTokens: 40, temperature: 1, seed: 5 };

  test('text, and where it stops', async () => {
    const { tokens, text } = await asJson({ prompt: 'The sea' }, sampled);
    expect(tokens).toHaveLength(40);
    expect(await run({ prompt: 'The sea' }, sampled)).toBe(`${text}\n`);
    expect(await asJson({ ids: [...Buffer.from('The sea')] }, sampled)).toMatchObject({ tokens, text });
    expect((await asJson({ prompt: 'The sea' }, { ...sampled, seed: 6 })).tokens).not.toEqual(tokens);
    // A byte is a token, so that every printable character is one.
    const [stop] = /[!-~]/.exec(text!.slice(5))!;
    const before = text!.slice(0, text!.indexOf(stop));
    expect(await run({ prompt: 'The sea' }, { ...sampled, stop: [stop] })).toBe(`${before}\n`);
  });

  test('a conversation goes through the template', async () => {
    const ids = [...Buffer.from('system: Be brief.\nuser: Hello\n')];
    const chat = { prompt: 'Hello', chat: true, system: 'Be brief.' };
    expect((await asJson(chat, {})).tokens).toEqual((await asJson({ ids }, {})).tokens);
  });

  test('what is remembered between two calls', () =>
    withFolder(async (cwd) => {
      const { tokens } = await asJson({ ids: [9, 8, 7] }, {});
      await run({ ids: [9, 8, 7] }, { maxTokens: 5, saveState: 'state.bin' }, { cwd });
      expect(await readdir(cwd)).toEqual(['state.bin']);
      const state = await readFile(join(cwd, 'state.bin'));
      const rest = await asJson({ ids: [tokens[5]!] }, { maxTokens: 6 }, { state });
      expect(rest.tokens).toEqual(tokens.slice(6));
    }));

  test('wrong prompts and states', async () => {
    await expect(run({ prompt: '' }, {})).rejects.toThrow('empty');
    await expect(run({ ids: [256] }, {})).rejects.toThrow('256');
    await expect(run({ ids: [1] }, {}, { state: Buffer.from('nothing') })).rejects.toThrow('not a state of this model');
  });
});

test.each([
  [['-p', 'x', '--from-state', 'nowhere'], 'There is no state nowhere.'],
  [['-p', 'x', '--ids', '1'], 'one is wanted'],
  [[], 'What should be continued?'],
  [['--chat', '--ids', '1'], '--chat wants a --prompt.'],
  [['-p', 'x', '--system', 'y'], '--system goes with --chat.'],
  [['-p', 'The sea'], 'needs a tokenizer'],
  [['--ids', '1', '--stop', 'x'], '--stop wants a tokenizer'],
  [['--ids', '1', '--tokenizer', 'models'], 'There is no tokenizer.json'],
  [['--ids', '1', '--weights', 'nowhere'], 'There is no checkpoint nowhere.'],
])('%j is refused before anything is loaded', async (args, message) => {
  const { code, out, err } = await hyb(['generate', GOLDEN, ...args]);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(message);
  expect(err).not.toContain('    at ');
});

test('a source without weights', async () => {
  const { code, out, err } = await hyb(['generate', 'models/llama-3.1-8b.hyb', '--ids', '1']);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain('Which weights?');
});

test('Ctrl-C ends at the token that was shown last, and the state knows no further one', () =>
  withFolder(async (cwd) => {
    const args = ['generate', GOLDEN, '--ids', '1,2,3', '-n', '5000', '--ignore-end', '--save-state', 'state.bin'];
    const child = spawn(process.execPath, [join(root, 'cli/bin/hyb.js'), ...args], { cwd });
    let shown = '';
    child.stdout.on('data', (data: Buffer) => {
      shown += data.toString();
      if (!child.killed && shown.split(' ').length > 20) child.kill('SIGINT');
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(130);
    const tokens = shown.trim().split(' ').map(Number);
    expect(tokens.length).toBeLessThan(5000);
    const bytes = await readFile(join(cwd, 'state.bin'));
    const header = JSON.parse(bytes.toString('utf8', 20, 20 + bytes.readUInt32LE(12))) as { lengths: number[] };
    expect(header.lengths).toEqual([3 + tokens.length]);
  }));
