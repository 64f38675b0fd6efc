// What a person does in Visual Studio Code, and checks that say what they are about.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { step } from '../../scripts/setup.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

export function drive(tab) {
  tab.setDefaultTimeout(30_000);
  const keys = (...all) => all.reduce((before, key) => before.then(() => tab.keyboard.press(key)), Promise.resolve());
  async function pick(opens, text, found) {
    await keys(opens);
    await tab.locator('.quick-input-widget input[type=text]').fill(text);
    await tab.locator('.quick-input-list .monaco-list-row', { hasText: found }).first().waitFor();
    await keys('Enter');
    await tab.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  }
  return {
    keys,
    pick,
    line: (text) => tab.locator('.view-line', { hasText: text }),
    command: (title) => pick('F1', `>${title}`, title),
    /** The page in a web view: a frame in a frame. */
    model: tab.frameLocator('iframe.webview').frameLocator('#active-frame'),
  };
}

/** Runs checks until one fails; of that one there is a picture in `build`. */
export function checks(tab, printed) {
  let passed = 0;
  let failed = 0;
  return {
    check: async (title, work) => {
      try {
        await step(title, work);
        passed++;
      } catch (error) {
        failed++;
        await tab.screenshot({ path: join(root, 'build/vscode-failed.png') });
        console.error(printed.filter((text) => !/nls\.json|gallery|404/.test(text)).join('\n'));
        throw error;
      }
    },
    end: () => {
      console.log(`${passed} passed, ${failed} failed`);
      if (failed > 0) process.exitCode = 1;
    },
  };
}
