/**
 * The stages in a row: source files to a plan. Pure; what is read comes through the host. Nothing here throws on what a
 * user wrote: every stage hands on what it could make of it, and all findings are returned together.
 */
import type { Diagnostic } from '@hyb/grammar';
import type { CheckpointTensor, StorageType } from '@hyb/runtime';
import type { ModelGraph } from './graph/graph.js';
import type { Dtype } from './graph/types.js';
import type { Model } from './model/model.js';
import { plan } from './plan/plan.js';
import type { Plan } from './plan/plan.js';
import { resolve } from './resolve/resolve.js';
import type { SourceHost } from './sources/host.js';
import { loadProject } from './sources/project.js';
import type { Project } from './sources/project.js';
import { checkUnused } from './trace/generic/check.js';
import { momentFormats, parameterDtypes } from './trace/precision.js';
import { trace } from './trace/trace.js';
import type { LayerTraces } from './trace/trace.js';
import { gradientFindings } from './train/gradients.js';
import type { TrainRecipe } from './train/resolve-train.js';
import { modelParameters, resolveWeightMap } from './weights/weight-map.js';
import type { WeightMap } from './weights/weight-map.js';

export interface CompileOptions {
  /** Which model, where the file declares several; default: the first. */
  readonly model?: string;
  /** One kernel per op: what fusion is checked against. Default true. */
  readonly fused?: boolean;
  /** Computes and stores everything in f32, whatever the model's `precision` says. */
  readonly exact?: boolean;
  /** Also makes what trains. Default false. */
  readonly training?: boolean;
  /** Whether what trains can measure: norms of outputs and gradients, logits and entropy of attention. Default false. */
  readonly probes?: boolean;
}

/** A model through all checks, before any kernel is made. */
export interface CheckedModel {
  readonly model: Model;
  readonly graph: ModelGraph;
  readonly weightMap?: WeightMap;
  /** Storage of each parameter by full path, as `precision` says. */
  readonly storage: ReadonlyMap<string, StorageType>;
  /** Format of each parameter by full path, 8-bit ones included. */
  readonly formats: ReadonlyMap<string, Dtype>;
  /** In which format the optimizer keeps its state of each matrix, by full path. */
  readonly moments: ReadonlyMap<string, 'f32' | 'bf16'>;
}

export interface Checked {
  readonly project: Project;
  /** In the order of the source; those with errors are left out. */
  readonly models: readonly CheckedModel[];
  readonly trains: readonly TrainRecipe[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface Compilation extends Checked {
  /** The model asked for, if it has no errors. */
  readonly compiled?: CheckedModel & { readonly plan: Plan };
}

export const hasErrors = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.some((d) => d.severity === 'error');

/** Everything that can be said about the files without making kernels: names, shapes, precision, weight maps. */
export function check(host: SourceHost, entries: string | readonly string[], options: CompileOptions = {}): Checked {
  const project = loadProject(host, entries);
  const resolved = resolve(project, options.model);
  const diagnostics: Diagnostic[] = [...project.diagnostics, ...resolved.diagnostics];
  const models = resolved.models.flatMap((declared): CheckedModel[] => {
    const found = checkModel(options.exact ? { ...declared, precision: [] } : declared);
    diagnostics.push(...found.diagnostics);
    return found.checked === undefined ? [] : [found.checked];
  });
  const graphs = new Map<Model, ModelGraph | undefined>(models.map(({ model, graph }) => [model, graph]));
  for (const { model, ...train } of resolved.trains) {
    if (model === undefined) continue;
    // Recipes share models, which may be those of other files.
    if (!graphs.has(model)) graphs.set(model, checkModel(model).checked?.graph);
    const graph = graphs.get(model);
    if (graph !== undefined) diagnostics.push(...gradientFindings({ ...train, model }, graph));
  }
  diagnostics.push(...checkUnused(project, resolved.models));
  return { project, models, trains: resolved.trains, diagnostics: unique(diagnostics) };
}

/** What can be said of a model without making kernels; no `checked` if it has errors. */
export function checkModel(
  model: Model,
  layers?: LayerTraces,
): { readonly checked?: CheckedModel; readonly diagnostics: readonly Diagnostic[] } {
  const traced = trace(model, layers);
  if (hasErrors(traced.diagnostics)) return { diagnostics: traced.diagnostics };
  const mapped = model.weights ? resolveWeightMap(model, modelParameters(traced.graph)) : undefined;
  let formats: CheckedModel['formats'] | undefined;
  let storage: CheckedModel['storage'] | undefined;
  let moments: CheckedModel['moments'] | undefined;
  const checked: CheckedModel = {
    model,
    graph: traced.graph,
    // Editors check after every letter, and no finding depends on these.
    get formats() {
      return (formats ??= parameterDtypes(model, traced));
    },
    get storage() {
      return (storage ??= new Map([...this.formats].map(([path, dtype]) => [path, storageOf(dtype)] as const)));
    },
    get moments() {
      return (moments ??= momentFormats(model, traced));
    },
    ...(mapped?.map ? { weightMap: mapped.map } : {}),
  };
  return { checked, diagnostics: [...traced.diagnostics, ...(mapped?.diagnostics ?? [])] };
}

/** Checks the files and plans one model. */
export function compile(host: SourceHost, entry: string, options: CompileOptions = {}): Compilation {
  const checked = check(host, entry, options);
  const [first] = checked.models;
  if (!first || hasErrors(checked.diagnostics)) return checked;
  return { ...checked, compiled: { ...first, plan: planModel(first, options) } };
}

/**
 * The plan of a model that passed its checks.
 *
 * @throws Error naming the op where a training program is asked for and an op has no gradient in kernels
 */
export function planModel(
  { model, graph, weightMap, storage, formats, moments }: CheckedModel,
  options: CompileOptions = {},
): Plan {
  return plan(graph, {
    fused: options.fused ?? true,
    training: options.training ?? false,
    probes: options.probes ?? false,
    scaling: model.fp8Scale ?? 'current',
    ...(model.doc ? { doc: model.doc } : {}),
    ...(weightMap ? { checkpoint: checkpointTensors(weightMap), spare: weightMap.copies.map((c) => c.tensor) } : {}),
    storage: (path) => storage.get(path) ?? 'f32',
    format: (path) => formats.get(path) ?? 'f32',
    moments: (path) => moments.get(path) ?? 'f32',
    blockOf: (layer) => model.layers[layer]!.block.declaration.name.text,
  });
}

function checkpointTensors(map: WeightMap): readonly CheckpointTensor[] {
  return map.entries.map(({ tensor, shape, parts }) => ({ name: tensor, shape, parts }));
}

/** fp8 and integer storage come later; until then such weights are stored as bf16, which holds every fp8 value. */
function storageOf(dtype: string): StorageType {
  return dtype === 'f32' || dtype === 'f16' ? dtype : 'bf16';
}

/** The same finding may be met once per model that uses a block. */
export function unique(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter((d) => {
    const key = `${d.code} ${d.span.file} ${d.span.start} ${d.span.end} ${d.message}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
