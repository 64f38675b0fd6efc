/**
 * Host memory while a checkpoint is loaded that does not fit into it whole. `load.test.ts` shows that no read is longer than
 * the bounded buffer; `npm run prove:memory` loads a model of over 1 GB.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environments, type Environment } from '../../../tests/support/environments.js';
import { tinyProgram } from '../support/tiny-program.js';

/** Bytes of the host that loading may take. */
const MOST = 256e6;

describe('a checkpoint of 268 MB', () => {
  const [vocab, width] = [16_384, 2048];
  let folder: string;
  let file: string;
  let environment: Environment;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hyb-large-'));
    file = join(folder, 'model.safetensors');
    const header: Record<string, object> = {};
    let offset = 0;
    for (const { path, shape } of tinyProgram({ vocab, width, layers: ['leaky'] }).parameters) {
      const bytes = shape.reduce((a, b) => a * b, 4);
      header[path] = { dtype: 'F32', shape, data_offsets: [offset, offset + bytes] };
      offset += bytes;
    }
    const json = new TextEncoder().encode(JSON.stringify(header));
    const prefix = new Uint8Array(8);
    new DataView(prefix.buffer).setBigUint64(0, BigInt(json.length), true);
    const handle = await open(file, 'w');
    await handle.write(prefix);
    await handle.write(json);
    // Values between -1 and 1, different enough to be pages of their own.
    const values = new Float32Array(1 << 20);
    for (let i = 0; i < values.length; i++) values[i] = Math.sin(i);
    for (let done = 0; done < offset; done += values.byteLength) {
      await handle.write(new Uint8Array(values.buffer, 0, Math.min(values.byteLength, offset - done)));
    }
    await handle.close();
    environment = await environments.node({ serve: { '/files': folder } });
  }, 300_000);

  afterAll(async () => {
    await environment.close();
    await rm(folder, { recursive: true });
  });

  // Held whole, in any type, it would be over the bound with what Node takes anyway.
  test.each([
    ['f32', 'a file'],
    ['bf16', 'a URL'],
  ] as const)(
    'is loaded as %s from %s within 256 MB of the host',
    async (storage, from) => {
      const entry = join(import.meta.dirname, '../programs/load-memory.ts');
      const args = { file: from === 'a URL' ? 'files/model.safetensors' : file, vocab, width, storage };
      const result = await environment.run<{
        most: number;
        afterwards: number;
        weights: number;
      }>(entry, { args, timeout: 600_000 });
      expect(result.weights).toBeGreaterThan((storage === 'f32' ? 1 : 0.5) * 2 ** 28);
      expect(result.most).toBeLessThan(MOST);
      expect(result.afterwards).toBeLessThan(MOST);
    },
    600_000,
  );
});
