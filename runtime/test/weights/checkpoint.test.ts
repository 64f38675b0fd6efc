import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openCheckpoint, readTensor, urlSource, type WeightSource } from '@hyb/runtime';
import { f32, writeSafetensors } from '../support/safetensors.js';

const first = writeSafetensors({ a: f32([1, 2]), b: f32([3]) });
const second = writeSafetensors({ c: f32([4, 5, 6]) });
const names = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
const index = (map: Record<string, string> = { a: names[0], b: names[0], c: names[1] }): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ metadata: { total_size: 24 }, weight_map: map }));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyb-checkpoint-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function values(source: WeightSource): Promise<Record<string, number[]>> {
  const checkpoint = await openCheckpoint(source);
  try {
    const result: Record<string, number[]> = {};
    for (const [name, tensor] of checkpoint.tensors) result[name] = [...(await readTensor(tensor))];
    return result;
  } finally {
    await checkpoint.close();
  }
}

const sharded = { a: [1, 2], b: [3], c: [4, 5, 6] };
const single = { a: [1, 2], b: [3] };

describe('files', () => {
  test('a path, a file URL, a folder with one file', async () => {
    const path = join(folder, 'model.safetensors');
    await writeFile(path, first);
    expect(await values(path)).toEqual(single);
    expect(await values(pathToFileURL(path))).toEqual(single);
    expect(await values(pathToFileURL(path).href)).toEqual(single);
    expect(await values(folder)).toEqual(single);
    expect(await values(pathToFileURL(folder))).toEqual(single);
    await rm(path);
  });

  test('a folder with an index, and the index itself', async () => {
    await writeFile(join(folder, names[0]), first);
    await writeFile(join(folder, names[1]), second);
    await writeFile(join(folder, 'model.safetensors.index.json'), index());
    expect(await values(folder)).toEqual(sharded);
    expect(await values(join(folder, 'model.safetensors.index.json'))).toEqual(sharded);
  });

  test('what is not there', async () => {
    await expect(openCheckpoint(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'source-failed' });
    const empty = await mkdtemp(join(tmpdir(), 'hyb-empty-'));
    await expect(openCheckpoint(empty)).rejects.toThrow('holds neither model.safetensors nor');
    await rm(empty, { recursive: true });
  });
});

describe('in memory', () => {
  test('bytes, buffers, Blobs and Files', async () => {
    expect(await values(first)).toEqual(single);
    expect(await values(first.buffer as ArrayBuffer)).toEqual(single);
    expect(await values(new Blob([first as Uint8Array<ArrayBuffer>]))).toEqual(single);
    expect(await values([first, new Blob([second as Uint8Array<ArrayBuffer>])])).toEqual(sharded);
  });

  test('by name, with the index checked', async () => {
    const files = { [names[0]]: first, [names[1]]: second };
    expect(await values(files)).toEqual(sharded);
    expect(await values({ ...files, 'model.safetensors.index.json': index() })).toEqual(sharded);
    const lacking = { [names[0]]: first, 'model.safetensors.index.json': index() };
    await expect(openCheckpoint(lacking)).rejects.toMatchObject({ items: [names[1]] });
    const wrong = { ...files, 'model.safetensors.index.json': index({ a: names[0], b: names[1], d: names[1] }) };
    await expect(openCheckpoint(wrong)).rejects.toMatchObject({
      items: [`b: not in ${names[1]}`, `d: not in ${names[1]}`, 'c: not in the index'],
    });
  });

  test('a tensor in two files', async () => {
    await expect(openCheckpoint([first, first])).rejects.toThrow('in more than one file:\n  a (');
  });

  test('an index that leads elsewhere, or is none', async () => {
    for (const name of [
      '../secret.safetensors',
      '/etc/passwd',
      'https://example.org/x.safetensors',
      'a\\b.safetensors',
      'x.bin',
    ]) {
      const files = { [names[0]]: first, 'model.safetensors.index.json': index({ a: name }) };
      await expect(openCheckpoint(files)).rejects.toThrow('no name of a shard');
    }
    for (const text of ['', '[]', '{}', '{"weight_map":[]}', '{"weight_map":{"a":1}}', 'null']) {
      const files = { 'model.safetensors.index.json': new TextEncoder().encode(text) };
      await expect(openCheckpoint(files)).rejects.toMatchObject({ code: 'bad-checkpoint' });
    }
  });
});

