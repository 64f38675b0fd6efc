import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { byteTokenizer } from '../../src/text/byte-tokenizer.js';
import { dataFile, dataText, filesAt } from '../../src/train/data/files.js';
import type { DataFile } from '../../src/train/data/files.js';
import { prepareTokens } from '../../src/train/data/cache.js';
import { mixtureAt, pick } from '../../src/train/data/mixture.js';
import { evaluationOf, prepareData } from '../../src/train/data/prepare.js';
import { readDocuments } from '../../src/train/data/read.js';
import type { DocumentPiece } from '../../src/train/data/read.js';
import { dataStream } from '../../src/train/data/stream.js';
import { openTokens } from '../../src/train/data/tokens.js';
import { readWindow, split, windowsOf } from '../../src/train/data/windows.js';
import { diskFiles } from '../../src/train/files/disk.js';
import { memoryFiles } from '../../src/train/files/memory.js';
import { permute } from '../../src/train/random.js';
import type { ByteSource } from '../../src/weights/types.js';

const END = 256;
const tokenizer = { codec: byteTokenizer, key: 'bytes' };
const bytes = (text: string): number[] => [...Buffer.from(text)];

async function documents(name: string, content: string | Uint8Array): Promise<DocumentPiece[]> {
  const pieces: DocumentPiece[] = [];
  const file = dataFile(name, typeof content === 'string' ? new TextEncoder().encode(content) : content);
  for await (const piece of readDocuments(file)) pieces.push(piece);
  return pieces;
}

async function allTokens(files: readonly DataFile[]): Promise<number[][]> {
  const source = await prepareTokens(files, { tokenizer, cache: memoryFiles() });
  return (await source.read(0, source.info.tokens)).map((piece) => [...piece]);
}

