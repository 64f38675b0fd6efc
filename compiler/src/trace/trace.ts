/** Model → graphs: every distinct layer is traced once, and the model lists where each stands. */
import type { BlockDeclaration, Diagnostic, FunctionDeclaration } from '@hyb/grammar';
import { Diagnostics } from '../diagnostics/collector.js';
import { contentKey } from '../graph/key.js';
import type { Graph, GraphInstance, ModelGraph } from '../graph/graph.js';
import { printType } from '../graph/types.js';
import type { Dtype } from '../graph/types.js';
import type { BlockInstance, Constant, Layer, Model, NormInstance, Scope } from '../model/model.js';
import { report } from '../resolve/messages/report.js';
import { checkLinearRules } from '../resolve/precision.js';
import type { PrecisionPlace } from '../resolve/precision-of.js';
import { traceEmbedding, traceHead } from './ends.js';
import { decide } from './precision.js';
import type { Observer } from './elaborate/frame.js';
import { traceLayer } from './template.js';
import type { Traced, TraceOptions } from './template.js';

export interface Trace {
  /** Graphs and their instances. Where there are errors, layers that could not be traced are missing. */
  readonly graph: ModelGraph;
  /** Places of precision for each instance, by its path: what `parameterDtypes` needs. */
  readonly instances: ReadonlyMap<string, TracedInstance>;
  readonly diagnostics: readonly Diagnostic[];
}

export interface TracedInstance {
  readonly traced: Traced;
  readonly place: PrecisionPlace;
  /** Index of the instance's first matrix product among all of the model's layers, and their number. */
  readonly products: { readonly first: number; readonly count: number };
}

/** Keeps traces of layers from one model, and one trace of a model, to the next. */
export interface LayerTraces {
  /** Stands for a declaration: the same for two that say the same in the same place. */
  identify(declaration: BlockDeclaration | FunctionDeclaration, scope: Scope): string;
  /**
   * The trace of this key, made anew where none is known. Keys begin with the layer's name in the model.
   *
   * @param traced the declaration of a layer's block
   */
  layer(key: string, diagnostics: Diagnostics, make: MakeTrace, traced?: BlockDeclaration): Traced;
}

export type MakeTrace = (diagnostics: Diagnostics, observer?: Observer) => Traced;

/** Traces a model: embedding, layers, head. Never throws on what a user wrote. */
export function trace(model: Model, layers?: LayerTraces): Trace {
  return new ModelTracer(model, layers ?? new OwnLayers()).trace();
}

/** Declarations are told apart as objects: two files may declare blocks of one name. */
class OwnLayers implements LayerTraces {
  readonly #identities = new Map<object, string>();

  identify(declaration: object): string {
    const known = this.#identities.get(declaration) ?? `${this.#identities.size}`;
    this.#identities.set(declaration, known);
    return known;
  }

  layer(_key: string, diagnostics: Diagnostics, make: MakeTrace): Traced {
    return make(diagnostics);
  }
}

class ModelTracer {
  readonly #model: Model;
  readonly #layers: LayerTraces;
  readonly #diagnostics = new Diagnostics();
  readonly #graphs: Graph[] = [];
  readonly #instances: GraphInstance[] = [];
  readonly #traced = new Map<string, TracedInstance>();
  /** First traces, by the block's content. */
  readonly #plain = new Map<string, Traced>();
  /** Indices of graphs, by the block's content and the formats at its places. */
  readonly #known = new Map<string, number>();
  readonly #keys = new Map<BlockInstance, string>();
  /** Formats at the places of a first trace. */
  readonly #decided = new Map<Traced, readonly Dtype[]>();
  /** How many graphs each name has. */
  readonly #variants = new Map<string, number>();

  constructor(model: Model, layers: LayerTraces) {
    this.#model = model;
    this.#layers = layers;
  }

