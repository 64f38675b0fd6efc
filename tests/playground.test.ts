/** The playground as a user has it: bundled, served, in headless Chromium with WebGPU. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { launchChromium } from '@hyb/cli/environments/chromium';
import { serve, type Server } from '@hyb/cli/environments/server';
import { strFromU8, unzipSync } from 'fflate';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { build } from '../playground/build.mjs';
import { toFragment } from '../playground/src/share/fragment.js';
import { cache, root } from './support/bundle.js';

const folder = join(cache, `playground-${process.pid}`);
const BUDGET = 600_000;
let server: Server;
let browser: Browser;

beforeAll(async () => {
  await build(folder);
  [server, browser] = await Promise.all([serve(new Map([['', folder]])), launchChromium()]);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Opened extends AsyncDisposable {
  readonly page: Page;
  /** Whatever a console would show a developer as wrong. */
  readonly complaints: string[];
  readonly requests: string[];
}

async function open(
  fragment = '',
  options: BrowserContextOptions & { readonly script?: string } = {},
): Promise<Opened> {
  const { script, ...settings } = options;
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...settings });
  const page = await context.newPage();
  if (script !== undefined) await page.addInitScript(script);
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(`${server.base}/${fragment}`);
  page.setDefaultTimeout(20_000);
  await page.locator('.stripe').first().waitFor();
  return { page, complaints, requests, [Symbol.asyncDispose]: () => context.close() };
}

/** Puts the cursor at the end of the line that holds `text`, which must be in view. */
async function writeAfter(page: Page, text: string, typed: string): Promise<void> {
  await page.locator('.cm-line', { hasText: text }).first().click();
  await page.keyboard.press('End');
  await page.keyboard.type(typed);
}

const source = (page: Page): Promise<string> =>
  page.evaluate(() => [...document.querySelectorAll('.cm-content')[0]!.children].map((l) => l.textContent).join('\n'));
/** Waits for the text of the view that is open. */
const shows = async (page: Page, text: RegExp): Promise<void> => {
  await page.waitForFunction(
    (pattern) =>
      new RegExp(pattern).test(document.querySelector<HTMLElement>('[role=tabpanel]:not([hidden])')!.innerText),
    text.source,
  );
};
const choose = (page: Page, tab: string): Promise<void> => page.getByRole('tab', { name: tab }).click();

test('it starts within its budget of scripts, complains of nothing, and asks nobody but its own server', async () => {
  await using opened = await open();
  const { page, complaints, requests } = opened;
  expect(await page.locator('.stripe').count()).toBe(7);
  expect(await page.locator('.hyb-summary').innerText()).toContain('TinyHybrid: 5 layers, 138,800 parameters');
  const scripts = new Set(requests.filter((url) => url.endsWith('.js')));
  const bytes = [...scripts].map((url) => gzipSync(readFileSync(join(folder, new URL(url).pathname))).length);
  expect(bytes.reduce((a, b) => a + b, 0)).toBeLessThan(BUDGET);
  expect(requests.filter((url) => !url.startsWith(server.base) && !url.startsWith(`blob:${server.base}`))).toEqual([]);
  expect(complaints).toEqual([]);
});

test('an error appears while it is typed, and is repaired', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  await writeAfter(page, 'A = Attention(heads = 4', '\n  A.winow = 8');
  await page.locator('.cm-lintRange-error').first().waitFor();
  await choose(page, 'Diagnostics');
  const finding = page.locator('.findings li').first();
  expect(await finding.innerText()).toContain('winow');
  await finding.getByRole('button', { name: /Repair/ }).click();
  await page.getByText('No errors. Models: TinyHybrid.').waitFor();
  expect(await source(page)).toContain('A.window = 8');
  expect(complaints).toEqual([]);
});

