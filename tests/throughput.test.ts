/** docs/throughput.md: current, and what it claims holds. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { check } from '@hyb/compiler';
import { modelWork } from '@hyb/compiler/inspect/index';
import {
  ASSUMPTIONS,
  CONTENDERS,
  estimates,
  RATIOS,
  ratios,
  throughputPage,
} from '@hyb/compiler/inspect/throughput-page';
import { format } from 'prettier';

const root = fileURLToPath(new URL('../', import.meta.url));
const host = {
  read(path: string): string | undefined {
    try {
      return readFileSync(`${root}${path}`, 'utf8');
    } catch {
      return undefined;
    }
  },
};
const works = new Map(
  CONTENDERS.map(({ file }) => [file, modelWork(check(host, `models/${file}.hyb`).models[0]!.graph)] as const),
);

test('the page is current (node scripts/throughput.mjs)', async () => {
  const page = await format(throughputPage(works), { parser: 'markdown', printWidth: 120 });
  expect(readFileSync(`${root}docs/throughput.md`, 'utf8')).toBe(page);
});

test('the ratios are within the bounds that the page states', () => {
  ratios(estimates(works)).forEach((ratio, i) => {
    expect(ratio).toBeGreaterThan(RATIOS[i]!.low);
    expect(ratio).toBeLessThan(RATIOS[i]!.high);
    // The estimate and the paper agree within a tenth.
    expect(Math.abs(ratio! / RATIOS[i]!.stated - 1)).toBeLessThan(0.1);
  });
});

test('a request of Llama-3.1-8B, worked out by hand', () => {
  const llama = estimates(works).get('llama-3.1-8b')!;
  const tokens = 65_536;
  const layers = 32 * (2 * 4096 * 4096 + 2 * 1024 * 4096 + 3 * 14_336 * 4096);
  const attention = 32 * 4 * 4096 * ((tokens * (tokens + 1)) / 2);
  expect(llama.promptAttention).toBe(attention);
  // Norms, activations, rotary and rounding are the rest.
  expect(llama.promptOperations / (2 * tokens * layers + attention)).toBeCloseTo(1, 3);
  const perToken = 2 * 2 * 32 * 8 * 128;
  expect(llama.stateBytes).toBe(perToken * (tokens + 1024));
  expect(llama.batch).toBe(Math.floor((0.9 * 80e9 - 2 * 8_030_261_248) / llama.stateBytes));
  const bytes = 2 * (layers + 128_256 * 4096) + llama.batch * perToken * (tokens + 512);
  expect(llama.decodeSeconds / ((1023 * bytes) / (0.7 * 3.35e12))).toBeCloseTo(1, 3);
});

test('models that do not fit are said not to', () => {
  const tiny = { ...ASSUMPTIONS.device, memory: 24e9 };
  const made = estimates(works, { device: tiny, devices: 1 });
  expect(made.get('nemotron-h-56b')).toBeUndefined();
  expect(made.get('nemotron-h-8b')).toBeDefined();
});