describe('documents', () => {
  test('a text is one, in pieces that begin with a line', async () => {
    const text = 'né \n\n  x y\nzz\n'.repeat(40_000);
    const pieces = await documents('a.txt', text);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    expect(pieces.reduce((sum, piece) => sum + piece.bytes, 0)).toBe(Buffer.byteLength(text));
    expect(pieces.map(({ first }) => first)).toEqual(pieces.map((_, i) => i === 0));
    expect(pieces.map(({ last }) => last)).toEqual(pieces.map((_, i) => i === pieces.length - 1));
    for (const { text: piece } of pieces.slice(1)) expect(piece).toMatch(/^\S/);
    for (const { text: piece } of pieces.slice(0, -1)) expect(piece).toMatch(/\n$/);
  });
  test('JSON lines are one each', async () => {
    const lines = '{"text": "one\\n"}\n\n{"id": 2, "text": "zwei ü"}\r\n{"text": ""}\n{"text": "3"}';
    for (const [name, content] of [
      ['a.jsonl', lines],
      ['a.ndjson.gz', gzipSync(lines)],
    ] as const) {
      const found = await documents(name, content);
      expect(found.map(({ text }) => text)).toEqual(['one\n', 'zwei ü', '3']);
      expect(found.map((piece) => piece.bytes)).toEqual([4, 7, 1]);
    }
    expect(await documents('empty.txt', '')).toEqual([]);
  });
  test('what is wrong is said with its place', async () => {
    await expect(documents('a.jsonl', '{"text": "x"}\n{"text": 1}')).rejects.toThrow(
      'a.jsonl:2: there is no string "text"',
    );
    await expect(documents('a.jsonl', '{"text": "x"}\nx')).rejects.toThrow('a.jsonl:2: no JSON');
    await expect(documents('a.txt', Uint8Array.of(65, 0xff))).rejects.toThrow('a.txt is not text in UTF-8');
    const cut = gzipSync('text').subarray(0, 12);
    await expect(documents('a.txt.gz', cut)).rejects.toThrow('a.txt.gz is not a whole gzip file');
  });
  test('of a folder, those with text, in order', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hyb-data-'));
    try {
      await mkdir(join(folder, 'b/c'), { recursive: true });
      for (const path of ['z.txt', 'b/c/1.jsonl', 'b/2.md.gz', 'b/image.png', '.hidden.txt'])
        await writeFile(join(folder, path), '');
      await symlink('/etc', join(folder, 'link.d'));
      const files = diskFiles(folder);
      expect((await filesAt(files, '')).map(({ name }) => name)).toEqual(['b/2.md.gz', 'b/c/1.jsonl', 'z.txt']);
      expect((await filesAt(files, 'b/image.png')).map(({ name }) => name)).toEqual(['b/image.png']);
      await expect(filesAt(files, 'nothing')).rejects.toThrow('nothing does not exist');
      await expect(filesAt(files, '../x')).rejects.toThrow('leads out of its folder');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the cache of tokens', () => {
  test('documents end with the end of text, and begin where they begin', async () => {
    const files = [dataText('ab\n'), dataFile('b.jsonl', new TextEncoder().encode('{"text":"c"}\n{"text":"de"}'))];
    expect(await allTokens(files)).toEqual([
      [...bytes('ab\n'), END],
      [...bytes('c'), END],
      [...bytes('de'), END],
    ]);
  });
  test('is made once, and again if the content or the tokenizer changes', async () => {
    const contents = new Map<string, Uint8Array>();
    const cache = memoryFiles(contents);
    let encoded = 0;
    const counting = {
      ...byteTokenizer,
      encode: (text: string) => {
        encoded += 1;
        return byteTokenizer.encode(text);
      },
    };
    const prepare = (text: string, key = 'bytes', name?: string) =>
      prepareTokens([dataText(text, name)], { cache, tokenizer: { codec: counting, key } });
    const first = await prepare('some text');
    const before = encoded;
    expect((await prepare('some text')).info).toEqual(first.info);
    expect((await prepare('some text', 'bytes', 'other-name.txt')).info).toEqual(first.info);
    // Only what the tokenizer puts around a document is asked for again, if that.
    expect(encoded).toBe(before);
    expect((await prepare('some texT')).info.key).not.toBe(first.info.key);
    expect((await prepare('some text', 'other')).info.key).not.toBe(first.info.key);
    expect([...contents.keys()].some((path) => path.includes('partial'))).toBe(false);
  });
  test('a file that the file system says is the same is read once', async () => {
    const cache = memoryFiles();
    let [text, state, changed, reads] = ['one', 'a', Date.now() - 60_000, 0];
    const file: DataFile = {
      name: 'a.txt',
      open: () => {
        reads += 1;
        return dataText(text).open();
      },
      state: () => Promise.resolve({ path: '/a.txt', size: text.length, state, changed }),
    };
    /** Times that the file is opened, beside that its size is asked for. */
    const start = async (): Promise<readonly [key: string, reads: number]> => {
      reads = -1;
      const { info } = await prepareTokens([file], { tokenizer, cache });
      return [info.key, reads];
    };
    const [one] = await start();
    expect(await start()).toEqual([one, 0]);
    // Another state: it is read again, whatever it holds.
    state = 'b';
    expect(await start()).toEqual([one, 1]);
    expect(await start()).toEqual([one, 0]);
    // Changed just now: what is read now may not be all that comes of it, so that the next start does not rely on it.
    [text, state, changed] = ['two', 'c', Date.now()];
    const [two] = await start();
    expect(two).not.toBe(one);
    expect(await start()).toEqual([two, 1]);
    // A record that is damaged is as good as none.
    changed = Date.now() - 60_000;
    expect(await start()).toEqual([two, 1]);
    const [record] = (await cache.list('digests')).map(({ name }) => name);
    await (await cache.create(`digests/${record}`)).close();
    expect(await start()).toEqual([two, 1]);
  });
  test('a file of as many bytes with the same time of change is another one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hyb-state-'));
    try {
      const path = join(folder, 'a.txt');
      await writeFile(path, 'one');
      await utimes(path, 1000, 1000);
      const [file] = await filesAt(diskFiles(folder), 'a.txt');
      const before = await file!.state!();
      expect(before).toMatchObject({ path, size: 3 });
      expect(await file!.state!()).toEqual(before);
      await new Promise((resolve) => setTimeout(resolve, 20));
      await writeFile(path, 'two');
      await utimes(path, 1000, 1000);
      const after = await file!.state!();
      expect(after.size).toBe(3);
      expect(after.state).not.toBe(before.state);
      expect(after.changed).toBeGreaterThan(1e12);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
  test('leaves nothing half made', async () => {
    const contents = new Map<string, Uint8Array>();
    const failing = { ...byteTokenizer, encode: (text: string): number[] => (text === '' ? [] : fail()) };
    const fail = (): never => {
      throw new Error('no');
    };
    const options = { cache: memoryFiles(contents), tokenizer: { codec: failing, key: 'x' } };
    await expect(prepareTokens([dataText('text')], options)).rejects.toThrow('no');
    expect(contents.size).toBe(0);
  });
  test('is read by position, cut at documents', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(30), { minLength: 1, maxLength: 30 }),
        fc.nat(400),
        fc.nat(40),
        async (lengths, a, n) => {
          const lines = lengths.map((length, i) =>
            JSON.stringify({ text: String.fromCharCode(65 + (i % 26)).repeat(length + 1) }),
          );
          const source = await prepareTokens([dataFile('a.jsonl', new TextEncoder().encode(lines.join('\n')))], {
            tokenizer,
            cache: memoryFiles(),
          });
          const all = lengths.flatMap((length, i) => [
            ...bytes(String.fromCharCode(65 + (i % 26)).repeat(length + 1)),
            END,
          ]);
          const start = a % all.length;
          const count = 1 + (n % (all.length - start));
          const pieces = await source.read(start, count);
          expect(pieces.flatMap((piece) => [...piece])).toEqual(all.slice(start, start + count));
          for (const piece of pieces.slice(0, -1)) expect(piece.indexOf(END)).toBe(piece.length - 1);
          expect(source.info).toMatchObject({ tokens: all.length, documents: lengths.length });
        },
      ),
      { numRuns: 50 },
    );
  });
  test.each([2 ** 31, 2 ** 32 + 3, 2 ** 40 + 8])('also at token %p', async (start) => {
    const tokens = start + 20;
    // A document begins at the fifth token that is read.
    const bit = (byte: number): number => (byte === Math.floor((start + 5) / 8) ? 1 << ((start + 5) % 8) : 0);
    const sizes = { 'tokens.bin': 2 * tokens, 'starts.bin': Math.ceil(tokens / 8) };
    const value = { 'tokens.bin': (byte: number) => (byte % 2 === 0 ? (byte / 2) % 200 : 0), 'starts.bin': bit };
    const open = (path: string): Promise<ByteSource> => {
      const name = path.split('/')[1] as keyof typeof sizes;
      const read = (offset: number, length: number) =>
        Promise.resolve(Uint8Array.from({ length }, (_, i) => value[name](offset + i)));
      return Promise.resolve({ name, size: sizes[name], read });
    };
    const info = { key: 'k', width: 2, tokens, documents: 2, bytes: tokens } as const;
    const source = await openTokens({ ...memoryFiles(), open }, 'k', info);
    const ids = (from: number, count: number) => Array.from({ length: count }, (_, i) => (start + from + i) % 200);
    expect((await source.read(start, 12)).map((piece) => [...piece])).toEqual([ids(0, 5), ids(5, 7)]);
  });
  test('ids over 65,535 have room', async () => {
    const wide = { ...byteTokenizer, size: 70_000, encode: (text: string) => bytes(text).map((id) => id + 69_000) };
    const source = await prepareTokens([dataText('ab')], {
      tokenizer: { codec: wide, key: 'w' },
      cache: memoryFiles(),
    });
    expect((await source.read(0, 2)).map((piece) => [...piece])).toEqual([[69_097, 69_098]]);
  });
});

