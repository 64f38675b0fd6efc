/** Weight maps applied to a model: which tensor of a checkpoint holds which parameters. */
import type { BlockDeclaration, Diagnostic, ParamStatement, WeightsDeclaration } from '@hyb/grammar';
import { Diagnostics } from '../diagnostics/collector.js';
import { didYouMean, listNames } from '../diagnostics/suggest.js';
import type { Graph, GraphNode, ModelGraph } from '../graph/graph.js';
import { parameterBehind, parameterPath, sharedPath } from '../graph/graph.js';
import type { Model } from '../model/model.js';
import { fileEnvironment } from '../resolve/environment.js';
import { evaluate } from '../resolve/evaluate.js';
import { slotsOf } from '../resolve/slots.js';
import type { Declared, FileScope } from '../sources/scope.js';
import { weightTemplates } from './declaration.js';
import type { EntryTemplate, ParameterTemplate } from './declaration.js';
import { reportWeights } from './messages.js';

/** A parameter of the model by its full path, such as `layers.3.in_z.weight`. */
export interface ModelParameter {
  readonly path: string;
  readonly shape: readonly number[];
}

export interface WeightMapEntry {
  /** Name in the checkpoint. */
  readonly tensor: string;
  /** Shape in the checkpoint. */
  readonly shape: readonly number[];
  /** Full paths of the parameters that it is made of, one after another along the first dimension. */
  readonly parts: readonly string[];
}

export interface WeightMap {
  readonly name: string;
  /** In the order of the declaration, layer by layer. */
  readonly entries: readonly WeightMapEntry[];
  /** Tensors that checkpoints may hold although the model needs none: the head's matrix where it is the embedding's. */
  readonly copies: readonly { readonly tensor: string; readonly of: string }[];
}

/**
 * Parameters of a traced model, each once: shared layers and a tied head have none of their own. A linear map's matrix has
 * two dimensions and its bias one, as checkpoints hold them, however many its outputs and inputs have.
 */
export function modelParameters(graph: ModelGraph): readonly ModelParameter[] {
  const shapes = graph.graphs.map(checkpointShapes);
  const result = new Map<string, ModelParameter>();
  for (const instance of graph.instances) {
    for (const { path: local } of graph.graphs[instance.graph]!.parameters) {
      if (sharedPath(instance, local) !== undefined) continue;
      const path = parameterPath(instance, local);
      result.set(path, { path, shape: shapes[instance.graph]!.get(local)! });
    }
  }
  return [...result.values()];
}

function checkpointShapes(graph: Graph): ReadonlyMap<string, readonly number[]> {
  const outputs = new Map<string, number>();
  for (const node of graph.nodes) {
    if (node.op !== 'linear') continue;
    const path = parameterBehind(graph, node.inputs[1]!);
    if (path === undefined) continue;
    outputs.set(path, (node as GraphNode<'linear'>).attributes.out.length);
    outputs.set(path.replace(/weight$/, 'bias'), Infinity);
  }
  const product = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1);
  return new Map(
    graph.parameters.map(({ path, type }) => {
      const sizes = type.dims.map(({ extent }) => extent as number);
      const rows = outputs.get(path);
      if (rows === undefined) return [path, sizes];
      return [path, rows === Infinity ? [product(sizes)] : [product(sizes.slice(0, rows)), product(sizes.slice(rows))]];
    }),
  );
}

/**
 * Expands the weight map of a model over its layers. Every parameter must come from exactly one tensor; what is missing,
 * given twice or unknown is reported by name, and then there is no map.
 */
export function resolveWeightMap(
  model: Model,
  parameters: readonly ModelParameter[],
): { readonly map?: WeightMap; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics = new Diagnostics();
  if (model.weights === undefined) return { diagnostics: [] };
  const { declaration, scope } = model.weights;
  const templates = weightTemplates(
    { declaration, scope: scope as FileScope } as Declared<WeightsDeclaration>,
    diagnostics,
  );
  if (templates === undefined || diagnostics.errors > 0) return { diagnostics: diagnostics.list() };
  const entries = new Expansion(model, parameters, declaration, scope as FileScope, diagnostics).run(templates);
  if (diagnostics.errors > 0) return { diagnostics: diagnostics.list() };
  const copies = templates.flatMap(({ tensor, parts }) =>
    model.head.tie && parts.length === 1 && parts[0]!.owner === 'head' && parts[0]!.path === 'weight'
      ? [{ tensor, of: 'embedding.weight' }]
      : [],
  );
  return { map: { name: declaration.name.text, entries, copies }, diagnostics: diagnostics.list() };
}