  trace(): Trace {
    const model = this.#model;
    const plain = model.layers.map((layer) => this.#tracePlain(layer));
    const count = plain.reduce((n, traced) => n + traced.products, 0);
    this.#end('embedding', { part: 'embedding' }, count, (options) => traceEmbedding(model, options), {});
    let first = 0;
    model.layers.forEach((layer, i) => {
      this.#layer(layer, plain[i]!, { first, count });
      first += plain[i]!.products;
    });
    this.#diagnostics.addAll(checkLinearRules(model, count));
    this.#checkShared(plain);
    const tied: Record<string, string> = model.head.tie ? { weight: 'embedding.weight' } : {};
    this.#end('head', { part: 'head' }, count, (options) => traceHead(model, options), tied);
    return {
      graph: {
        name: model.name,
        vocab: model.vocab,
        width: model.width,
        context: model.context,
        graphs: this.#graphs,
        instances: this.#instances,
      },
      instances: this.#traced,
      diagnostics: this.#diagnostics.list(),
    };
  }

  #options(name: string): TraceOptions {
    return { name, width: this.#model.width, diagnostics: this.#diagnostics };
  }

  #tracePlain({ alias, block }: Layer): Traced {
    const key = `${alias} ${this.#keyOf(block)}`;
    let traced = this.#plain.get(key);
    if (traced === undefined) {
      traced = this.#traceLayer(block, key, this.#options(alias));
      this.#plain.set(key, traced);
    }
    return traced;
  }

