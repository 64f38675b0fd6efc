/** Weights in f16, read natively where a device has `shader-f16`: Deno on lavapipe does, SwiftShader does not. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { environments } from './support/environments.js';
import type { HalfWeights } from './programs/half-weights.js';

const LAVAPIPE = '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json';
const program = join(import.meta.dirname, 'programs/half-weights.ts');

/** Sums run in another order or the same one; converting f16 to f32 is exact either way. */
const TOLERANCE = 2 ** -16;

function expectSame({ native, core }: HalfWeights): void {
  native.forEach((row, i) => {
    expect(row.every(Number.isFinite)).toBe(true);
    const scale = Math.max(...core[i]!.map(Math.abs));
    row.forEach((v, c) => expect(Math.abs(v - core[i]![c]!)).toBeLessThan(TOLERANCE * scale));
  });
}

// Not from the npm registry: run `apt-get install mesa-vulkan-drivers` for this one.
(existsSync(LAVAPIPE) ? test : test.skip)(
  "with shader-f16, in Deno on lavapipe (skipped where Debian's mesa-vulkan-drivers is not installed)",
  async () => {
    const before = { ...process.env };
    Object.assign(process.env, { HYB_ADAPTER: 'hardware', VK_DRIVER_FILES: LAVAPIPE, VK_ICD_FILENAMES: LAVAPIPE });
    const deno = await environments.deno();
    try {
      const result = await deno.run<HalfWeights>(program, { timeout: 600_000 });
      expect(result.features).toContain('shader-f16');
      expectSame(result);
    } finally {
      await deno.close();
      for (const name of ['HYB_ADAPTER', 'VK_DRIVER_FILES', 'VK_ICD_FILENAMES']) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  },
  600_000,
);
