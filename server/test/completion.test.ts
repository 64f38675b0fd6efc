import { completion } from '../src/features/completion/completion.js';
import { edited, marked, TINY } from './support/marked.js';

/** What is proposed, most fitting first, as one line a rank. */
function proposed(source: string, most = 60): string {
  const { place, position } = marked(source);
  const items = [...completion(place, position, true)].sort((a, b) => (a.sortText! < b.sortText! ? -1 : 1));
  const ranks = new Map<string, string[]>();
  for (const { label, sortText } of items) {
    const rank = sortText!.slice(0, 1);
    ranks.set(rank, [...(ranks.get(rank) ?? []), label]);
  }
  return [...ranks.values()].map((labels) => labels.slice(0, most).join(' ')).join('\n');
}

/** The line, and the proposals. */
function shown(source: string): string {
  const line = source.split('\n').find((each) => each.includes('‹|›'))!;
  return `${line.trim()}\n${'-'.repeat(20)}\n${proposed(source)}\n`;
}

const inModel = (line: string): string => TINY.replace('  precision', `  ${line}\n  precision`);
const inBlock = (line: string): string => `use std.{RMSNorm}
fn twice(x) = 2 * x
block Gate(inner: int, activation: fn = silu, norms: norm = none)(x: [time, width]) -> [time, width] {
  slot hidden
  dim half = inner div 2
  param up = linear(width -> inner)
  param scale: [inner] = 1
  let y = up(x)
  ${line}
}
`;
const inRecipe = (line: string): string => `${TINY}train Run of Tiny {\n  batch = 8 sequences\n  ${line}\n}\n`;

test.each([
  ['a file', 'mo‹|›'],
  ['use', 'use ‹|›'],
  ['a library', 'use std.‹|›'],
  ['names of the library', 'use std.{MLP, ‹|›}'],
  ['names of one of its files', 'use std.norms.{‹|›}'],
  [
    'names of a file',
    'use "./blocks.hyb".{‹|›}\n// file: blocks.hyb\nblock Mine(x: [time, width]) { return x }\nfn f(x) = x\n',
  ],
  ['files', 'use "‹|›\n// file: blocks.hyb\n\n// file: more/others.hyb\n'],
  ['a base', `${TINY}model Wider = ‹|›`],
  ['after a base', `${TINY}model Wider = Tiny ‹|›`],
  ['a recipe’s model', `${TINY}train Run of ‹|›`],
])('%s', (_, source) => {
  expect(shown(source)).toMatchSnapshot();
});

test.each([
  ['fields that are not there yet', inModel('‹|›')],
  ['fields of a derivation', `${TINY}model Other = Tiny with {\n  ‹|›\n}\n`],
  ['parameters of a block', inModel('A.‹|›')],
  ['slots of a block', inModel('A.norm.‹|›')],
  ['slots of all blocks', inModel('norm.‹|›')],
  ['norms for a slot', inModel('A.norm.qk = ‹|›')],
  ['the head', inModel('head.‹|›')],
  ['single layers', inModel('layers[1].‹|›')],
  ['layers of a range', inModel('layers[0..2].‹|›')],
  ['blocks', inModel('B = ‹|›')],
  ['arguments that are not given yet', inModel('B = Attention(heads = 4, ‹|›')],
  ['functions for a parameter', inModel('B = MLP(inner = 4, activation = ‹|›)')],
  ['true or false', inModel('B = MLP(inner = 4, bias = ‹|›)')],
  ['options of a function', inModel('B = Attention(heads = 4, rope = rope(‹|›))')],
  ['choices of an option', inModel('B = Attention(heads = 4, rope = rope(pairing = ‹|›))')],
  ['scalings', inModel('B = Attention(heads = 4, rope = rope(scaling = ‹|›))')],
  ['a record of norms', TINY.replace('{ pre = RMSNorm }', '{ ‹|› }')],
  ['a norm in a record', TINY.replace('{ pre = RMSNorm }', '{ pre = ‹|› }')],
  ['a record of the head', TINY.replace('tie = true', 'tie = true, ‹|›')],
  ['a pattern', TINY.replace('[A F A]', '[A (F ‹|›')],
  ['a map of letters', TINY.replace('[A F A]', 'pattern("AF", { A: ‹|› })')],
  ['roles', TINY.replace('weights = bf16,', 'weights = bf16, ‹|›')],
  ['selectors', TINY.replace('weights = bf16,', 'weights in ‹|›')],
  ['parts of a block', TINY.replace('weights = bf16,', 'weights in A.‹|›')],
  [
    'weight maps, of other files too',
    `${inModel('weights = ‹|›')}weights Own { }\n// file: maps.hyb\nweights Map { }\n`,
  ],
  ['formats', TINY.replace('weights = bf16,', 'weights = ‹|›')],
])('in a model: %s', (_, source) => {
  expect(shown(source)).toMatchSnapshot();
});