  #traceLayer(block: BlockInstance, key: string, options: TraceOptions): Traced {
    const full = `${key} ${options.width}`;
    const make: MakeTrace = (diagnostics, observer) =>
      traceLayer(block, { ...options, diagnostics, ...(observer !== undefined && { observer }) });
    return this.#layers.layer(full, options.diagnostics, make, block.declaration);
  }

  /** Layers that share weights may differ in arguments, but not in the parameters that they have. */
  #checkShared(traces: readonly Traced[]): void {
    for (const { index, alias, block, sharedWith } of this.#model.layers) {
      const [own, first] = [traces[index]?.graph, sharedWith === undefined ? undefined : traces[sharedWith]?.graph];
      if (own === undefined || first === undefined || own === first) continue;
      const types = ({ parameters }: Graph): Map<string, string> =>
        new Map(parameters.map(({ path, type }) => [path, printType(type)]));
      const [a, b] = [types(first), types(own)];
      const differing = [...a.keys(), ...b.keys()].find((path) => a.get(path) !== b.get(path));
      if (differing === undefined) continue;
      const values = { alias, first: sharedWith!, second: index, parameter: differing };
      const details = {
        expected: a.get(differing) ?? 'no such parameter',
        found: b.get(differing) ?? 'no such parameter',
      };
      this.#diagnostics.add(report('HYB2042', block.span, values, details));
    }
  }

  #layer(layer: Layer, plain: Traced, products: TracedInstance['products']): void {
    const { alias, block, index, sharedWith } = layer;
    const path = `layers.${index}`;
    const place: PrecisionPlace = { part: 'layer', layer: index, alias };
    this.#traced.set(path, { traced: plain, place, products });
    if (plain.graph === undefined) return;
    const decisions = this.#decide(plain, place, products);
    const key = `${alias} ${this.#keyOf(block)} ${decisions.join(' ')}`;
    const graph = this.#add(alias, key, plain, decisions, (options) => this.#traceLayer(block, key, options));
    if (graph === undefined) return;
    const shared =
      sharedWith === undefined ? [] : plain.graph.parameters.map((p) => [p.path, `layers.${sharedWith}.${p.path}`]);
    this.#instances.push({
      graph,
      path,
      alias,
      layer: index,
      aliases: Object.fromEntries(shared) as Record<string, string>,
    });
  }

  /** Layers of one name and content are rounded alike, unless rules speak of single ones. */
  #decide(plain: Traced, place: PrecisionPlace, products: TracedInstance['products']): readonly Dtype[] {
    const { precision } = this.#model;
    const single = precision.some(({ selector }) => selector?.kind === 'layer' || selector?.kind === 'linear_range');
    const known = single ? undefined : this.#decided.get(plain);
    if (known !== undefined) return known;
    const decisions = decide(this.#model, plain.places, place, products);
    this.#decided.set(plain, decisions);
    return decisions;
  }

  #end(
    path: 'embedding' | 'head',
    place: PrecisionPlace,
    count: number,
    make: (options: TraceOptions) => Traced,
    aliases: Readonly<Record<string, string>>,
  ): void {
    const { vocab, width, embedding, head } = this.#model;
    const { norm, ...rest } = head;
    const content = path === 'embedding' ? embedding : { ...rest, ...(norm && { norm: this.#plainNorm(norm) }) };
    const key = `${path} ${contentKey({ vocab, content })}`;
    const kept = (decided: string, options: TraceOptions): Traced =>
      this.#layers.layer(`${decided} ${width}`, options.diagnostics, (diagnostics, observer) =>
        make({ ...options, diagnostics, ...(observer !== undefined && { observer }) }),
      );
    const plain = kept(key, this.#options(path));
    const products = { first: 0, count };
    this.#traced.set(path, { traced: plain, place, products });
    const decisions = decide(this.#model, plain.places, place, products);
    const graph = this.#add(path, path, plain, decisions, (options) => kept(`${key} ${decisions.join(' ')}`, options));
    if (graph !== undefined) this.#instances.push({ graph, path, aliases });
  }

  /** The graph's index; it is made when it is first needed. */
  #add(
    name: string,
    key: string,
    plain: Traced,
    decisions: readonly Dtype[],
    make: (options: TraceOptions) => Traced,
  ): number | undefined {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const rounds = decisions.some((d) => d !== 'f32');
    const { graph } = rounds ? make({ ...this.#options(name), decisions }) : plain;
    if (graph === undefined) return undefined;
    const variant = (this.#variants.get(name) ?? 0) + 1;
    this.#variants.set(name, variant);
    this.#graphs.push({ ...graph, name: variant === 1 ? name : `${name}.${variant}` });
    this.#known.set(key, this.#graphs.length - 1);
    return this.#graphs.length - 1;
  }

  /** What a block's trace depends on: instances of equal content have one graph. */
  #keyOf(block: BlockInstance): string {
    let key = this.#keys.get(block);
    if (key === undefined) {
      key = contentKey(this.#plainBlock(block));
      this.#keys.set(block, key);
    }
    return key;
  }

  #plainBlock({ declaration, scope, arguments: values, slots }: BlockInstance): unknown {
    const slotEntries = Object.entries(slots).map(([name, norm]) => [
      name,
      norm === null ? null : this.#plainNorm(norm),
    ]);
    return {
      declaration: this.#layers.identify(declaration, scope),
      values: this.#plainArguments(values),
      slots: slotEntries,
    };
  }

  #plainNorm({ declaration, scope, arguments: values }: NormInstance): unknown {
    return { declaration: this.#layers.identify(declaration, scope), values: this.#plainArguments(values) };
  }

  #plainArguments(values: Readonly<Record<string, Constant>>): unknown {
    return Object.entries(values).map(([name, value]) => [name, this.#plainConstant(value)]);
  }

  #plainConstant(value: Constant): unknown {
    switch (value.kind) {
      case 'norm':
        return this.#plainNorm(value);
      case 'function': {
        const { callee } = value;
        const name = 'builtin' in callee ? callee.builtin : [this.#layers.identify(callee.declaration, callee.scope)];
        return { function: name, values: this.#plainArguments(value.arguments) };
      }
      case 'tuple':
        return value.elements.map((element) => this.#plainConstant(element));
      default:
        return value;
    }
  }
}