interface Placed {
  readonly entry: WeightMapEntry;
  readonly template: EntryTemplate;
}

/** Where an entry is expanded: a layer, or nowhere in particular. */
interface Place {
  readonly prefix: string;
  readonly layer?: number;
  readonly nth?: number;
}

class Expansion {
  readonly #shapes: ReadonlyMap<string, readonly number[]>;

  constructor(
    readonly model: Model,
    parameters: readonly ModelParameter[],
    readonly declaration: WeightsDeclaration,
    readonly scope: FileScope,
    readonly diagnostics: Diagnostics,
  ) {
    this.#shapes = new Map(parameters.map(({ path, shape }) => [path, shape]));
  }

  run(templates: readonly EntryTemplate[]): readonly WeightMapEntry[] {
    const placed = templates.flatMap((template) => this.#expand(template));
    this.#checkNames(placed);
    this.#checkCoverage(placed);
    return placed.map(({ entry }) => entry);
  }

  #expand(template: EntryTemplate): readonly Placed[] {
    const owners = [...new Set(template.parts.map((part) => part.owner))];
    if (owners.length > 1) {
      const values = { tensor: template.tensor, owners: listNames(owners).replace(/ or /, ' and ') };
      this.diagnostics.add(reportWeights('HYB6015', template.entry.value.span, values));
      return [];
    }
    const places = this.#places(owners[0]!);
    const result: Placed[] = [];
    let found = false;
    for (const place of places) {
      const parts = template.parts.map((part) => `${place.prefix}${part.path}`);
      const shapes = parts.map((part) => this.#shapes.get(part));
      if (shapes.every((shape) => shape === undefined)) continue;
      found = true;
      const missing = shapes.findIndex((shape) => shape === undefined);
      if (missing >= 0) {
        this.#unknown(template.parts[missing]!, parts[missing]!);
        continue;
      }
      const tensor = template.tensor
        .replaceAll('{layer}', String(place.layer ?? '{layer}'))
        .replaceAll('{nth}', String(place.nth ?? '{nth}'));
      const shape = this.#shape(template, shapes as readonly (readonly number[])[]);
      if (shape !== undefined) result.push({ entry: { tensor, shape, parts }, template });
    }
    if (!found)
      for (const part of template.parts)
        if (!this.#mayBeAbsent(part)) this.#unknown(part, `${part.owner}.${part.path}`);
    return result;
  }

  /** The places that an entry is for. */
  #places(owner: string): readonly Place[] {
    if (owner === 'embedding' || owner === 'head') return [{ prefix: `${owner}.` }];
    const counts = new Map<string, number>();
    return this.model.layers.flatMap(({ index, alias, sharedWith }) => {
      const nth = counts.get(alias) ?? 0;
      counts.set(alias, nth + 1);
      if ((owner !== 'layers' && owner !== alias) || sharedWith !== undefined) return [];
      return [{ prefix: `layers.${index}.`, layer: index, nth }];
    });
  }

  /**
   * Whether the model might have had the parameter: a bias or a norm's shift that is switched off, a slot that is empty, a
   * head that is tied, or a block that the pattern has no layer of. One map then serves models that differ in these.
   */
  #mayBeAbsent({ owner, path }: ParameterTemplate): boolean {
    const { head } = this.model;
    if (owner === 'embedding') return false;
    if (owner === 'head') {
      if (path === 'weight') return head.tie;
      return path === 'bias' || (path.startsWith('norm.') && head.norm === undefined);
    }
    const { aliases, layers } = this.model;
    if (Object.hasOwn(aliases, owner) && !layers.some(({ alias }) => alias === owner)) return true;
    const blocks = Object.keys(aliases).filter((alias) => owner === 'layers' || owner === alias);
    return blocks.some((alias) => mayHave(aliases[alias]!.declaration, path));
  }