test.each([
  ['statements', inBlock('‹|›')],
  ['values', inBlock('let z = ‹|›')],
  ['values in a call', inBlock('return up(‹|›')],
  ['dimensions of a change of shape', inBlock('let z = y as [time, ‹|›]')],
  ['what stands after param', inBlock('param down = ‹|›')],
  ['dimensions of a map', inBlock('param down = linear(inner -> ‹|›)')],
  ['options of a map', inBlock('param down = linear(inner -> width, ‹|›)')],
  ['attributes', inBlock('param down = linear(inner -> width) @‹|›')],
  ['initializers', inBlock('param down = linear(inner -> width) @init(‹|›)')],
  ['tensors of a map', inBlock('return spectral_norm(up.‹|›)')],
  ['norms for a slot', inBlock('slot more = ‹|›')],
  ['types', 'block B(inner: ‹|›)(x: [time, width]) { return x }'],
  ['the shape of an input', 'block B(inner: int)(x: ‹|›'],
  ['the shape of a result', 'norm N(eps = 1e-5)(x: [..., features]) -> ‹|›'],
  ['the axis of a scan', inBlock('let z = scan (t in ‹|›')],
  ['states of a scan', inBlock('let z = scan (t in time, ‹|›')],
  ['the first value of a state', inBlock('let z = scan (t in time, state h: [inner] = ‹|›')],
  ['in a scan', inBlock('let z = scan (t in time, state h: [inner] = 0) {\n    ‹|›\n  }')],
])('in a block: %s', (_, source) => {
  expect(shown(source)).toMatchSnapshot();
});

test.each([
  ['fields', inRecipe('‹|›')],
  ['choices', inRecipe('optimizer = ‹|›')],
  ['arguments of a choice', inRecipe('optimizer = AdamW(eps = 1e-8, ‹|›)')],
  ['units', inRecipe('warmup = 100 ‹|›')],
  ['a record', inRecipe('checkpoints = { ‹|› }')],
  ['selectors', inRecipe('init = { ‹|› }')],
  ['parts of a field', inRecipe('optimizer.‹|›')],
  ['choices of a part', inRecipe('faults = { spike = ‹|› }')],
])('in a recipe: %s', (_, source) => {
  expect(shown(source)).toMatchSnapshot();
});

test.each([
  ['an empty line', '‹|›\n  '],
  ['a line that is begun', 'h‹|›\n  '],
  ['the name of a field', '‹|›'],
])('fields that stand after the cursor are not proposed again: %s', (_, typed) => {
  const [above, below] = TINY.split('  head ') as [string, string];
  const offered = proposed(`${above}  ${typed}head ${below}`).split(/\s/);
  expect(offered.includes('head')).toBe(!typed.includes('\n'));
  expect(offered).not.toContain('norm');
  expect(offered).toContain('embedding');
  const recipe = `${TINY}train Run of Tiny {\n  ${typed}batch = 8 sequences\n  steps = 2\n}\n`;
  const fields = proposed(recipe).split(/\s/);
  expect(fields.includes('batch')).toBe(!typed.includes('\n'));
  expect(fields).not.toContain('steps');
  expect(fields).toContain('rate');
});

test.each(['// a com‹|›ment', 'model M { // ‹|›', 'model M {\n  F = "te‹|›xt"\n}'])('nothing in %s', (source) => {
  expect(proposed(source)).toBe('');
});

/** The file after a proposal was taken. */
function taken(source: string, label: string): string {
  const { place, position, texts } = marked(source);
  const item = completion(place, position, false).find((each) => each.label === label)!;
  const main = item.textEdit as { range: never; newText: string };
  return edited(texts[place.path]!, [main, ...(item.additionalTextEdits ?? [])]);
}

test('a name that is not imported yet is imported by taking it', () => {
  const library = inModel('M = Mam‹|›');
  expect(taken(library, 'Mamba2')).toBe(
    inModel('M = Mamba2()').replace('{Attention, MLP, RMSNorm}', '{Attention, MLP, RMSNorm, Mamba2}'),
  );
  const file = 'model M {\n  B = ‹|›\n}\n// file: blocks.hyb\nblock Mine(x: [time, width]) { return x }\n';
  expect(taken(file, 'Mine')).toBe('use "./blocks.hyb".{Mine}\n\nmodel M {\n  B = Mine()\n}\n');
});