describe('windows', () => {
  const of = async (text: string, length: number) =>
    windowsOf(await prepareTokens([dataText(text)], { tokenizer, cache: memoryFiles() }), length, { rest: true });

  test('predict every token but the first once', async () => {
    const text = 'abcdefghijklmnopqrstuvwxyz';
    for (const length of [2, 5, 26, 27, 40]) {
      const windows = await of(text, length);
      const predicted: number[] = [];
      for (let i = 0; i < windows.count; i++) {
        const sequences = await readWindow(windows, i);
        for (const { tokens } of sequences) predicted.push(...Array.from(tokens).slice(1));
        expect(sequences.every(({ tokens }) => tokens.length <= length)).toBe(true);
      }
      expect(predicted).toEqual([...bytes(text.slice(1)), END]);
    }
  });
  test('hold their documents apart, without those of one token', async () => {
    const file = dataFile(
      'a.jsonl',
      new TextEncoder().encode(['ab', 'c', 'defg'].map((text) => JSON.stringify({ text })).join('\n')),
    );
    const windows = windowsOf(await prepareTokens([file], { tokenizer, cache: memoryFiles() }), 6);
    const read = async (i: number) => (await readWindow(windows, i)).map(({ tokens }) => Array.from(tokens));
    expect(await read(0)).toEqual([
      [...bytes('ab'), END],
      [...bytes('c'), END],
    ]);
    expect(windows.count).toBe(1);
  });
  test('some are held out', async () => {
    const windows = await of('x'.repeat(100), 11);
    expect(windows.count).toBe(10);
    for (const [last, before, after] of [
      [3.3, 7, 3],
      [4, 6, 4],
      [0.001, 9, 1],
      [99, 1, 9],
    ]) {
      const parts = split(windows, last!);
      expect([parts.before.count, parts.after.count, parts.after.first]).toEqual([before, after, before]);
    }
  });
});