test('a layer leads to the name in the pattern, and its block to the library', async () => {
  await using opened = await open();
  const { page } = opened;
  await page.getByRole('option', { name: 'layer 3: A' }).click();
  const line = page.locator('.cm-activeLine').first();
  expect(await line.innerText()).toContain('layers = [M F M A F]');
  await page.getByRole('button', { name: 'declaration of Attention' }).click();
  await page.locator('.reader .cm-line', { hasText: 'block Attention' }).waitFor();
  await page.getByRole('button', { name: 'Back to demo/tiny-hybrid.hyb' }).click();
  // And the other way: the strip follows the cursor.
  await page.locator('.cm-line', { hasText: 'layers = [' }).first().click();
  await page.keyboard.press('Home');
  // Home stops behind the indentation.
  for (let i = 0; i < 'layers = [M '.length; i++) await page.keyboard.press('ArrowRight');
  await page.locator('.hyb-details h3', { hasText: 'layer 1: F' }).waitFor();
});

test('every view is reached by the keyboard and shows the model', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  const expected: readonly (readonly [tab: string, text: RegExp])[] = [
    ['Shapes', /in_xbc\s+linear\s+f32\s+\[time, channels: 192\]/],
    ['Stages', /graph/],
    ['Kernels', /M_decode_ssd_step/],
    ['Memory and FLOPs', /NVIDIA H100 SXM can decode at most/],
    ['Run', /Files are read in this tab and sent nowhere/],
    ['Diagnostics', /No errors/],
    ['Layers', /30,360 parameters/],
  ];
  await page.getByRole('tab', { name: 'Layers' }).focus();
  for (const [tab, text] of expected) {
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tab', { name: tab, selected: true }).waitFor();
    await shows(page, text);
  }
  await choose(page, 'Kernels');
  await page.getByRole('button', { name: 'M_decode_ssd_step' }).click();
  await page.getByText('@compute @workgroup_size').waitFor();
  await choose(page, 'Stages');
  await page.getByRole('combobox', { name: 'Stage' }).selectOption('wgsl');
  await page.getByRole('tabpanel').locator('pre', { hasText: '@compute' }).waitFor();
  expect(complaints).toEqual([]);
});

