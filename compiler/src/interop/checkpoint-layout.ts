/** Under which names a model's weights are written, and the files by which others know them. */
import { hasErrors } from '../compile.js';
import type { Checked, CheckedModel } from '../compile.js';
import { isLibraryPath } from '../sources/library.js';
import { modelParameters } from '../weights/weight-map.js';
import { exportConfig } from './export-config.js';
import type { HuggingFaceTensor } from './tensors.js';

/** A tensor by name, shape and the parameters that it is made of. */
export interface TensorLayout {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parts: readonly string[];
}

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

/** As the model's own weight map says; without one, its parameters by their paths. */
export function ownLayout({ graph, weightMap }: CheckedModel): readonly TensorLayout[] {
  if (weightMap !== undefined)
    return weightMap.entries.map(({ tensor: name, shape, parts }) => ({ name, shape, parts }));
  return modelParameters(graph).map(({ path, shape }) => ({ name: path, shape, parts: [path] }));
}

/**
 * As transformers says, with the shapes that the parameters have there.
 *
 * @throws RangeError where the model has no such parameter
 */
export function transformersLayout(
  { graph }: CheckedModel,
  tensors: readonly HuggingFaceTensor[],
): readonly TensorLayout[] {
  const shapes = new Map(modelParameters(graph).map(({ path, shape }) => [path, shape]));
  return tensors.map(({ name, parts, unsqueezed }) => {
    const [first = [], ...others] = parts.map((part) => {
      const shape = shapes.get(part);
      if (shape === undefined) throw new RangeError(`transformers wants ${name}, and the model has no ${part}.`);
      return shape;
    });
    const [rows = 1, ...rest] = first;
    const all = others.reduce((sum, [more = 1]) => sum + more, rows);
    return { name, parts, shape: unsqueezed ? [all, 1, ...rest] : [all, ...rest] };
  });
}

/** `model_type` of a checkpoint that transformers does not know: its `config.json` names the .hyb file in `source/`. */
export const HYB_TYPE = 'hyb';
export const HYB_SOURCE = 'source';

/** The text of such a `config.json`, and the sources as files of the folder. */
export function hybFolderTexts(
  sources: Readonly<Record<string, string>>,
  entry: string,
  model: string,
): ReadonlyMap<string, string> {
  const config = { model_type: HYB_TYPE, hyb: { source: entry, model } };
  return new Map([
    ['config.json', `${JSON.stringify(config, null, 2)}\n`],
    ...Object.entries(sources).map(([path, text]): [string, string] => [`${HYB_SOURCE}/${path}`, text]),
  ]);
}

/** The project's own files that a model was read from: path to text. */
export function ownSources({ project }: Pick<Checked, 'project'>): Readonly<Record<string, string>> {
  const own = [...project.files.values()].filter(({ path }) => !isLibraryPath(path));
  return Object.fromEntries(own.map(({ path, text }) => [path, text]));
}
