/** Under which names a trained model is written, and the files by which others know it. */
import { exportConfig } from '@hyb/compiler';
import type { Checked, CheckedModel } from '@hyb/compiler';
import { ownLayout, transformersLayout } from '../export/tensors.js';
import type { TensorLayout } from '../export/tensors.js';
import { hybFolderTexts } from '../project/hyb-folder.js';
import { ownSources } from '../project/source.js';
import { hasErrors } from '../report/diagnostics.js';

export interface CheckpointLayout {
  readonly tensors: readonly TensorLayout[];
  /** By name in the folder: `config.json`, and the source of a model that transformers does not know. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * By the model's weight map, with the `config.json` of transformers where these are its names; else with the model's
 * source beside the tensors, which `hyb` reads, and exports for transformers.
 */
export function checkpointLayout(all: Checked, checked: CheckedModel): CheckpointLayout {
  const own = ownLayout(checked);
  const { exported, diagnostics } = exportConfig(checked.model);
  if (exported !== undefined && !hasErrors(diagnostics)) {
    const usual = transformersLayout(checked, exported.tensors);
    if (sameNames(own, usual)) return { tensors: own, files: { 'config.json': exported.text } };
  }
  const { name } = checked.model;
  const [entry] = [...all.project.files.values()].filter(({ syntax }) =>
    syntax.declarations.some((each) => each.kind === 'ModelDeclaration' && each.name.text === name),
  );
  return { tensors: own, files: Object.fromEntries(hybFolderTexts(ownSources(all), entry!.path, name)) };
}

function sameNames(a: readonly TensorLayout[], b: readonly TensorLayout[]): boolean {
  const names = new Set(a.map(({ name }) => name));
  return a.length === b.length && b.every(({ name }) => names.has(name));
}
