import fc from 'fast-check';
import { writeConfig } from '../../src/interop/export-config.js';
import { parseConfig } from '../../src/interop/parse-config.js';
import { llamaLike, mamba2, nemotron } from './arbitrary.js';
import { CONFIGS } from './configs.js';

test.each([
  ['nemotron_h', nemotron],
  ['llama and qwen2', llamaLike],
  ['mamba2', mamba2],
])('what is written for %s reads as the same', (_, arbitrary) => {
  fc.assert(
    fc.property(arbitrary, (config) => {
      const { config: back, diagnostics } = parseConfig(writeConfig(config));
      expect(diagnostics).toEqual([]);
      expect(back).toEqual(config);
    }),
    { numRuns: 300 },
  );
});

test.each(Object.entries(CONFIGS))('%s', (_, fields) => {
  const { config } = parseConfig(JSON.stringify(fields));
  const text = writeConfig(config!);
  expect(parseConfig(text).config).toEqual(config);
  // Every field that both files have says the same: infinity aside, which one of them writes as an object.
  const written = JSON.parse(text) as Record<string, unknown>;
  const given = fields as Readonly<Record<string, unknown>>;
  const common = Object.keys(written).filter((key) => key in given && key !== 'time_step_limit');
  expect(Object.fromEntries(common.map((key) => [key, written[key]]))).toEqual(
    Object.fromEntries(common.map((key) => [key, given[key]])),
  );
  expect(common.length).toBeGreaterThan(12);
});

test('floats are written as floats, which older versions of transformers insist on', () => {
  const { config } = parseConfig(JSON.stringify(CONFIGS['Llama-3.1-8B']));
  expect(writeConfig(config!)).toContain('"factor": 8.0,');
  expect(writeConfig(config!)).toContain('"rope_theta": 500000.0,');
});

test('further fields do not replace those that describe the model', () => {
  const { config } = parseConfig(JSON.stringify(CONFIGS['Llama-3.1-8B']));
  const written = JSON.parse(writeConfig(config!, { bos_token_id: 1, vocab_size: 7 })) as Record<string, unknown>;
  expect(written).toMatchObject({ bos_token_id: 1, vocab_size: 128256 });
});
