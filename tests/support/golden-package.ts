/** A recorded checkpoint's folder as a compiled package: imported, compiled and emitted, files in memory. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, importConfig, parseConfig, planModel } from '@hyb/compiler';
import { emit } from '@hyb/compiler/emit/emit';
import type { PackageFiles } from '@hyb/compiler/emit/emit';
import { root } from './bundle.js';

export const GOLDENS = ['nh_a_gqa_g2', 'nh_c_realinit_g1', 'llama_gqa'] as const;
export type GoldenName = (typeof GOLDENS)[number];
export const goldenFolder = (name: GoldenName): string => join(root, 'tests/golden', name);

export async function goldenPackage(
  name: GoldenName,
  options: { readonly fused?: boolean } = {},
): Promise<PackageFiles> {
  const { config } = parseConfig(readFileSync(join(goldenFolder(name), 'config.json'), 'utf8'));
  const { source } = importConfig(config!, { name });
  const checked = check({ read: (path) => (path === 'model.hyb' ? source : undefined) }, 'model.hyb', { exact: true });
  const errors = checked.diagnostics.filter((d) => d.severity === 'error');
  if (errors.length > 0) throw new Error(errors.map((d) => `${d.code} ${d.message}`).join('\n'));
  const plan = planModel(checked.models[0]!, options);
  const packageName = `golden-${name.replaceAll('_', '-')}`;
  return emit(plan, { packageName, runtimeVersion: '0.1.0', sources: { 'model.hyb': source } });
}
