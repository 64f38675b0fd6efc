/** What the server does with a file, shown in the file. */
import { callHierarchy, incomingCalls, outgoingCalls } from '../src/features/call-hierarchy.js';
import { codeActions } from '../src/features/code-actions.js';
import { codeLenses } from '../src/features/code-lens.js';
import { definition, highlights, references } from '../src/features/definition.js';
import { allDiagnostics } from '../src/features/diagnostics.js';
import { folding } from '../src/features/folding.js';
import { formatRange, formatting } from '../src/features/formatting.js';
import { inlayHints } from '../src/features/inlay-hints.js';
import { modelViews } from '../src/features/model-view.js';
import { prepareRename, renameAt } from '../src/features/rename.js';
import { encodeTokens, semanticTokens, TOKEN_TYPES } from '../src/features/semantic-tokens.js';
import { signatureHelp } from '../src/features/signature-help.js';
import { documentSymbols, workspaceSymbols } from '../src/features/symbols.js';
import { virtualFile } from '../src/features/virtual-files.js';
import type { CallHierarchyItem, DocumentSymbol, Location, Range, WorkspaceEdit } from 'vscode-languageserver-types';
import { edited, marked, ROOT, TINY, withInsertions, withRanges } from './support/marked.js';
import type { Marked } from './support/marked.js';

const blocks = `// file: blocks.hyb
use std.{RMSNorm}
/// A gate.
block Gate(
  inner: int,
  activation: fn = silu,
)(x: [time, width]) -> [time, width] {
  slot hidden = RMSNorm
  param up   = linear(width -> inner)
  param down = linear(inner -> width)
  let y = activation(up(x))
  let z = scan (t in time, state h: [inner] = 0) { h = h + y[t]; yield h }
  return down(hidden(y * z))
}
`;
const model = `use "./blocks.hyb".{Gate}
use std.{RMSNorm as Norm}
model Base {
  vocab   = 16
  width   = 8
  context = 64
  G = Gate(inner = 12)
  norm   = { pre = Norm }
  layers = pattern("GG", { G: G })
  head   = { norm = Norm, tie = true }
  precision { state in G = f32, weights in G.up = bf16 }
}
model Wide = Base with { G.inner = 24, G.norm.hidden = none, layers[1].activation = gelu }
`;
const project = model + blocks;
const mark = (source: string, at: string, to: string): string => {
  if (!source.includes(at)) throw new Error(`no ${at}`);
  return source.replace(at, to);
};

const inTexts = ({ texts }: Marked, locations: readonly Location[]): string =>
  Object.entries(texts)
    .map(([name, text]) => {
      const ranges = locations.filter(({ uri }) => uri === ROOT + name).map(({ range }) => range);
      const lines = withRanges(text, ranges).split('\n');
      return lines
        .filter((line) => line.includes('‹'))
        .map((line) => `${name}: ${line.trim()}`)
        .join('\n');
    })
    .concat(
      locations.filter(({ uri }) => !uri.startsWith(ROOT)).map(({ uri, range }) => `${uri}:${range.start.line + 1}`),
    )
    .filter(Boolean)
    .join('\n');

describe.each([
  ['an alias', mark(project, '  G = Gate', '  ‹|›G = Gate')],
  ['a letter of a pattern', mark(project, '("GG"', '("G‹|›G"')],
  ['a parameter in another file', mark(project, 'G.inner', 'G.inn‹|›er')],
  ['a slot', mark(project, 'norm.hidden', 'norm.hid‹|›den')],
  ['a block', mark(project, '{Gate}', '{Ga‹|›te}')],
  ['a name with another name', mark(project, 'pre = Norm', 'pre = No‹|›rm')],
  ['a state', mark(project, 'h = h + y[t]', 'h = ‹|›h + y[t]')],
  ['a base', mark(project, 'Wide = Base', 'Wide = Ba‹|›se')],
])('%s', (_, source) => {
  test('definition', () => {
    const at = marked(source);
    expect(inTexts(at, definition(at.place, at.position))).toMatchSnapshot();
  });
  test('references', () => {
    const at = marked(source);
    const found = references(at.place, at.position, true);
    expect(inTexts(at, found)).toMatchSnapshot();
    const here = found.filter(({ uri }) => uri === ROOT + at.place.path);
    expect(highlights(at.place, at.position).map(({ range }) => range)).toEqual(here.map(({ range }) => range));
  });
});

