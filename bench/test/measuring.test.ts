import { choose } from '../src/main.js';
import { leastSeconds } from '../src/model/limit.js';
import { onnxModel } from '../src/kernels/onnx-model.js';
import { median, spread } from '../src/rounds/statistics.js';

test('medians and spreads', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(spread([5, 1, 9])).toEqual({ min: 1, median: 5, max: 9 });
  expect(() => median([])).toThrow(RangeError);
});

test('a limit is the longer of moving and computing', () => {
  const peaks = { bytes: 100, products: 10, operations: 1000 };
  expect(leastSeconds({ bytes: 200, operations: 100 }, peaks, 'stream')).toBe(2);
  expect(leastSeconds({ bytes: 200, operations: 5000 }, peaks, 'stream')).toBe(5);
  expect(leastSeconds({ bytes: 200, operations: 100 }, peaks, 'products')).toBe(10);
});

test('sections and their parts are chosen by name', () => {
  const names = (...only: string[]): unknown => choose(only).map(({ section, parts }) => [section.name, ...parts]);
  expect(names()).toEqual([['compile'], ['editor'], ['model'], ['kernels'], ['training']]);
  expect(names('matvec', 'compile', 'matmul')).toEqual([['compile'], ['kernels', 'matmul', 'matvec']]);
  expect(names('kernels', 'matvec')).toEqual([['kernels']]);
  expect(() => choose(['nonsense'])).toThrow(
    'There is no benchmark nonsense. There are: compile, editor, model, decode',
  );
});

test('an ONNX model in the bytes that its format says', () => {
  // Fields by https://onnx.ai/onnx/repo-docs/IR.html and protobuf's encoding, written out by hand for y = x.
  const text = (field: number, value: string): number[] => [field * 8 + 2, value.length, ...Buffer.from(value)];
  const node = [...text(1, 'x'), ...text(2, 'y'), ...text(4, 'Identity')];
  const type = [0x0a, 8, 0x08, 1, 0x12, 4, 0x0a, 2, 0x08, 3];
  const value = (name: string): number[] => [...text(1, name), 0x12, type.length, ...type];
  const part = (field: number, bytes: readonly number[]): number[] => [field * 8 + 2, bytes.length, ...bytes];
  const graph = [...part(1, node), ...text(2, 'bench'), ...part(11, value('x')), ...part(12, value('y'))];
  expect([...onnxModel('Identity', [{ name: 'x', shape: [3] }], { name: 'y', shape: [3] })]).toEqual([
    ...[0x08, 8],
    ...part(7, graph),
    ...part(8, [0x10, 17]),
  ]);
});