describe('URLs', () => {
  type Handler = (request: IncomingMessage, response: ServerResponse, bytes: Uint8Array) => void;
  const ranges: Handler = (request, response, bytes) => {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    if (!match) {
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
      return;
    }
    const [start, end] = [Number(match[1]), Math.min(Number(match[2]), bytes.length - 1)];
    response.writeHead(206, { 'content-range': `bytes ${start}-${end}/${bytes.length}`, etag: '"1"' });
    response.end(bytes.subarray(start, end + 1));
  };

  async function served<T>(
    files: Readonly<Record<string, Uint8Array>>,
    handler: Handler,
    run: (base: string) => Promise<T>,
  ): Promise<T> {
    const server = createServer((request, response) => {
      const bytes = files[new URL(request.url!, 'http://x').pathname];
      if (bytes) handler(request, response, bytes);
      else response.writeHead(404, 'Not Found').end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      return await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  const site = { '/m/model.safetensors': first };

  test('one file, and a folder', async () => {
    await served(site, ranges, async (base) => {
      expect(await values(`${base}/m/model.safetensors`)).toEqual(single);
      expect(await values(new URL(`${base}/m/`))).toEqual(single);
    });
  });

  test('an index with shards beside it, and a query that goes along', async () => {
    const files = {
      '/m/model.safetensors.index.json': index(),
      [`/m/${names[0]}`]: first,
      [`/m/${names[1]}`]: second,
    };
    const keyed: Handler = (request, response, bytes) => {
      if (request.url!.endsWith('?key=1')) ranges(request, response, bytes);
      else response.writeHead(403).end();
    };
    await served(files, keyed, async (base) => {
      expect(await values(`${base}/m/?key=1`)).toEqual(sharded);
      expect(await values(`${base}/m/model.safetensors.index.json?key=1`)).toEqual(sharded);
    });
  });

  test('a server without ranges sends small files whole', async () => {
    const whole: Handler = (_, response, bytes) =>
      response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    await served(site, whole, async (base) => expect(await values(`${base}/m/model.safetensors`)).toEqual(single));
    const large: Handler = (_, response) => response.writeHead(200, { 'content-length': 5e9 }).write('x');
    await served(site, large, async (base) => {
      await expect(urlSource(`${base}/m/model.safetensors`)).rejects.toThrow(
        'does not answer range requests, and 4.66 GiB',
      );
    });
  });

  test('trouble that passes is tried again', async () => {
    let count = 0;
    const flaky: Handler = (request, response, bytes) => {
      count++;
      if (count % 3 === 1) response.writeHead(503).end();
      else if (count % 3 === 2) response.socket!.destroy();
      else ranges(request, response, bytes);
    };
    await served(site, flaky, async (base) => expect(await values(`${base}/m/model.safetensors`)).toEqual(single));
  });

  test('answers that are cut off are asked for again, and not for ever', async () => {
    const cut: Handler = (request, response, bytes) => {
      if (request.headers.range === 'bytes=0-0') ranges(request, response, bytes);
      else {
        response.writeHead(206, { 'content-range': `bytes 0-7/${bytes.length}` });
        response.end(bytes.subarray(0, 3));
      }
    };
    await served(site, cut, async (base) => {
      const source = await urlSource(`${base}/m/model.safetensors`, { tries: 2 });
      await expect(source.read(0, 8)).rejects.toThrow('only 3 of 8 bytes came');
    });
  });

  test('servers that send too much, something else, or changed files', async () => {
    const answers: Record<string, [Handler, string]> = {
      much: [
        (_, response, bytes) =>
          response.writeHead(206, { 'content-range': `bytes 0-7/${bytes.length}` }).end(new Uint8Array(99)),
        'more than 8 bytes at once',
      ],
      other: [
        (_, response, bytes) =>
          response.writeHead(206, { 'content-range': `bytes 5-12/${bytes.length}` }).end(new Uint8Array(8)),
        'another range',
      ],
      tag: [
        (_, response, bytes) =>
          response.writeHead(206, { 'content-range': `bytes 0-7/${bytes.length}`, etag: '"2"' }).end(new Uint8Array(8)),
        'changed on the server',
      ],
      longer: [
        (_, response, bytes) =>
          response.writeHead(206, { 'content-range': `bytes 0-7/${bytes.length + 1}` }).end(new Uint8Array(8)),
        'changed on the server',
      ],
      whole: [(_, response, bytes) => response.writeHead(200).end(bytes), 'changed on the server'],
      gone: [(_, response) => response.writeHead(410, 'Gone').end(), 'answered 410 Gone'],
    };
    for (const [handler, message] of Object.values(answers)) {
      const after: Handler = (request, response, bytes) => {
        if (request.headers.range === 'bytes=0-0') ranges(request, response, bytes);
        else handler(request, response, bytes);
      };
      await served(site, after, async (base) => {
        const source = await urlSource(`${base}/m/model.safetensors`);
        await expect(source.read(0, 8)).rejects.toThrow(message);
      });
    }
  });

  test('messages do not give keys away', async () => {
    await served({}, ranges, async (base) => {
      const address = `${base.replace('//', '//user:word@')}/x.safetensors?token=abc`;
      const error: unknown = await urlSource(address).catch((error: unknown) => error);
      expect(String(error)).not.toMatch(/abc|word/);
    });
  });

  test('data URLs', async () => {
    expect(await values(`data:application/octet-stream;base64,${Buffer.from(first).toString('base64')}`)).toEqual(
      single,
    );
  });

  test('an abort ends it', async () => {
    const silent: Handler = () => undefined;
    await served(site, silent, async (base) => {
      const controller = new AbortController();
      const opened = openCheckpoint(`${base}/m/model.safetensors`, controller.signal);
      setTimeout(() => controller.abort(new Error('never mind')), 20);
      await expect(opened).rejects.toThrow('never mind');
    });
  });
});
