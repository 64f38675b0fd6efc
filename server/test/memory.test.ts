/** A long day of typing leaves memory as it was. `npm run bench -- --only editor` types ten thousand letters. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { allDiagnostics } from '../src/features/diagnostics.js';
import { inlayHints } from '../src/features/inlay-hints.js';
import { MemoryFiles } from '../src/workspace/files.js';
import { Workspace } from '../src/workspace/workspace.js';
import { ROOT, TINY } from './support/marked.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('findings and hints of old texts are forgotten', () => {
  const uri = `${ROOT}main.hyb`;
  const workspace = new Workspace(new MemoryFiles({}, [ROOT]));
  const typeUntil = (from: number, to: number): number => {
    for (let edit = from; edit < to; edit++) {
      // Another model each time, so that nothing is found again.
      const text = TINY.replace('inner = 4 * width', `inner = ${64 + edit}`);
      workspace.set({ uri, version: edit, getText: () => text });
      expect(allDiagnostics(workspace).get(uri)).toEqual([]);
      const place = workspace.at(uri);
      inlayHints(place, place.rangeOf({ start: 0, end: text.length }));
    }
    collect();
    return process.memoryUsage().heapUsed;
  };
  // What is kept for a while is kept by then.
  const early = typeUntil(0, 300);
  const late = typeUntil(300, 600);
  // Kept for ever, they take a multiple of that.
  expect(late - early).toBeLessThan(4e6);
});
