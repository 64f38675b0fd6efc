import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { formatBytes, formatCount } from '@hyb/compiler/inspect/units';
import { readDocuments, Tokenizer, trainTokenizer } from '@hyb/runtime';
import type { DataFile } from '@hyb/runtime';
import { writeText } from '../files/write.js';
import { CliError, EXIT } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import type { Progress } from '../terminal/progress.js';
import { withProgress } from '../terminal/progress.js';
import { heldOutFiles } from '../train/sources.js';

export interface TokenizerOptions {
  readonly vocab: number;
  readonly output: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Trains a tokenizer, and puts its files into a folder. */
export async function tokenizerTrain(io: Io, paths: readonly string[], options: TokenizerOptions): Promise<number> {
  const { vocab, output, force, json } = options;
  const folder = resolve(io.cwd, output);
  if (!force && existsSync(join(folder, 'tokenizer.json'))) {
    throw new CliError(
      `${output} holds a tokenizer.json already.`,
      'Name another folder with -o, or replace it with --force.',
    );
  }
  const files = (await heldOutFiles({ cwd: io.cwd, folder: io.cwd, root: io.cwd }, paths, undefined))!;
  let bytes = 0;
  const { tokenizer, config } = await withProgress(io, (progress) =>
    trainTokenizer(
      texts(files, progress, (read) => (bytes += read)),
      {
        vocab,
        onProgress: (share) => progress.show('Merging', share),
      },
    ),
  );
  const size = new Tokenizer({ tokenizer, config }).size;
  await writeText(join(folder, 'tokenizer.json'), `${JSON.stringify(tokenizer, null, 1)}\n`);
  await writeText(join(folder, 'tokenizer_config.json'), `${JSON.stringify(config, null, 2)}\n`);
  if (json) {
    io.out(`${JSON.stringify({ ok: true, folder: output, vocab: size, bytes }, null, 2)}\n`);
    return EXIT.ok;
  }
  io.out(
    `${io.paint.green('✓')} ${join(output, 'tokenizer.json')}: ${formatCount(size)} ids, from ${formatBytes(bytes)} of text\n`,
  );
  if (size < vocab) io.err(`The text has no more pairs that repeat; ${formatCount(vocab)} ids were asked for.\n`);
  return EXIT.ok;
}

async function* texts(
  files: readonly DataFile[],
  progress: Progress,
  onBytes: (bytes: number) => void,
): AsyncGenerator<string> {
  for (const file of files) {
    progress.show(`Counting words of ${file.name}`);
    for await (const { text, bytes } of readDocuments(file)) {
      onBytes(bytes);
      yield text;
    }
  }
}