test('with the keyboard alone: write an error, leave the editor, repair it', async () => {
  await using opened = await open(toFragment({ path: 'small.hyb', text: SMALL }));
  const { page, complaints } = opened;
  /** Presses Tab until what has the focus fits. */
  const tabTo = async (selector: string): Promise<void> => {
    for (let pressed = 0; pressed < 40; pressed++) {
      if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) === true, selector)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab does not reach ${selector}`);
  };
  await tabTo('header select');
  await tabTo('.cm-content');
  await page.keyboard.press('Control+Home');
  for (let line = 0; line < 5; line++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await page.keyboard.type('\n  F.iner = 48');
  await page.locator('.cm-lintRange-error').first().waitFor();
  // In the editor Tab indents; Escape lets it go on.
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  await tabTo('[role=tab]');
  await page.keyboard.press('Home');
  await page.getByRole('tab', { name: 'Diagnostics', selected: true }).waitFor();
  await page.keyboard.press('Tab');
  await tabTo('.findings button:not(.hyb-link)');
  await page.keyboard.press('Enter');
  await page.getByText('No errors. Models: Small.').waitFor();
  expect(await source(page)).toContain('F.inner = 48');
  expect(complaints).toEqual([]);
});

test('the language server answers: hover, completion, and the way into the library', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  const mamba = page.locator('.cm-line', { hasText: 'M = Mamba2' }).locator('span', { hasText: /^Mamba2$/ });
  const hover = page.locator('.cm-tooltip-hover', { hasText: /Mamba-?2/ });
  // The server comes after the first picture.
  for (let tries = 0; (await hover.count()) === 0 && tries < 20; tries++) {
    await page.mouse.move(0, 0);
    await mamba.hover();
    await hover
      .first()
      .waitFor({ timeout: 1000 })
      .catch(() => undefined);
  }
  expect(await hover.first().innerText()).toMatch(/Mamba/);
  await mamba.click();
  await page.keyboard.press('F12');
  await page.locator('.reader .cm-line', { hasText: 'block Mamba2' }).waitFor();
  await page.getByRole('button', { name: 'Back to demo/tiny-hybrid.hyb' }).click();
  await writeAfter(page, 'F = MLP', '\n  A.win');
  await page.locator('.cm-tooltip-autocomplete li', { hasText: 'window' }).waitFor();
  expect(complaints).toEqual([]);
});

test('the model generates in the tab; equal seeds give equal tokens', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  await choose(page, 'Run');
  await page.getByRole('button', { name: 'Load with random weights' }).click();
  const generate = page.getByRole('button', { name: 'Generate' });
  const run = async (): Promise<string> => {
    await generate.click({ timeout: 120_000 });
    await page.getByText(/Generated 32 tokens/).waitFor({ timeout: 60_000 });
    return page.locator('output').innerText();
  };
  const first = await run();
  const tokens = first.trim().split(' ').map(Number);
  expect(tokens).toHaveLength(32);
  expect(tokens.every((token) => Number.isInteger(token) && token >= 0 && token < 256)).toBe(true);
  await page.getByRole('textbox', { name: 'Prompt' }).fill('1 2 three');
  await generate.click();
  await page.getByText("'three' is no token").waitFor();
  await page.getByRole('textbox', { name: 'Prompt' }).fill('1 2 3');
  expect(await run()).toBe(first);
  expect(complaints).toEqual([]);
});

const SMALL = `use std.{MLP, RMSNorm, relu2}
model Small {
  vocab = 257
  width = 16
  context = 64
  F = MLP(inner = 32, activation = relu2)
  norm = { pre = RMSNorm(eps = 1e-5) }
  layers = [F]
  head = { norm = RMSNorm(eps = 1e-5), tie = false }
}
train Quick of Small { sequence = 64, batch = 4, steps = 8, rate = 1e-2, data = "corpus" }
`;

test('a model learns in the tab: the loss falls, training stops and goes on, and it writes', async () => {
  await using opened = await open(toFragment({ path: 'small.hyb', text: SMALL }));
  const { page, complaints } = opened;
  await choose(page, 'Run');
  await page.getByText('The recipe Quick: 4 sequences of 64 tokens a step, AdamW at a rate of 0.01').waitFor();
  await page.getByText('The text below takes the place of its data.').waitFor();
  // Every step that the page tells of, in order.
  await page.evaluate(() => {
    const told: string[] = [];
    (window as unknown as { told: string[] }).told = told;
    const status = document.querySelector('[role=tabpanel]:not([hidden]) p[role=status]:not(.note)')!;
    new MutationObserver(() => told.push(status.textContent)).observe(status, { childList: true });
  });
  const status = page.getByRole('tabpanel').locator('p[role=status]:not(.note)');
  const says = (text: RegExp): Promise<void> => status.filter({ hasText: text }).waitFor({ timeout: 120_000 });
  await page.getByRole('button', { name: 'Train', exact: true }).focus();
  await page.keyboard.press('Enter');
  await says(/Trained to step 8 on/);
  const chart = page.getByRole('img', { name: /Loss/ });
  const curve = async (): Promise<readonly number[]> => {
    const label = (await chart.getAttribute('aria-label'))!;
    return /from ([\d.]+) at step (\d+) to ([\d.]+) at step (\d+)/.exec(label)!.slice(1).map(Number);
  };
  expect(await chart.locator('canvas').count()).toBe(1);
  const [first, from, last, to] = await curve();
  expect([from, to]).toEqual([1, 8]);
  // Untrained, 257 tokens are about equally likely.
  expect(first).toBeCloseTo(Math.log(257), 1);
  expect(last).toBeLessThan(first! - 0.1);

  await page.getByRole('button', { name: 'Resume from step 8' }).click();
  await says(/Step 8 is reached already/);
  await page.getByLabel('steps').fill('90000');
  await page.getByRole('button', { name: 'Resume from step 8' }).click();
  await says(/Step 1\d of 90000/);
  await page.getByRole('button', { name: 'Stop' }).click();
  await says(/Stopped after step \d+/);
  const [, , , stopped] = await curve();
  await page.getByLabel('steps').fill(String(stopped! + 2));
  await page.getByRole('button', { name: `Resume from step ${stopped}` }).click();
  await says(new RegExp(`Trained to step ${stopped! + 2} on`));
  const told = await page.evaluate(() => (window as unknown as { told: string[] }).told);
  const steps = told.flatMap((text) => /^Step (\d+) of/.exec(text)?.slice(1).map(Number) ?? []);
  expect(steps).toEqual(Array.from({ length: stopped! + 2 }, (_, i) => i + 1));

  expect(await page.getByRole('textbox', { name: 'Prompt' }).inputValue()).toBe('The whale ');
  await page.getByRole('button', { name: 'Generate' }).click();
  await says(/Generated \d+ tokens/);
  expect((await page.locator('output').innerText()).length).toBeGreaterThan(0);

  await page.getByRole('combobox', { name: /^text/ }).selectOption('own');
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await says(/There is no text yet/);
  await page.getByRole('textbox', { name: 'Text to learn from' }).fill('It was the best of times. '.repeat(40));
  await page.getByLabel('steps').fill('2');
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await says(/Trained to step 2 on/);
  expect((await curve())[3]).toBe(2);
  expect(complaints).toEqual([]);
}, 300_000);

test('a model without a recipe is shown the one that it would be trained by', async () => {
  await using opened = await open();
  await choose(opened.page, 'Run');
  await opened.page.getByText('The source has no recipe; this one can be put into it').waitFor();
  await opened.page.getByText('train Default of TinyHybrid').waitFor();
  expect(opened.complaints).toEqual([]);
});

test('a link holds the whole source, and a broken one says so and shows the first example', async () => {
  let link: string;
  {
    await using opened = await open();
    await writeAfter(opened.page, 'context = 8192', '\n\n  // Größe & <script>');
    await opened.page.getByRole('button', { name: 'Share' }).click();
    await opened.page.getByText('it holds the whole source').waitFor();
    link = new URL(opened.page.url()).hash;
  }
  await using opened = await open(link);
  expect(await source(opened.page)).toContain('// Größe & <script>');
  await using broken = await open('#code=AAAA');
  expect(await source(broken.page)).toContain('model TinyHybrid');
  await broken.page.getByText('it may have been cut').waitFor();
});

test('a source without models is not taken for one with errors', async () => {
  await using opened = await open();
  const { page } = opened;
  await page.getByLabel('Example').selectOption('models/checkpoints.hyb');
  await shows(page, /The source declares no model\. What follows is about the last one/);
  await choose(page, 'Shapes');
  await shows(page, /The source declares no model\.$/);
  await choose(page, 'Layers');
  await page.getByLabel('Example').selectOption('models/qwen-2.5-7b.hyb');
  await shows(page, /^Qwen25x7B/);
});

test('the package comes as a zip: what the command line builds', async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  const [download] = await Promise.all([
    page.waitForEvent('download', { timeout: 120_000 }),
    page.getByRole('button', { name: 'Download package' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('tiny-hybrid.zip');
  const files = unzipSync(new Uint8Array(await readFile(await download.path())));
  expect(Object.keys(files)).toEqual(
    expect.arrayContaining(['package.json', 'index.js', 'index.d.ts', 'README.md'].map((f) => `tiny-hybrid/${f}`)),
  );
  expect(strFromU8(files['tiny-hybrid/source/demo/tiny-hybrid.hyb']!)).toBe(
    readFileSync(join(root, 'demo/tiny-hybrid.hyb'), 'utf8'),
  );
  expect(strFromU8(files['tiny-hybrid/index.js']!)).toContain('export function load');
  expect(complaints).toEqual([]);
}, 180_000);

test('where the source has a recipe, the package trains too: what the command line builds with it', async () => {
  await using opened = await open(toFragment({ path: 'small.hyb', text: SMALL }));
  const { page, complaints } = opened;
  await page.getByRole('combobox', { name: 'Package' }).selectOption('Quick');
  const [download] = await Promise.all([
    page.waitForEvent('download', { timeout: 120_000 }),
    page.getByRole('button', { name: 'Download package' }).click(),
  ]);
  const files = unzipSync(new Uint8Array(await readFile(await download.path())));
  const folder = await mkdtemp(join(tmpdir(), 'hyb-package-'));
  try {
    await writeFile(join(folder, 'small.hyb'), SMALL);
    const hyb = join(root, 'cli/bin/hyb.js');
    await promisify(execFile)(process.execPath, [hyb, 'build', 'small.hyb', '--recipe', 'Quick', '-o', 'made'], {
      cwd: folder,
    });
    const made = (await readdir(join(folder, 'made'), { recursive: true, withFileTypes: true })).filter((each) =>
      each.isFile(),
    );
    const texts = await Promise.all(
      made.map(async ({ parentPath, name }) => {
        const path = join(parentPath, name);
        const inside = relative(join(folder, 'made'), path).split(sep).join('/');
        return [`small/${inside}`, await readFile(path, 'utf8')] as const;
      }),
    );
    expect(texts.map(([path]) => path)).toContain('small/training.js');
    const found = Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path, strFromU8(bytes)]));
    expect(found).toEqual(Object.fromEntries(texts));
  } finally {
    await rm(folder, { recursive: true });
  }
  expect(complaints).toEqual([]);
}, 180_000);

test('without WebGPU it says so, and everything else works', async () => {
  await using opened = await open('', { script: 'delete Navigator.prototype.gpu' });
  await choose(opened.page, 'Run');
  await opened.page.getByText('This browser has no WebGPU').waitFor();
  expect(opened.complaints).toEqual([]);
});

test('neither the page nor its workers can reach another server', async () => {
  await using opened = await open();
  const other = await serve(new Map([['', folder]]));
  try {
    const reach = (url: string): Promise<string> =>
      fetch(url, { mode: 'no-cors' }).then(
        () => 'reached',
        () => 'refused',
      );
    // What is to be refused can be reached by those who may.
    expect(await reach(`${other.base}/index.html`)).toBe('reached');
    const url = `${other.base}/index.html`;
    const inside = (u: string): Promise<string> =>
      fetch(u, { mode: 'no-cors' }).then(
        () => 'reached',
        () => 'refused',
      );
    expect(await opened.page.evaluate(inside, url)).toBe('refused');
    const [worker] = opened.page.workers();
    expect(await worker!.evaluate(inside, url)).toBe('refused');
  } finally {
    await other.close();
  }
});

test.each(['light', 'dark'] as const)('accessible in %s colours, on wide and narrow screens', async (colorScheme) => {
  const axe = readFileSync(join(root, 'node_modules/axe-core/axe.min.js'), 'utf8');
  await using opened = await open('', { colorScheme });
  const { page } = opened;
  await page.evaluate(axe);
  const check = async (): Promise<readonly string[]> =>
    page.evaluate(async () => {
      const { axe: run } = window as unknown as {
        axe: { run(options: unknown): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      };
      const { violations } = await run.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html).join(' | ')}`);
    });
  await writeAfter(page, 'context = 8192', '\n  A.winow = 8 // wrong');
  await page.locator('.cm-lintRange-error').first().waitFor();
  const tabs = await page.getByRole('tab').allTextContents();
  expect(tabs).toHaveLength(7);
  for (const tab of tabs) {
    await choose(page, tab);
    expect([tab, await check()]).toEqual([tab, []]);
  }
  await page.setViewportSize({ width: 360, height: 700 });
  for (const tab of tabs) {
    await choose(page, tab);
    expect([tab, await check()]).toEqual([tab, []]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
  }
});
