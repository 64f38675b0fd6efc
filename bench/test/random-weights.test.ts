import { readFileSync } from 'node:fs';
import { compile } from '@hyb/compiler';
import { openCheckpoint, readTensor } from '@hyb/runtime';
import { SMALL } from '../src/model/cases.js';
import { randomWeights } from '../src/model/random-weights.js';

const root = new URL('../../', import.meta.url);
const { compiled } = compile({ read: (path) => readFileSync(new URL(path, root), 'utf8') }, SMALL.source);
const { program } = compiled!.plan;

test('the model has about a hundred million parameters', () => {
  const parameters = program.parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  expect(parameters).toBe(107_273_024);
});

test('a checkpoint of random weights is one that can be read, in pieces of any size', async () => {
  const source = randomWeights(program);
  const { tensors } = await openCheckpoint(source, undefined);
  expect([...tensors.keys()].sort()).toEqual(program.parameters.map(({ path }) => path).sort());
  const matrix = program.parameters.find(({ role }) => role === 'matrix')!;
  const values = Float64Array.from(await readTensor(tensors.get(matrix.path)!));
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
  // Of some million numbers from a table of 65,537.
  expect(Math.abs(mean)).toBeLessThan(3e-4);
  expect(Math.abs(deviation / 0.02 - 1)).toBeLessThan(0.02);
  const vector = program.parameters.find(({ role }) => role === 'vector')!;
  expect([...new Set(await readTensor(tensors.get(vector.path)!))]).toEqual([0.5]);
  const whole = await source.read(source.size - 300_001, 300_001);
  const pieces = [];
  for (let at = 0; at < whole.length; at += 65_536) {
    const length = Math.min(65_536, whole.length - at);
    pieces.push(...(await source.read(source.size - whole.length + at, length)));
  }
  expect(Buffer.compare(Buffer.from(pieces), Buffer.from(whole))).toBe(0);
});
