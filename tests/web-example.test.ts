/** examples/web: its page type-checks against the package that it is bundled with, and generates in headless Chromium. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchChromium } from '@hyb/cli/environments/chromium';
import { openFile, readSafetensors, readTensor } from '@hyb/runtime';
import { root } from './support/bundle.js';
import { pageTypeErrors } from './support/page-types.js';

interface Server {
  readonly base: string;
  close(): Promise<void>;
}
interface Example {
  buildPage(options: { source: string; out: string }): Promise<void>;
  servePage(options: { out: string; checkpoint: string }): Promise<Server>;
}

const CHECKPOINT = join(root, 'tests/golden/nh_a_gqa_g2');
let out: string;
let server: Server;
let example: Example;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'hyb-web-'));
  // Not a literal: it is no TypeScript.
  const file = join(root, 'examples/web/serve.mjs');
  example = (await import(file)) as Example;
  await example.buildPage({ source: join(root, 'demo/tiny-hybrid.hyb'), out });
  server = await example.servePage({ out, checkpoint: CHECKPOINT });
}, 120_000);

afterAll(async () => {
  await server.close();
  await rm(out, { recursive: true, force: true });
});

test('the page type-checks, strictly', () => {
  expect(pageTypeErrors(join(root, 'examples/web/main.ts'), 'tiny-hybrid', out)).toEqual([]);
}, 60_000);

test('it generates what the original does, stops, and says what is wrong', async () => {
  const recording = await openFile(join(CHECKPOINT, 'golden.safetensors'), undefined);
  const { tensors } = await readSafetensors(recording);
  const recorded = async (name: string): Promise<string> => Array.from(await readTensor(tensors.get(name)!)).join(' ');
  const [prompt, expected] = [await recorded('prompt.tokens'), await recorded('decode.tokens')];
  await recording.close?.();

  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(`${server.base}/`);
    const status = page.getByRole('status');
    await status.filter({ hasText: 'TinyHybrid is ready' }).waitFor({ timeout: 120_000 });
    await page.getByLabel('Prompt').fill(prompt);
    await page.getByLabel('Tokens').fill('16');
    await page.getByRole('button', { name: 'Generate' }).click();
    await status.filter({ hasText: '16 tokens' }).waitFor({ timeout: 60_000 });
    expect((await page.locator('output').textContent())!.trim()).toBe(expected);

    await page.getByLabel('Tokens').fill('1000');
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    await status.filter({ hasText: /^\d+ tokens/ }).waitFor({ timeout: 60_000 });
    expect((await page.locator('output').textContent())!.trim().split(' ').length).toBeLessThan(1000);

    await page.getByLabel('Prompt').fill('9999');
    await page.getByRole('button', { name: 'Generate' }).click();
    await status.filter({ hasText: '9999' }).waitFor({ timeout: 60_000 });
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
  }
}, 300_000);
