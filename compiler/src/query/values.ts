/**
 * What the expressions and names of a body are where a model uses it: shapes with the model's sizes, formats after its
 * precision rules, constants. A body that no model uses is looked at with sample sizes, which are told by name.
 */
import type { Declaration, ModelDeclaration, Span } from '@hyb/grammar';
import { Diagnostics } from '../diagnostics/collector.js';
import type { GraphParameter } from '../graph/graph.js';
import type { Dim, TensorType } from '../graph/types.js';
import { resolveModel } from '../resolve/resolve-model.js';
import { printArguments, printValue } from '../resolve/value.js';
import type { Declared } from '../sources/scope.js';
import { describeDims } from '../trace/elaborate/describe.js';
import type { Binding, Frame, Observer } from '../trace/elaborate/frame.js';
import { isConstant, typeOf } from '../trace/elaborate/values.js';
import type { Module, Value } from '../trace/elaborate/values.js';
import { checkDeclaration } from '../trace/generic/check.js';
import { trace } from '../trace/trace.js';

export interface TensorFact {
  readonly kind: 'tensor';
  /** `[time, heads: 8, head_dim: 16]` */
  readonly shape: string;
  /** Where sizes are known. */
  readonly dtype?: string;
  /** Elements for each token of a tensor over time, or in all. */
  readonly elements?: { readonly count: number; readonly perToken: boolean };
}

export interface ParameterFact {
  readonly path: string;
  readonly shape: string;
  readonly count?: number;
}

export type ValueFact =
  | TensorFact
  | { readonly kind: 'constant'; readonly text: string }
  /** A `param`: what it is, and the tensors that it has. */
  | { readonly kind: 'module'; readonly text: string; readonly parameters: readonly ParameterFact[] }
  | { readonly kind: 'slot'; readonly norm: string | null };

export interface UsedFact {
  readonly fact: ValueFact;
  /** Model and name of the layers; absent for sample sizes. */
  readonly use?: { readonly model: string; readonly alias: string };
}

/** Facts by place. */
export class ValueTable {
  readonly #facts = new Map<string, UsedFact[]>();

  add(span: Span, fact: ValueFact, use: UsedFact['use']): void {
    this.#add(spanKey(span), fact, use);
  }

  #add(key: string, fact: ValueFact, use: UsedFact['use']): void {
    const facts = this.#facts.get(key) ?? [];
    this.#facts.set(key, facts);
    const text = JSON.stringify([fact, use]);
    if (facts.length < MOST && facts.every((each) => JSON.stringify([each.fact, each.use]) !== text)) {
      facts.push(use === undefined ? { fact } : { fact, use });
    }
  }

  addAll(other: ValueTable): void {
    for (const [key, facts] of other.#facts) for (const { fact, use } of facts) this.#add(key, fact, use);
  }

  at(span: Span): readonly UsedFact[] {
    return this.#facts.get(spanKey(span)) ?? [];
  }

  get size(): number {
    return this.#facts.size;
  }
}

/** Uses of one expression that are worth telling apart. */
const MOST = 12;

const spanKey = ({ file, start, end }: Span): string => `${file}:${start}-${end}`;

/** How many models are asked before a declaration counts as used by enough of them, or by none. */
const MODELS_SHOWN = 4;
const MODELS_TRIED = 16;

/**
 * What stands in a declaration.
 *
 * @param models those that may use it, the most telling first
 */
export function valuesIn(declared: Declared, models: readonly Declared<ModelDeclaration>[]): ValueTable {
  const table = new ValueTable();
  let shown = 0;
  for (const model of models.slice(0, MODELS_TRIED)) {
    const before = table.size;
    observeModel(model, declared.declaration, table);
    if (table.size > before && ++shown === MODELS_SHOWN) break;
  }
  if (table.size === 0) {
    checkDeclaration(declared.declaration, declared.scope, observerOf(declared.declaration, table, undefined));
  }
  return table;
}

function observeModel(declared: Declared<ModelDeclaration>, declaration: Declaration, table: ValueTable): void {
  const model = resolveModel(declared, new Diagnostics());
  if (model === undefined) return;
  const ids = new Map<object, string>();
  const traces = new Map<string, ValueTable>();
  trace(model, {
    identify: (each) => {
      const id = ids.get(each) ?? `${ids.size}`;
      ids.set(each, id);
      return id;
    },
    layer: (key, diagnostics, make) => {
      const alias = key.slice(0, key.indexOf(' '));
      const own = new ValueTable();
      traces.set(key.slice(0, key.lastIndexOf(' ')), own);
      return make(diagnostics, observerOf(declaration, own, { model: model.name, alias }));
    },
  });
  const keys = [...traces.keys()];
  const aliases = Object.keys(model.aliases);
  // The head comes last.
  const rank = (key: string): number => (aliases.indexOf(key.slice(0, key.indexOf(' '))) + 1 || aliases.length + 1) - 1;
  for (const [key, own] of [...traces].sort(([a], [b]) => rank(a) - rank(b))) {
    // A layer is traced again with its precision, which then says all that the first trace does.
    if (!keys.some((other) => other.startsWith(`${key} `))) table.addAll(own);
  }
}