describe('the order', () => {
  test('is a permutation, another one for every key', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), (count, key) => {
        const order = Array.from({ length: count }, (_, i) => permute(i, count, key));
        expect([...order].sort((a, b) => a - b)).toEqual(order.map((_, i) => i));
      }),
    );
    const order = (key: number): number[] => Array.from({ length: 1000 }, (_, i) => permute(i, 1000, key));
    const [a, b] = [order(1), order(2)];
    expect(a.filter((x, i) => x === b[i]).length).toBeLessThan(20);
    // As many go up as down: nothing of the old order is left.
    const ups = a.slice(1).filter((x, i) => x > a[i]!).length;
    expect(Math.abs(ups - 500)).toBeLessThan(60);
    // Numbers that no bit operation of JavaScript could hold.
    expect(new Set(Array.from({ length: 100 }, (_, i) => permute(i, 2 ** 40, 3))).size).toBe(100);
  });

  test('goes through all data, round after round, and on from any place', async () => {
    const { sources } = await prepareData(
      {},
      {
        data: { a: [dataText('abcdefgh'.repeat(4))], b: [dataText('0123456789')] },
        tokenizer,
        cache: memoryFiles(),
        vocab: 257,
        sequence: 5,
      },
    );
    const stream = dataStream(sources, 3);
    const draw = async (from: typeof stream, count: number) =>
      JSON.stringify((await from.next(count, { a: 2, b: 1 })).map((w) => w.map(({ tokens }) => Array.from(tokens))));
    const { count } = sources.a!;
    const round = (await stream.next(count, { a: 1 })).map(([sequence]) => String(Array.from(sequence!.tokens)));
    const again = (await stream.next(count, { a: 1 })).map(([sequence]) => String(Array.from(sequence!.tokens)));
    expect([...again].sort()).toEqual([...round].sort());
    expect(again).not.toEqual(round);
    await draw(stream, 5);
    const place = JSON.parse(JSON.stringify(stream.position)) as typeof stream.position;
    const expected = [await draw(stream, 4), await draw(stream, 7)];
    const other = dataStream(sources, 3);
    other.seek(place);
    expect([await draw(other, 4), await draw(other, 7)]).toEqual(expected);
    const seeded = dataStream(sources, 4);
    seeded.seek(place);
    expect(await draw(seeded, 4)).not.toEqual(expected[0]);
  });
});

