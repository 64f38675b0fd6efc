/** Editors spell the URI of one file in more than one way; what they have open counts, not what is on the disk. */
import { allDiagnostics } from '../src/features/diagnostics.js';
import { formatting } from '../src/features/formatting.js';
import { canonical } from '../src/workspace/addresses.js';
import { MemoryFiles } from '../src/workspace/files.js';
import { Workspace } from '../src/workspace/workspace.js';
import { TINY } from './support/marked.js';

test.each([
  ["file:///my%20models/it's%20(one).hyb", 'file:///my%20models/it%27s%20%28one%29.hyb'],
  ['file:///c%3A/a+b,c/@x.hyb', 'file:///c:/a%2Bb%2Cc/%40x.hyb'],
  ['file://host/Gr%C3%B6%C3%9Fe.hyb', 'file://host/Größe.hyb'],
  ['untitled:Untitled-1', 'untitled:Untitled-1'],
  ['hyb-std:/norms.hyb', 'hyb-std:/norms.hyb'],
  ['file:///100%.hyb', 'file:///100%.hyb'],
])('%s and %s are one', (one, other) => {
  expect(canonical(one)).toBe(canonical(other));
  expect(canonical(canonical(one))).toBe(canonical(one));
});

test('a file whose URI the editor spells in its own way is read from the editor, and answered in that spelling', async () => {
  const block = (name: string): string => `block ${name}(x: [time, width]) -> [time, width] { return x }\n`;
  // As VS Code writes them, and as others do.
  const folder = 'file:///its%20%22own%22%20models%27/';
  const blocks = `file:///its%20%22own%22%20models'/it's.hyb`;
  const files = new MemoryFiles({ [blocks]: block('Old') }, [folder]);
  const workspace = new Workspace(files);
  const uri = `${folder}a%20model%27s.hyb`;
  const set = (text: string): void => workspace.set({ uri, version: 1, getText: () => text });
  set(`use "./it's.hyb".{Old}\nmodel   X = Old\n`);
  const found = () =>
    allDiagnostics(workspace)
      .get(uri)!
      .map(({ message }) => String(message));
  expect(found()).toEqual([expect.stringContaining('Old')]);
  // On the disk there is another text, from before.
  files.set(uri.replaceAll('%27', "'"), TINY);
  set(`use "./it's.hyb".{Old}\nfn  f(x) = x\n`);
  expect((await formatting(workspace.at(uri))).map(({ newText }) => newText)).toEqual([
    expect.stringContaining('fn f(x)'),
  ]);
  expect(workspace.roots).toHaveLength(1);
  const before = found();
  const other = `${folder}it%27s.hyb`;
  workspace.set({ uri: other, version: 1, getText: () => block('New') });
  expect(found()).not.toEqual(before);
  expect([...allDiagnostics(workspace).keys()].sort()).toEqual([uri, other].sort());
  workspace.close(other);
  expect(found()).toEqual(before);
});
