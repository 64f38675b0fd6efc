/** examples/browser-training: its page type-checks, and a model learns in it in headless Chromium. Needs `npm run build`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchChromium } from '@hyb/cli/environments/chromium';
import type { Server } from '@hyb/cli/environments/server';
import type { Page } from 'playwright-core';
import { root } from './support/bundle.js';
import { pageTypeErrors } from './support/page-types.js';

interface Example {
  buildTrainingPage(options: { out: string }): Promise<void>;
  servePage(options: { out: string }): Promise<Server>;
}

let out: string;
let server: Server;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'hyb-browser-training-'));
  // Not a literal: it is no TypeScript.
  const file = join(root, 'examples/browser-training/serve.mjs');
  const example = (await import(file)) as Example;
  await example.buildTrainingPage({ out });
  server = await example.servePage({ out });
}, 120_000);

afterAll(async () => {
  await server?.close();
  await rm(out, { recursive: true, force: true });
});

test('the page type-checks, strictly', () => {
  expect(pageTypeErrors(join(root, 'examples/browser-training/main.ts'), 'novelist', out)).toEqual([]);
}, 60_000);

/** What the model writes is a status too, to browsers. */
const STATUS = 'p[role=status]';

async function says(page: Page, text: RegExp, timeout = 200_000): Promise<void> {
  try {
    await page.locator(STATUS).filter({ hasText: text }).waitFor({ timeout });
  } catch (cause) {
    throw new Error(`The page says: ${await page.locator(STATUS).textContent()}`, { cause });
  }
}

test('the loss falls, and a run that was stopped goes on when the page is opened again', async () => {
  const browser = await launchChromium();
  try {
    const context = await browser.newContext();
    const open = async (): Promise<{ readonly page: Page; readonly problems: readonly string[] }> => {
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) problems.push(message.text());
      });
      await page.goto(`${server.base}/`);
      await says(page, /Ready on/, 60_000);
      return { page, problems };
    };
    const { page, problems } = await open();
    await page.getByLabel('Steps').fill('500');
    await page.getByLabel('Sequences a step').fill('1');
    await page.getByLabel('Tokens a sequence').fill('64');
    await page.getByRole('button', { name: 'Train' }).click();
    await says(page, /Step ([4-9]|\d\d)/);
    await page.getByRole('button', { name: 'Stop' }).click();
    await says(page, /Stopped after step \d+/);
    const text = await page.locator(STATUS).textContent();
    const stopped = Number(/step (\d+)/.exec(text!)![1]);
    expect(await page.locator('output').textContent()).toMatch(/^The whale ./s);
    expect(problems).toEqual([]);
    await page.close();

    const again = await open();
    const go = again.page.getByRole('button', { name: `Go on from step ${stopped}` });
    const chart = again.page.locator('#chart');
    expect(await chart.getAttribute('aria-label')).toContain(`at step ${stopped}`);
    // A run goes on with the sizes that it was begun with.
    expect(await again.page.getByLabel('Tokens a sequence').inputValue()).toBe('64');
    await again.page.getByLabel('Steps').fill(String(stopped + 8));
    await go.click();
    await says(again.page, new RegExp(`Done: step ${stopped + 8}, loss [\\d.]+, [\\d.]+ bits for a byte`));
    const label = (await chart.getAttribute('aria-label'))!;
    const [, from, to] = /from ([\d.]+) at step 1 to ([\d.]+) at step \d+/.exec(label)!.map(Number);
    // Untrained, 257 tokens are about equally likely.
    expect(from).toBeCloseTo(Math.log(257), 1);
    expect(to).toBeLessThan(from! - 0.5);
    expect(await again.page.locator('#chart canvas').count()).toBe(1);
    expect(again.problems).toEqual([]);
  } finally {
    await browser.close();
  }
}, 600_000);

test('without WebGPU it says where there is one', async () => {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.addInitScript('delete Navigator.prototype.gpu');
    await page.goto(`${server.base}/`);
    await says(page, /WebGPU.*Chrome and Edge/s);
    expect(await page.getByRole('button', { name: 'Train' }).isDisabled()).toBe(true);
  } finally {
    await browser.close();
  }
}, 60_000);