describe('mixtures', () => {
  test('every source has its share at any time', () => {
    const weights = { a: 59, b: 20, c: 21 };
    let credits = {};
    const served: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (let n = 1; n <= 500; n++) {
      const next = pick(weights, credits);
      credits = next.credits;
      served[next.source]! += 1;
      for (const [name, weight] of Object.entries(weights))
        expect(Math.abs(served[name]! - (n * weight) / 100)).toBeLessThan(1.5);
    }
  });
  test('phases', () => {
    const length = { steps: 100, tokensPerStep: 10 };
    const [a, b, c] = [{ a: 1 }, { b: 1 }, { c: 1 }];
    const mixes = [{ until: 0.5, of: a }, { until: { value: 800, unit: 'tokens' } as const, of: b }, { of: c }];
    const mix = { name: 'phases', arguments: { mixes } } as const;
    const at = (step: number) => mixtureAt(mix, { a: 9 }, length, step);
    expect([1, 50, 51, 80, 81, 100].map(at)).toEqual([a, a, b, b, c, c]);
    expect(mixtureAt(undefined, { a: 9, b: 1 }, length, 5)).toEqual({ a: 9, b: 1 });
    expect(mixtureAt({ a: 1, b: 3 }, { a: 9, b: 1 }, length, 5)).toEqual({ a: 1, b: 3 });
  });
});

describe('held-out text', () => {
  const input = { tokenizer, cache: memoryFiles(), vocab: 257, sequence: 5 };
  const every = { value: 1, unit: 'steps' } as const;
  test('is the end of the training data, or files of its own', async () => {
    const data = [dataText('x'.repeat(400))];
    const own = await prepareData({ evaluation: { every } }, { ...input, data });
    expect([own.sources['']!.count, own.evaluation!.windows[0]!.count]).toEqual([95, 5]);
    const less = await prepareData({ evaluation: { every, tokens: { value: 8, unit: 'tokens' } } }, { ...input, data });
    expect([less.sources['']!.count, less.evaluation!.windows[0]!.count]).toEqual([98, 2]);
    const other = await prepareData(
      { evaluation: { every } },
      { ...input, data, evaluation: [dataText('y'.repeat(40))] },
    );
    expect([other.sources['']!.count, other.evaluation!.windows[0]!.count]).toEqual([100, 10]);
    // 40 bytes and the end of the text.
    expect(other.evaluation!.tokensPerByte).toBeCloseTo(41 / 40, 14);
    expect((await prepareData({}, { ...input, data })).evaluation).toBeUndefined();
    expect(evaluationOf(other.evaluation!.windows, 3).windows[0]!.count).toBe(3);
  });
  test('there has to be something to train and to evaluate on', async () => {
    const prepared = (data: readonly string[], evaluation?: readonly string[]) =>
      prepareData(
        { evaluation: { every } },
        { ...input, data: data.map((text) => dataText(text)), evaluation: evaluation?.map((text) => dataText(text)) },
      );
    await expect(prepared([''])).rejects.toThrow('The training data has fewer than two tokens.');
    await expect(prepared(['xyz'])).rejects.toThrow(
      'There is no text to evaluate on: the data is one sequence of 5 tokens at most.',
    );
    await expect(prepared(['xyz'], [''])).rejects.toThrow('the held-out text has fewer than two tokens');
    expect((await prepared(['xyzxyzxyz'])).evaluation!.windows[0]!.count).toBe(1);
    await expect(prepareData({}, { ...input, data: { a: [dataText('xyz')], b: [dataText('')] } })).rejects.toThrow(
      "The training data 'b' has fewer than two tokens.",
    );
    expect((await prepareData({}, { ...input, data: [dataText('xyz')] })).sources['']!.count).toBe(1);
  });
  test('a vocabulary that is too small', async () => {
    await expect(prepareData({}, { ...input, vocab: 256, data: [dataText('x')] })).rejects.toThrow('`vocab = 257`');
  });
});
