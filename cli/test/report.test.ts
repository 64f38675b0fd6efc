/** Reports in a browser. */
import { launchChromium } from '../src/environments/chromium.js';
import { printReport } from '../src/train/report/page.js';

test.each(['C', 'en_US.UTF-8'])(
  'a report draws its charts where the locale is %s',
  async (locale) => {
    const chart = { title: 'loss', steps: [1, 2, 3], series: [{ label: 'loss', values: [3, 2, 1] }] };
    const report = await printReport({ title: 'Run', facts: [], charts: [chart, chart], texts: [] });
    // The browser's too; a test file has an environment of its own.
    process.env.LC_ALL = locale;
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      await page.setContent(report);
      expect(problems).toEqual([]);
      expect(await page.locator('#charts canvas').count()).toBe(2);
    } finally {
      await browser.close();
    }
  },
  60_000,
);