  #unknown(part: ParameterTemplate, parameter: string): void {
    const known = new Set<string>(['embedding.weight', 'head.weight', 'head.norm.weight']);
    for (const path of this.#shapes.keys()) {
      const match = /^layers\.(\d+)\.(.*)$/.exec(path);
      const alias = match === null ? undefined : this.model.layers[Number(match[1])]?.alias;
      if (match !== null) known.add(`${part.owner === 'layers' ? 'layers' : alias}.${match[2]}`);
    }
    const details = didYouMean(part.span, `${part.owner}.${part.path}`, known);
    this.diagnostics.add(reportWeights('HYB6010', part.span, { model: this.model.name, parameter }, details));
  }

  #shape(template: EntryTemplate, shapes: readonly (readonly number[])[]): readonly number[] | undefined {
    const wrong = (reason: string): undefined => {
      const span = template.entry.shape?.span ?? template.entry.span;
      this.diagnostics.add(reportWeights('HYB6014', span, { tensor: template.tensor, reason }));
      return undefined;
    };
    const [first, ...others] = shapes as [readonly number[], ...(readonly number[])[]];
    if (others.some((shape) => shape.slice(1).join() !== first.slice(1).join() || shape.length !== first.length)) {
      const [a, b] = [first, others.find((shape) => shape.slice(1).join() !== first.slice(1).join()) ?? others[0]!];
      return wrong(`[${a.join(', ')}] and [${b.join(', ')}] cannot be put one after another`);
    }
    const logical =
      others.length === 0 ? first : [shapes.reduce((rows, shape) => rows + (shape[0] ?? 1), 0), ...first.slice(1)];
    if (template.entry.shape === undefined) return logical;
    const sizes: number[] = [];
    let wildcards = 0;
    for (const dim of template.entry.shape.dims) {
      if (dim.kind === 'Wildcard') {
        const size = logical[wildcards++];
        if (size === undefined) return wrong(`the parameter has ${logical.length} dimensions`);
        sizes.push(size);
        continue;
      }
      if (dim.kind === 'Ellipsis') return wrong('`...` says nothing here');
      const value = evaluate(dim, fileEnvironment(this.scope), {
        diagnostics: this.diagnostics,
        width: this.model.width,
      });
      if (value === undefined) return undefined;
      if (value.kind !== 'number' || !Number.isInteger(value.value) || value.value < 1)
        return wrong('sizes are whole numbers from 1');
      sizes.push(value.value);
    }
    const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
    if (count(sizes) !== count(logical)) {
      return wrong(
        `[${sizes.join(', ')}] has ${count(sizes)} elements, and the parameter [${logical.join(', ')}] has ${count(logical)}`,
      );
    }
    return sizes;
  }

  #checkNames(placed: readonly Placed[]): void {
    const seen = new Map<string, Placed>();
    const reported = new Set<EntryTemplate>();
    for (const one of placed) {
      const earlier = seen.get(one.entry.tensor);
      if (earlier === undefined) seen.set(one.entry.tensor, one);
      else if (!reported.has(one.template)) {
        reported.add(one.template);
        const values = { tensor: one.entry.tensor, first: earlier.entry.parts[0]!, second: one.entry.parts[0]! };
        this.diagnostics.add(reportWeights('HYB6013', one.template.entry.tensor.span, values));
      }
    }
  }

  #checkCoverage(placed: readonly Placed[]): void {
    const tensors = new Map<string, Placed>();
    const reported = new Set<string>();
    for (const one of placed) {
      for (const [i, part] of one.entry.parts.entries()) {
        const earlier = tensors.get(part);
        if (earlier === undefined) tensors.set(part, one);
        else {
          const template = one.template.parts[i]!;
          const key = `${template.owner}.${template.path}`;
          if (reported.has(key)) continue;
          reported.add(key);
          const values = { parameter: part, first: earlier.entry.tensor, second: one.entry.tensor };
          const related = [{ span: earlier.template.entry.span, message: 'the other tensor' }];
          this.diagnostics.add(reportWeights('HYB6012', template.span, values, { related }));
        }
      }
    }
    const missing = [...this.#shapes.keys()].filter((path) => !tensors.has(path));
    if (missing.length === 0 || this.diagnostics.errors > 0) return;
    const shown = missing.slice(0, 8).map((path) => `'${path}'`);
    const rest = missing.length - shown.length;
    const list = rest === 0 ? shown.join(', ') : `${shown.join(', ')} and ${rest} more`;
    const { name } = this.declaration;
    this.diagnostics.add(reportWeights('HYB6011', name.span, { map: name.text, parameters: list }));
  }
}

/** Whether a block declares a parameter that is only sometimes there. */
function mayHave(declaration: BlockDeclaration, path: string): boolean {
  const [first, ...rest] = path.split('.');
  if (slotsOf(declaration).includes(first!)) return true;
  const param = declaration.body.find(
    (statement): statement is ParamStatement => statement.kind === 'ParamStatement' && statement.name.text === first,
  );
  if (param === undefined) return false;
  // A linear map's matrix is always there; its bias and the scale of sigma reparametrisation are not.
  return param.condition !== undefined || (rest.length === 1 && rest[0] !== 'weight');
}
