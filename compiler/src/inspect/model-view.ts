/** What an editor draws of a model: its layers in order and what each kind of layer is made of. Plain JSON. */
import type { Span } from '@hyb/grammar';
import type { StorageType } from '@hyb/runtime';
import type { Checked, CheckedModel } from '../compile.js';
import type { ModelGraph } from '../graph/graph.js';
import { parameterPath } from '../graph/graph.js';
import type { TensorType } from '../graph/types.js';
import { compressPattern } from '../model/pattern.js';
import type { Plan } from '../plan/plan.js';
import { graphStates, ownParameters } from './instances.js';
import { layerTable } from './layers.js';
import type { LayerRow } from './layers.js';
import { patternPlaces } from './pattern-places.js';

export interface ModelView {
  readonly model: string;
  readonly doc: string | null;
  readonly place: Span;
  readonly vocab: number;
  readonly width: number;
  readonly context: number;
  /** The layers as a bracket pattern. */
  readonly pattern: string;
  readonly parameters: number;
  readonly stateBytesPerSequence: number;
  readonly stateBytesPerToken: number;
  /** Embedding, layers in order, head. */
  readonly layers: readonly LayerView[];
  /** What layers with the same shapes and rounding have in common, by the index that `LayerView.kind` says. */
  readonly kinds: readonly KindView[];
}

export interface LayerView extends LayerRow {
  /** `embedding`, `layers.7`, `head` */
  readonly path: string;
  readonly kind: number;
  /** Where the pattern says it; embedding and head: the model. */
  readonly place: Span;
  /** The layer whose weights it has, if not its own. */
  readonly sharedWith: number | null;
}

export interface KindView {
  readonly alias: string;
  readonly block: string;
  /** `M = Mamba2(…)`; null for embedding and head. */
  readonly place: Span | null;
  /** Where the block is declared. */
  readonly declaration: Span | null;
  readonly parameters: readonly ParameterView[];
  readonly states: readonly StateView[];
  /** Values that have a name in the source, and the result. */
  readonly values: readonly ValueView[];
  /** Present where the model was planned: what runs for a prompt and for a token. */
  readonly kernels?: { readonly prefill: readonly KernelView[]; readonly decode: readonly KernelView[] };
}

export interface ParameterView {
  /** Inside the layer. */
  readonly path: string;
  readonly shape: readonly number[];
  readonly dtype: StorageType;
}

export interface StateView {
  readonly name: string;
  /** One for each sequence, or one for each position of each. */
  readonly per: 'sequence' | 'token';
  readonly shape: readonly number[];
}

export interface ValueView {
  readonly name: string;
  /** As `[time, heads: 32, head_dim: 128]`. */
  readonly shape: string;
  readonly dtype: string;
  readonly place: Span | null;
}

export interface KernelView {
  readonly kernel: string;
  /** What was fused, in order. */
  readonly computes: string;
}

/** @param plan the model's, for its kernels */
export function modelView({ project }: Pick<Checked, 'project'>, checked: CheckedModel, plan?: Plan): ModelView {
  const { model, graph, storage } = checked;
  const table = layerTable(graph, (layer) => model.layers[layer]!.block.declaration.name.text);
  const written = patternPlaces(project, model.name, model.span.file);
  return {
    model: model.name,
    doc: model.doc ?? null,
    place: model.span,
    vocab: model.vocab,
    width: model.width,
    context: model.context,
    pattern: compressPattern(model.layers.map(({ alias }) => alias)),
    parameters: table.parameters,
    stateBytesPerSequence: table.stateBytesPerSequence,
    stateBytesPerToken: table.stateBytesPerToken,
    layers: table.rows.map((row, i): LayerView => {
      const instance = graph.instances[i]!;
      const layer = row.index === null ? undefined : model.layers[row.index];
      const place = layer === undefined ? model.span : (written[layer.index] ?? layer.block.span);
      return { ...row, path: instance.path, kind: instance.graph, place, sharedWith: layer?.sharedWith ?? null };
    }),
    kinds: graph.graphs.map((_, i) => kindView(graph, i, checked, storage, plan)),
  };
}

function kindView(
  graph: ModelGraph,
  kind: number,
  { model }: CheckedModel,
  storage: ReadonlyMap<string, StorageType>,
  plan: Plan | undefined,
): KindView {
  const at = graph.instances.findIndex((instance) => instance.graph === kind);
  const instance = graph.instances[at]!;
  const { nodes, output } = graph.graphs[kind]!;
  const block = instance.layer === undefined ? undefined : model.layers[instance.layer]!.block;
  const named = nodes.filter((n) => n.id === output || (n.label !== undefined && n.op !== 'parameter'));
  const stage = plan?.program.stages.find(({ id }) => id === plan.program.schedule[at]!.stage);
  const kernels = (steps: readonly { readonly kernel: string; readonly label: string }[]): readonly KernelView[] =>
    steps.map(({ kernel, label }) => ({ kernel, computes: label }));
  return {
    alias: instance.alias ?? instance.path,
    block: block?.declaration.name.text ?? instance.path,
    place: block?.span ?? null,
    declaration: block?.declaration.name.span ?? null,
    parameters: ownParameters(graph, instance).map(({ path, type }) => ({
      path,
      shape: type.dims.map((d) => d.extent as number),
      dtype: storage.get(parameterPath(instance, path)) ?? 'f32',
    })),
    states: graphStates(graph.graphs[kind]!).map(({ state }) => ({
      name: state.name,
      per: state.kind,
      shape: state.dims,
    })),
    values: named.map(({ id, label, type, origin }) => ({
      name: label ?? (id === output ? 'result' : ''),
      shape: shapeText(type),
      dtype: type.dtype,
      place: origin === undefined || origin.file === '' ? null : origin,
    })),
    ...(stage === undefined ? {} : { kernels: { prefill: kernels(stage.prefill), decode: kernels(stage.decode) } }),
  };
}

function shapeText({ dims }: TensorType): string {
  return `[${dims.map(({ name, extent }) => (extent === 'time' ? 'time' : `${name}: ${extent}`)).join(', ')}]`;
}
