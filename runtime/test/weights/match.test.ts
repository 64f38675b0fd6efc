/** By which names a checkpoint's tensors are found. */
import { matchCheckpoint, type Layout } from '@hyb/runtime/weights/match';
import { bytesSource } from '@hyb/runtime/weights/sources/memory';

const parameter = (path: string) => ({ path, shape: [2], role: 'matrix', dtype: 'f32' }) as const;
const LAYOUT: Layout = {
  parameters: [parameter('a.weight'), parameter('b.weight')],
  checkpoint: [{ name: 'model.ab', shape: [4], parts: ['a.weight', 'b.weight'] }],
  spare: ['lm_head.weight'],
};

function match(tensors: Readonly<Record<string, readonly number[]>>, layout = LAYOUT): Record<string, string> {
  const source = bytesSource(new Uint8Array());
  const entries = Object.entries(tensors).map(
    ([name, shape]) => [name, { name, dtype: 'F32', shape, offset: 0, bytes: 0, source }] as const,
  );
  const found = matchCheckpoint(layout, { tensors: new Map(entries) }, { unexpected: 'error', warn: () => undefined });
  return Object.fromEntries([...found].map(([path, { tensor, element }]) => [path, `${tensor.name}[${element}]`]));
}

test('by the weight map', () => {
  expect(match({ 'model.ab': [4] })).toEqual({ 'a.weight': 'model.ab[0]', 'b.weight': 'model.ab[2]' });
});

test("by the parameters' own paths, where no name of the map is there", () => {
  expect(match({ 'a.weight': [2], 'b.weight': [2] })).toEqual({ 'a.weight': 'a.weight[0]', 'b.weight': 'b.weight[0]' });
  expect(() => match({ 'model.ab': [4], 'a.weight': [2] })).toThrow(/Unexpected \(1\):\s+a\.weight/);
});

test('what the model has no use for may be there, and nothing else', () => {
  expect(Object.keys(match({ 'model.ab': [4], 'lm_head.weight': [9] }))).toHaveLength(2);
  expect(() => match({ 'model.ab': [4], 'other.weight': [9] })).toThrow(/Unexpected \(1\):\s+other\.weight/);
  expect(() => match({ 'lm_head.weight': [9] })).toThrow(/Missing \(1\):\s+model\.ab/);
});

test('heads and their channels may be one dimension or two, where the names are our own', () => {
  const layout: Layout = { parameters: [{ ...parameter('q.weight'), shape: [4, 8, 32] }] };
  for (const shape of [[4, 8, 32], [32, 32], [4, 256], [1024], [2, 2, 8, 32]]) {
    expect(match({ 'q.weight': shape }, layout)).toEqual({ 'q.weight': 'q.weight[0]' });
  }
  for (const shape of [[8, 4, 32], [16, 64], [32, 33], [], [4, 8, 32, 2]]) {
    expect(() => match({ 'q.weight': shape }, layout)).toThrow(/expected \[4, 8, 32\]/);
  }
  // What others name has the shape that the weight map says.
  const mapped = { ...layout, checkpoint: [{ name: 'm', shape: [32, 32], parts: ['q.weight'] }] };
  expect(() => match({ m: [4, 8, 32] }, mapped)).toThrow(/expected \[32, 32\]/);
});
