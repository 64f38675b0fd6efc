// `npm run test:vscode`, its first half: the packaged extension in a real Visual Studio Code that is a browser alone. Pictures of
// what it saw go to docs/images. Needs `npm run build`.
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { step } from '../../scripts/setup.mjs';
import { checks, drive } from './drive.mjs';
import { startCode } from './harness.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const images = join(root, 'docs/images');
const FILES = ['demo/tiny-hybrid.hyb', 'models/checkpoints.hyb', 'models/nemotron-h-8b.hyb'];

const texts = await Promise.all(FILES.map(async (file) => [`/work/${file}`, await readFile(join(root, file), 'utf8')]));
await mkdir(images, { recursive: true });
let code;
await step('Visual Studio Code starts', async () => {
  code = await startCode(Object.fromEntries(texts));
  await code.tab.locator('.monaco-workbench').waitFor();
});
const { tab, printed } = code;
const shot = (name) => tab.screenshot({ path: join(images, `vscode-${name}.png`) });
const { keys, line, pick, command, model } = drive(tab);
const open = (file) => pick('Control+P', `/work/${file}`, file.split('/').at(-1));
const { check, end } = checks(tab, printed);

try {
  await tab.locator('.explorer-folders-view').waitFor();
  await check('it activates: lenses and hints of the server stand in the editor', async () => {
    await open('demo/tiny-hybrid.hyb');
    await tab.getByText('Build').first().waitFor();
    await line('2 × 30,360 parameters').waitFor();
    await tab.getByText('5 layers').first().waitFor();
    assert.equal(await tab.locator('.squiggly-error').count(), 0);
  });
  await check('it highlights: words, numbers, comments and names have colours of their own', async () => {
    const colour = (text) =>
      tab.evaluate((wanted) => {
        const spans = [...document.querySelectorAll('.view-line span span')];
        const found = spans.find((span) => span.textContent.replaceAll('\u00a0', ' ').includes(wanted));
        return found && getComputedStyle(found).color;
      }, text);
    const colours = await Promise.all(['model', '256', 'Mamba2', 'in miniature'].map(colour));
    assert.equal(new Set(colours).size, 4, String(colours));
    assert.ok(colours.every(Boolean), String(colours));
    await shot('editor');
  });
  await check('an error shows while it is typed, and a repair of the compiler removes it', async () => {
    await line('A = Attention').click();
    await keys('End', 'Enter');
    await tab.keyboard.type('A.winow = 8');
    await tab.locator('.squiggly-error').first().waitFor();
    await keys('Home', 'ArrowRight', 'ArrowRight', 'ArrowRight');
    await keys('Control+.');
    const repair = tab.locator('.action-widget .monaco-list-row', { hasText: 'window' });
    await repair.first().waitFor();
    await shot('error');
    await keys('Enter');
    await line('A.window = 8').waitFor();
    await tab.locator('.squiggly-error').first().waitFor({ state: 'detached' });
  });
  await check('it formats', async () => {
    await line('vocab').click();
    await keys('End');
    await tab.keyboard.type('      // tokens');
    await command('Format Document');
    await line(/vocab\s+=\s256\s\/\/\stokens$/).waitFor();
  });
  await check('hovering tells what a block is', async () => {
    await line('M = Mamba2').click();
    // Names of fields are aligned: how far it is to the block depends on the longest.
    const [before] = /\S.*Mam/.exec(await line('M = Mamba2').textContent());
    await keys('Home', ...Array.from(before, () => 'ArrowRight'), 'Control+K', 'Control+I');
    await tab
      .locator('.monaco-hover:visible', { hasText: /Mamba-?2/ })
      .first()
      .waitFor();
    await shot('hover');
    await keys('Escape');
  });
  await check('the model view draws the layers, and a click goes to the source', async () => {
    await command('Hyb: Show the layers of the model');
    await model.locator('.stripe').first().waitFor();
    assert.equal(await model.locator('.stripe').count(), 7);
    await model.locator('.hyb-summary', { hasText: 'TinyHybrid: 5 layers' }).waitFor();
    await model.getByRole('option', { name: 'layer 3: A' }).click();
    await tab.locator('.view-line', { hasText: 'layers = [M F M A F]' }).waitFor();
    await tab.locator('.statusbar-item', { hasText: /Ln 16, Col 20 \(1 selected\)/ }).waitFor();
    await model.getByText('Kernels for a token').waitFor();
  });
  await check('it follows typing', async () => {
    await keys('Delete');
    await model.locator('.hyb-summary', { hasText: 'TinyHybrid: 4 layers' }).waitFor();
    assert.equal(await model.locator('.stripe').count(), 6);
  });
  await check('a large model, and its picture', async () => {
    await open('models/nemotron-h-8b.hyb');
    await model.locator('.hyb-summary', { hasText: 'NemotronH8B: 52 layers' }).waitFor();
    await model.getByRole('option', { name: 'layer 7: A' }).click();
    await model.getByText('Kernels for a token').waitFor();
    await shot('model');
  });
  await check('the block of a layer leads into the library, which is read-only', async () => {
    await model.getByRole('button', { name: 'declaration of Attention' }).click();
    await tab.locator('.tab', { hasText: 'attention.hyb' }).waitFor();
    await tab.locator('.view-line', { hasText: 'block Attention' }).waitFor();
  });
} finally {
  end();
  await code.close();
}
