/** The tensors that transformers expects, by any configuration, are those that an imported model's own map names. */
import fc from 'fast-check';
import { check, exportConfig, importConfig, memoryHost, ownLayout, transformersLayout } from '@hyb/compiler';
import type { TensorLayout } from '@hyb/compiler';
import { indexOf, shareOut } from '@hyb/cli/export/shards';
import { anyConfig } from '../../compiler/test/interop/arbitrary.js';

const byName = (a: TensorLayout, b: TensorLayout): number => (a.name < b.name ? -1 : 1);

test('any configuration: names, shapes and parts', () => {
  fc.assert(
    fc.property(anyConfig, (config) => {
      const { source } = importConfig(config, { name: 'Any' });
      const { models, diagnostics } = check(memoryHost({ 'x.hyb': source }), 'x.hyb');
      expect(diagnostics).toEqual([]);
      const { exported } = exportConfig(models[0]!.model, { modelType: config.modelType });
      const layout = transformersLayout(models[0]!, exported!.tensors);
      expect([...layout].sort(byName)).toEqual([...ownLayout(models[0]!)].sort(byName));
    }),
    { numRuns: 30 },
  );
});

test('files are filled in order and none is over the size, but for a tensor that is', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100), { minLength: 1 }), fc.integer({ min: 1, max: 120 }), (sizes, most) => {
      const tensors = sizes.map((bytes, i) => ({ name: `t${i}`, bytes }));
      const shards = shareOut(tensors, most);
      expect(shards.flatMap((shard) => shard.tensors)).toEqual(tensors);
      for (const shard of shards) {
        const bytes = shard.tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
        if (shard.tensors.filter((tensor) => tensor.bytes > 0).length > 1) expect(bytes).toBeLessThanOrEqual(most);
      }
      const index = JSON.parse(indexOf(shards)) as { weight_map: Record<string, string> };
      expect(Object.keys(index.weight_map)).toHaveLength(tensors.length);
    }),
  );
});