test('the file of a `use`', () => {
  const at = marked(mark(project, '"./blocks', '"./blo‹|›cks'));
  expect(definition(at.place, at.position).map(({ uri }) => uri)).toEqual([`${ROOT}blocks.hyb`]);
});

describe.each([
  ['a block', mark(project, '{Gate}', '{Ga‹|›te}')],
  ['a model’s name for a block', mark(project, '  G = Gate', '  ‹|›G = Gate')],
  ['a norm with another name', mark(project, 'pre = Norm', 'pre = No‹|›rm')],
  ['a model', mark(project, 'model Base', 'model Ba‹|›se')],
  ['a function', `fn twice(x) = x + x\nfn four(x) = twice(tw‹|›ice(x))\n`],
])('hierarchy of %s', (_, source) => {
  test('who is made of it, and what it is made of', () => {
    const at = marked(source);
    const where = ({ uri, name }: CallHierarchyItem, ranges: readonly Range[], inUri: string): string =>
      [
        `${name} of ${uri.replace(ROOT, '')}`,
        inTexts(
          at,
          ranges.map((range) => ({ uri: inUri, range })),
        ),
      ].join('\n');
    const shown = callHierarchy(at.place, at.position).map((item) => {
      const there = at.workspace.at(item.uri);
      const incoming = incomingCalls(there, item).map(({ from, fromRanges }) => where(from, fromRanges, from.uri));
      const outgoing = outgoingCalls(there, item).map(({ to, fromRanges }) => where(to, fromRanges, item.uri));
      return [`${item.name} ${item.detail}`, '  from', ...incoming, '  to', ...outgoing].join('\n');
    });
    expect(shown.join('\n')).toMatchSnapshot();
  });
});

test('a hierarchy of what is not there any longer is empty', () => {
  const at = marked(mark(project, '{Gate}', '{Ga‹|›te}'));
  const [item] = callHierarchy(at.place, at.position);
  const renamed = at.texts['blocks.hyb']!.replace('block Gate', 'block Gates');
  at.workspace.set({ uri: item!.uri, version: 2, getText: () => renamed });
  expect(incomingCalls(at.workspace.at(item!.uri), item!)).toEqual([]);
  const gone = { ...item!, uri: `${ROOT}gone.hyb` };
  expect(outgoingCalls(at.workspace.at(gone.uri), gone)).toEqual([]);
});

/** All files after an edit. */
function after({ texts }: Marked, { changes = {} }: WorkspaceEdit): string {
  return Object.entries(texts)
    .map(([name, text]) => `// ${name}\n${edited(text, changes[ROOT + name] ?? [])}`)
    .join('');
}

test('renaming across files', () => {
  const parameter = marked(mark(project, '  inner: int', '  inn‹|›er: int'));
  expect(prepareRename(parameter.place, parameter.position).placeholder).toBe('inner');
  expect(after(parameter, renameAt(parameter.place, parameter.position, 'channels'))).toMatchSnapshot();
  const alias = marked(mark(project, '= Norm, tie', '= No‹|›rm, tie'));
  expect(after(alias, renameAt(alias.place, alias.position, 'Rms'))).toMatchSnapshot();
});

test('letters of a pattern string stay when what they stand for is renamed', () => {
  const block = marked(mark(project, '  G = Gate', '  ‹|›G = Gate'));
  expect(after(block, renameAt(block.place, block.position, 'Mixer'))).toMatchSnapshot();
});

test.each([
  ['a name of the library', mark(project, 'std.{RMSNorm as', 'std.{RMS‹|›Norm as'), 'Other'],
  ['a name that is taken', mark(project, '  G = Gate', '  ‹|›G = Gate'), 'width'],
  ['a field', mark(project, 'context =', 'cont‹|›ext ='), 'ctx'],
  ['no name', mark(project, '= 16', '= 1‹|›6'), 'x'],
  ['a letter of a pattern', mark(project, '("GG"', '("‹|›GG"'), 'Other'],
])('renaming refused: %s', (_, source, name) => {
  const at = marked(source);
  expect(() => renameAt(at.place, at.position, name)).toThrowErrorMatchingSnapshot();
});

