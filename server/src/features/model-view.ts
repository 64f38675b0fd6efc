/** The models of a file as a picture shows them: layers with what they weigh, and where in the source they come from. */
import { decodeState } from '@hyb/compiler/trace/facts';
import { layerTable } from '@hyb/compiler/inspect/layers';
import { compressPattern } from '@hyb/compiler';
import type { CheckedModel } from '@hyb/compiler';
import { layerPlaces } from '@hyb/compiler/query/pattern-places';
import { modelFacts } from '@hyb/compiler/query/names/model-facts';
import { printArguments, printValue } from '@hyb/compiler/resolve/value';
import type { ModelDeclaration } from '@hyb/grammar';
import type { Location, Range } from 'vscode-languageserver-types';
import { checkedModel } from '../workspace/models.js';
import type { Place } from '../workspace/workspace.js';
import { stateBytes, weightBytes } from './facts-text.js';

export interface ModelView {
  readonly name: string;
  readonly doc?: string;
  /** Name of the model in the file. */
  readonly range: Range;
  /** Absent where the model has errors. */
  readonly summary?: ModelSummary;
}

export interface ModelSummary {
  readonly vocab: number;
  readonly width: number;
  readonly context: number;
  readonly parameters: number;
  /** Bytes of the weights as `precision` stores them. */
  readonly weightBytes: number;
  /** Bytes of decode state. */
  readonly stateBytesPerSequence: number;
  readonly stateBytesPerToken: number;
  /** `[(M F)*3 …]` */
  readonly pattern: string;
  readonly kinds: readonly LayerKind[];
  /** One a layer. */
  readonly layers: readonly LayerView[];
}

/** What layers of one name and the same content have in common. */
export interface LayerKind {
  readonly alias: string;
  readonly block: string;
  /** `Mamba2(heads = 128, …)` */
  readonly code: string;
  readonly slots: Readonly<Record<string, string>>;
  readonly parameters: number;
  readonly tensors: readonly { readonly path: string; readonly shape: readonly number[]; readonly dtype: string }[];
  readonly states: readonly {
    readonly name: string;
    readonly dims: readonly number[];
    readonly perToken: boolean;
    readonly dtype: string;
  }[];
}

export interface LayerView {
  readonly index: number;
  readonly alias: string;
  /** Index into `kinds`. */
  readonly kind: number;
  readonly sharedWith?: number;
  /** Where the pattern says it. */
  readonly place?: Location;
}

export function modelViews(place: Place): readonly ModelView[] {
  return place.file.syntax.declarations.flatMap((declaration): readonly ModelView[] => {
    if (declaration.kind !== 'ModelDeclaration') return [];
    const { name, doc } = declaration;
    const checked = checkedModel(place.root, { declaration, scope: place.file.scope })?.checked;
    return [
      {
        name: name.text,
        ...(doc !== undefined && { doc }),
        range: place.rangeOf(name.span),
        ...(checked !== undefined && { summary: summarize(place, declaration, checked) }),
      },
    ];
  });
}

function summarize(place: Place, declaration: ModelDeclaration, checked: CheckedModel): ModelSummary {
  const { model, graph } = checked;
  const facts = modelFacts({ declaration, scope: place.file.scope });
  const places = facts?.layers ?? layerPlaces({ kind: 'ErrorExpression', span: declaration.span });
  const kinds: LayerKind[] = [];
  const known = new Map<string, number>();
  const rows = layerTable(graph).rows.filter(({ index }) => index !== null);
  const layers = model.layers.map(({ index, alias, block, sharedWith }): LayerView => {
    const code = `${block.declaration.name.text}(${printArguments(block.arguments)})`;
    const slots = Object.fromEntries(
      Object.entries(block.slots).map(([slot, norm]) => [slot, norm === null ? 'none' : printValue(norm)]),
    );
    const instance = graph.instances.find(({ layer }) => layer === index)!;
    const key = `${alias} ${code} ${JSON.stringify(slots)} ${instance.graph}`;
    let kind = known.get(key);
    if (kind === undefined) {
      const own = { ...graph, instances: [instance] };
      kind =
        kinds.push({
          alias,
          block: block.declaration.name.text,
          code,
          slots,
          parameters: rows[index]?.parameters ?? 0,
          tensors: graph.graphs[instance.graph]!.parameters.map(({ path, type }) => ({
            path,
            shape: type.dims.map(({ extent }) => extent as number),
            dtype: checked.storage.get(`layers.${index}.${path}`) ?? 'f32',
          })),
          states: decodeState(own).map(({ label, name, dims, kind: growth, dtype }) => ({
            name: `${label} ${name}`,
            dims,
            perToken: growth === 'token',
            dtype,
          })),
        }) - 1;
      known.set(key, kind);
    }
    const written = places[index] === undefined ? undefined : place.locationOf(places[index].span);
    return {
      index,
      alias,
      kind,
      ...(sharedWith !== undefined && { sharedWith }),
      ...(written !== undefined && { place: written }),
    };
  });
  const state = stateBytes(checked);
  return {
    vocab: model.vocab,
    width: model.width,
    context: model.context,
    parameters: layerTable(graph).parameters,
    weightBytes: weightBytes(checked),
    stateBytesPerSequence: state.sequence,
    stateBytesPerToken: state.token,
    pattern: compressPattern(model.layers.map(({ alias }) => alias)),
    kinds,
    layers,
  };
}