function observerOf({ span: inside }: Declaration, table: ValueTable, use: UsedFact['use']): Observer {
  const isInside = ({ file, start, end }: Span): boolean =>
    file === inside.file && inside.start <= start && end <= inside.end;
  const note = (span: Span, fact: ValueFact | undefined): void => {
    if (fact !== undefined) table.add(span, fact, use);
  };
  return {
    value: (expression, value, frame) => {
      if (isInside(expression.span)) note(expression.span, factOf(value, frame));
    },
    binding: (place, binding, frame) => {
      if (isInside(place)) note(place, bindingFact(binding, frame));
    },
  };
}

function bindingFact(binding: Binding, frame: Frame): ValueFact | undefined {
  switch (binding.kind) {
    case 'value':
      return factOf(binding.value, frame);
    case 'dim':
      return frame.unit.generic === undefined || binding.dim.extent === 'time'
        ? { kind: 'constant', text: `${binding.dim.extent}` }
        : { kind: 'constant', text: frame.unit.generic.describe(binding.dim.extent) };
    case 'parameter':
      return { kind: 'module', text: 'parameter', parameters: [parameterFact(binding.parameter, frame)] };
    case 'absent':
      return { kind: 'constant', text: 'absent' };
  }
}

function factOf(value: Value, frame: Frame): ValueFact | undefined {
  const isGeneric = frame.unit.generic !== undefined;
  switch (value.kind) {
    case 'tensor':
      return tensorFact(typeOf(value), frame);
    case 'module':
      return moduleFact(value.module, frame);
    case 'slot':
      if (value.norm === null) return { kind: 'slot', norm: null };
      // Sample sizes mean nothing to the reader.
      return { kind: 'slot', norm: isGeneric ? value.norm.declaration.name.text : printValue(value.norm) };
    case 'values':
      return { kind: 'constant', text: `(${value.elements.map((each) => elementText(each, frame)).join(', ')})` };
    case 'failed':
      return undefined;
    case 'number':
      if (frame.unit.generic !== undefined && value.integer) {
        return { kind: 'constant', text: frame.unit.generic.describe(value.value) };
      }
      return { kind: 'constant', text: printValue(value) };
    default:
      return isConstant(value) ? { kind: 'constant', text: printValue(value) } : undefined;
  }
}

function elementText(value: Value, frame: Frame): string {
  const fact = factOf(value, frame);
  return fact?.kind === 'tensor' ? fact.shape : fact?.kind === 'constant' ? fact.text : '…';
}

function tensorFact(type: TensorType, frame: Frame): TensorFact {
  const shape = describeDims(type.dims, frame.unit);
  if (frame.unit.generic !== undefined) return { kind: 'tensor', shape };
  const perToken = type.dims.some(({ extent }) => extent === 'time');
  return { kind: 'tensor', shape, dtype: type.dtype, elements: { count: elementsOf(type.dims), perToken } };
}

function elementsOf(dims: readonly Dim[]): number {
  return dims.reduce((count, { extent }) => (extent === 'time' ? count : count * extent), 1);
}

function parameterFact({ path, type }: GraphParameter, frame: Frame): ParameterFact {
  const shape = describeDims(type.dims, frame.unit);
  return frame.unit.generic === undefined ? { path, shape, count: elementsOf(type.dims) } : { path, shape };
}

function moduleFact(module: Module, frame: Frame): ValueFact {
  const { generic } = frame.unit;
  if (module.kind === 'block') {
    const { declaration, arguments: values } = module;
    const text = generic === undefined ? `(${printArguments(values)})` : '';
    return { kind: 'module', text: `${declaration.name.text}${text}`, parameters: [] };
  }
  const side = (dims: readonly Dim[]): string => describeDims(dims, frame.unit);
  const text =
    module.kind === 'linear'
      ? `linear(${side(module.from)} -> ${side(module.to)})`
      : `conv1d(${side([module.channels])}, kernel = ${generic?.describe(module.kernel) ?? module.kernel})`;
  const gamma = module.kind === 'linear' ? module.gamma : undefined;
  const tensors = generic === undefined ? [module.weight, module.bias, gamma] : [];
  const parameters = tensors.flatMap((each) => (each === undefined ? [] : [parameterFact(each, frame)]));
  return { kind: 'module', text, parameters };
}
