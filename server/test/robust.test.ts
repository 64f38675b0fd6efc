/** Whatever is typed, the server answers, and ends with what a fresh one says. `HYB_EDITS` asks for more. */
import fc from 'fast-check';
import { callHierarchy, incomingCalls, outgoingCalls } from '../src/features/call-hierarchy.js';
import { codeActions } from '../src/features/code-actions.js';
import { codeLenses } from '../src/features/code-lens.js';
import { completion } from '../src/features/completion/completion.js';
import { definition, highlights, references } from '../src/features/definition.js';
import { allDiagnostics } from '../src/features/diagnostics.js';
import { folding } from '../src/features/folding.js';
import { hover } from '../src/features/hover.js';
import { inlayHints } from '../src/features/inlay-hints.js';
import { modelViews } from '../src/features/model-view.js';
import { Refused, renameAt } from '../src/features/rename.js';
import { encodeTokens, semanticTokens } from '../src/features/semantic-tokens.js';
import { signatureHelp } from '../src/features/signature-help.js';
import { documentSymbols } from '../src/features/symbols.js';
import { MemoryFiles } from '../src/workspace/files.js';
import { Workspace } from '../src/workspace/workspace.js';
import { ROOT, TINY } from './support/marked.js';

const sources: Readonly<Record<string, string>> = {
  'blocks.hyb': `use std.{RMSNorm}
block Gate(inner: int, activation: fn = silu)(x: [time, width]) -> [time, width] {
  require inner % 2 == 0, "inner is even"
  slot hidden = RMSNorm
  param up   = linear(width -> inner) @init(normal(0.1))
  param down = linear(inner -> width)
  let y = activation(up(x))
  let z = scan (t in time, state h: [inner] = 0) { h = h + y[t]; yield h }
  return down(hidden(y * z))
}
fn twice(x) = x + x
`,
  'main.hyb': `use "./blocks.hyb".{Gate}\n${TINY}
model More = Tiny with { A.norm.qk = RMSNorm, layers = pattern("AFG", { A: A, F: F, G: A }), layers[1].bias = true }
train Run of More { batch = 8 sequences, steps = 10, rate = 1e-3, optimizer = AdamW(eps = 1e-8), init = { A.q = normal } }
weights Map { "a.{layer}" = concat(A.q.weight, A.k.weight) }
`,
};
const names = Object.keys(sources);
const pieces = [...new Set(Object.values(sources).flatMap((text) => text.match(/\w+|"[^"\n]*"|[^\s\w]/g) ?? []))];

const edit = fc.record({
  file: fc.constantFrom(...names),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.oneof(fc.constant(0), fc.nat(3), fc.nat(60)),
  added: fc.oneof(
    fc.constantFrom('', '\n', ' ', '.', '(', '{', '"', '// ', 'é', '😀', '\r\n', ...pieces),
    fc.array(fc.constantFrom(...pieces), { maxLength: 5 }).map((all) => all.join(' ')),
  ),
});

function open(texts: ReadonlyMap<string, string>): Workspace {
  const workspace = new Workspace(new MemoryFiles({}, [ROOT]));
  for (const [name, text] of texts) workspace.set({ uri: ROOT + name, version: 1, getText: () => text });
  return workspace;
}

/** Everything that an editor may ask at a place. */
function askAll(workspace: Workspace, name: string, offset: number): void {
  const place = workspace.at(ROOT + name);
  const position = place.rangeOf({ start: offset, end: offset }).start;
  const whole = place.rangeOf({ start: 0, end: place.file.text.length });
  hover(place, position);
  completion(place, position, true);
  signatureHelp(place, position);
  definition(place, position);
  references(place, position, true);
  highlights(place, position);
  codeActions(place, { start: position, end: position });
  codeLenses(place);
  for (const item of callHierarchy(place, position)) {
    incomingCalls(workspace.at(item.uri), item);
    outgoingCalls(workspace.at(item.uri), item);
  }
  modelViews(place, false);
  documentSymbols(place);
  folding(place);
  inlayHints(place, whole);
  encodeTokens(place, semanticTokens(place));
  try {
    renameAt(place, position, 'renamed');
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

test('random edits', () => {
  const numRuns = Number(process.env['HYB_EDITS'] ?? 20);
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
      const texts = new Map(Object.entries(sources));
      const workspace = open(texts);
      for (const { file, at, removed, added } of edits) {
        const before = texts.get(file)!;
        const start = Math.floor(at * before.length);
        const text = before.slice(0, start) + added + before.slice(start + removed);
        texts.set(file, text);
        workspace.set({ uri: ROOT + file, version: 2, getText: () => text });
        askAll(workspace, file, Math.min(start + added.length, text.length));
      }
      const fresh = open(texts);
      expect(allDiagnostics(workspace)).toEqual(allDiagnostics(fresh));
      for (const name of names) {
        expect(modelViews(workspace.at(ROOT + name), false)).toEqual(modelViews(fresh.at(ROOT + name), false));
      }
    }),
    { numRuns, seed: 11 },
  );
});

test('a file typed letter by letter', () => {
  const text = sources['blocks.hyb']!;
  const texts = new Map([['main.hyb', '']]);
  const workspace = open(texts);
  for (let end = 0; end <= text.length; end += 7) {
    const typed = text.slice(0, end);
    workspace.set({ uri: `${ROOT}main.hyb`, version: end, getText: () => typed });
    askAll(workspace, 'main.hyb', end);
    allDiagnostics(workspace);
  }
  expect(allDiagnostics(workspace)).toEqual(
    allDiagnostics(open(new Map([['main.hyb', text.slice(0, text.length - (text.length % 7))]]))),
  );
});