const wrong = `use std.{MLP, RMSNorms}
model M {
  vocab = 4, width = 8, context = 16
  F = MLP(iner = 8, activation = relu3)
  norm = { pre = RMSNorm }
  layers = [F]
  unused = 3
  head = { tie = true }
}
`;

test('findings with places, codes, pages, and what is unused', () => {
  const { workspace, texts } = marked(wrong);
  const all = allDiagnostics(workspace).get(`${ROOT}main.hyb`)!;
  const shown = all.map((each) => {
    const line = withRanges(texts['main.hyb']!, [each.range]).split('\n')[each.range.start.line]!.trim();
    const related = (each.relatedInformation ?? []).map(({ location, message }) => `  ${message}: ${location.uri}`);
    return [
      line,
      `${each.severity} ${each.code} ${each.message} ${each.codeDescription?.href} ${each.tags ?? ''}`,
      ...related,
    ].join('\n');
  });
  expect(shown.join('\n\n')).toMatchSnapshot();
  for (const { codeDescription } of all) expect(virtualFile(codeDescription!.href)).toMatch(/^# HYB\d{4}/);
});

test.each([
  ['one', mark(wrong, 'RMSNorms', '‹RMSNorms›')],
  ['another', mark(wrong, 'iner', '‹iner›')],
])('quick fixes: %s', (_, source) => {
  const at = marked(source);
  const shown = codeActions(at.place, at.range).map(({ title, kind, edit }) => {
    const changed = after(at, edit!).split('\n');
    const before = after(at, {}).split('\n');
    return `${title} (${kind})\n${changed.filter((line, i) => line !== before[i]).join('\n')}`;
  });
  expect(`${source.split('\n').find((line) => line.includes('‹'))}\n${shown.join('\n')}`).toMatchSnapshot();
});

test('hints between the lines', () => {
  for (const source of [
    model.replace('model Base', '‹|›model Base') + blocks,
    mark(project, '/// A gate', '‹|›/// A gate'),
  ]) {
    const { place, texts } = marked(source);
    const text = texts[place.path]!;
    const hints = inlayHints(place, place.rangeOf({ start: 0, end: text.length }));
    const insertions = hints.map(({ position, label }) => ({ position, text: ` «${label as string}»` }));
    expect(withInsertions(text, insertions)).toMatchSnapshot();
  }
});

test('lenses above models and recipes', () => {
  const at = marked(
    `${project.replace(blocks, '')}train Run of Base { batch = 8, steps = 10, rate = 1e-3 }\ntrain Longer = Run with { steps = 20 }\n${blocks}`,
  );
  const lines = at.texts['main.hyb']!.split('\n');
  const shown = codeLenses(at.place).map(({ range, command }) => `${command!.title}: ${lines[range.start.line]}`);
  expect(shown.join('\n')).toMatchSnapshot();
});

test('outlines', () => {
  const print = (symbols: readonly DocumentSymbol[], indent = ''): string =>
    symbols
      .map(
        ({ name, kind, detail = '', children = [] }) =>
          `${indent}${kind} ${name} ${detail}\n${print(children, `${indent}  `)}`,
      )
      .join('');
  const at = marked(project);
  expect(print(documentSymbols(at.place))).toMatchSnapshot();
  expect(print(documentSymbols(at.workspace.at(`${ROOT}blocks.hyb`)))).toMatchSnapshot();
  expect(workspaceSymbols(at.workspace.roots, 'gt').map(({ name }) => name)).toEqual(['Gate']);
});

test('folding', () => {
  const { place, texts } = marked(mark(project, 'use std.{RMSNorm}\n///', 'use std.{RMSNorm}\n‹|›///'));
  const lines = texts[place.path]!.split('\n');
  expect(
    folding(place).map(({ startLine, endLine }) => `${lines[startLine]} … ${lines[endLine]!.trim()}`),
  ).toMatchSnapshot();
});

test('formatting changes the lines that need it, and leaves files with errors alone', async () => {
  const source = 'model M {\n  vocab=4\n  width = 8\n\n\n\n  layers = [ A,A ]\n}\n';
  const { place, texts } = marked(source);
  const edits = await formatting(place);
  expect(edited(texts['main.hyb']!, edits)).toBe('model M {\n  vocab = 4\n  width = 8\n\n  layers = [A, A]\n}\n');
  expect(edits[0]!.range.start.line).toBe(1);
  expect(await formatting(marked('model M { width = }').place)).toEqual([]);
  expect(await formatting(marked(edited(texts['main.hyb']!, edits)).place)).toEqual([]);
});

test('formatting a selection changes the declarations that it touches, and works beside errors', async () => {
  const source = `model A { vocab=4, width=8 }

‹model B {
  vocab=4
    width = 8
}   // the second

model C›{ vocab=5 }
model D { width = }
model E { vocab=6 }
`;
  const { place, range, texts } = marked(source);
  expect(edited(texts['main.hyb']!, await formatRange(place, range))).toBe(`model A { vocab=4, width=8 }

model B {
  vocab = 4
  width = 8
}   // the second

model C { vocab = 5 }
model D { width = }
model E { vocab=6 }
`);
  const broken = marked(mark(source.replace(/[‹›]/g, ''), 'model D', 'mod‹|›el D'));
  expect(await formatRange(broken.place, broken.range)).toEqual([]);
});

test('semantic tokens', () => {
  for (const source of [project, mark(project, '/// A gate', '‹|›/// A gate')]) {
    const { place, texts } = marked(source);
    const text = texts[place.path]!;
    const tokens = semanticTokens(place);
    const shown = tokens.map(
      ({ start, end, type, modifiers }) => `${text.slice(start, end)}: ${[type, ...modifiers].join(' ')}`,
    );
    expect(shown.join('\n')).toMatchSnapshot();
    // They neither overlap nor leave the legend.
    for (const [i, { start }] of tokens.entries()) expect(start).toBeGreaterThanOrEqual(tokens[i - 1]?.end ?? 0);
    const data = encodeTokens(place, tokens);
    expect(data).toHaveLength(5 * tokens.length);
    expect(data.filter((_, i) => i % 5 === 3).every((type) => type >= 0 && type < TOKEN_TYPES.length)).toBe(true);
  }
});

test.each([
  ['a block', mark(project, 'Gate(inner = 12)', 'Gate(inner = 12, ‹|›)')],
  ['a named argument', mark(project, 'Gate(inner = 12)', 'Gate(activation = ‹|›')],
  ['a built-in function', mark(project, 'return down(', 'let q = clamp(y, ‹|›)\n  return down(')],
  ['a choice of a recipe', `${project}train Run of Base { schedule = cosine(floor = ‹|›`],
  ['a map', mark(project, 'linear(width -> inner)', 'linear(width -> inner, ‹|›)')],
])('signature help: %s', (_, source) => {
  const { place, position } = marked(source);
  const help = signatureHelp(place, position)!;
  const [signature] = help.signatures;
  const parameter = signature!.parameters?.[help.activeParameter ?? -1]?.label as [number, number] | undefined;
  const { label } = signature!;
  const shown =
    parameter === undefined
      ? label
      : `${label.slice(0, parameter[0])}‹${label.slice(...parameter)}›${label.slice(parameter[1])}`;
  expect(shown).toMatchSnapshot();
});

test('models as a picture shows them lead to the source', () => {
  const { place } = marked(project);
  const { models, uris } = modelViews(place, false);
  expect(models.map(({ model: name, parameters }) => [name, parameters])).toEqual([
    ['Base', expect.any(Number)],
    ['Wide', expect.any(Number)],
  ]);
  const layer = models[0]!.layers.find(({ index }) => index === 1)!;
  expect(uris[layer.place.file]).toBe(`${ROOT}main.hyb`);
  expect(model.slice(layer.place.start, layer.place.end)).toBe('G');
  expect(Object.values(uris)).toContain('hyb-std:/norms.hyb');
});

test('the library’s own files', () => {
  const { workspace } = marked(TINY);
  const uri = 'hyb-std:/norms.hyb';
  workspace.set({ uri, version: 1, getText: () => virtualFile(uri)! });
  const place = workspace.at(uri);
  expect(documentSymbols(place).map(({ name }) => name)).toContain('RMSNorm');
  expect(allDiagnostics(workspace).get(uri)).toEqual([]);
  const position = { line: 1, character: 6 };
  expect(references(place, position, false).map((each) => each.uri)).toContain(`${ROOT}main.hyb`);
  expect(() => prepareRename(place, position)).toThrow('standard library');
});
