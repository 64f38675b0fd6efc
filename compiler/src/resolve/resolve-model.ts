/** One model: its assignments, base first, become the resolved `Model`. */
import type { ModelDeclaration, Name, PathIndex, PathStep, WeightsDeclaration } from '@hyb/grammar';
import { Diagnostics } from '../diagnostics/collector.js';
import { didYouMean, nearest, replaceFix } from '../diagnostics/suggest.js';
import type { BlockInstance, Model, NormInstance } from '../model/model.js';
import { describeDeclaration } from '../sources/scope.js';
import type { Declared } from '../sources/scope.js';
import type { GivenArgument } from './arguments.js';
import type { Assignment, Definition } from './definition.js';
import { derivationChain, modelDefinition, printPath } from './definition.js';
import { describeValue } from './evaluate.js';
import { Fields, isModelField, MODEL_FIELDS } from './fields.js';
import { blockWithSlots, makeLayers } from './layers.js';
import type { BlockChange, LayerChange } from './layers.js';
import { report } from './messages/report.js';
import { expandPattern } from './pattern.js';
import { resolveRules } from './precision.js';
import { RecordFields } from './records.js';
import { checkParameter, checkSlot, evaluateNorm, readSlots, slotsOf } from './slots.js';
import type { SlotChange } from './slots.js';
import { dictionary } from './value.js';

/**
 * Resolves a model of a project. Undefined where a part that later stages need is wrong; what is wrong stands in
 * `diagnostics`. A model that is returned beside errors lacks only what the errors are about.
 */
export function resolveModel(declared: Declared<ModelDeclaration>, diagnostics: Diagnostics): Model | undefined {
  const definition = modelDefinition(declared, diagnostics);
  return definition === undefined ? undefined : new ModelResolver(definition, diagnostics).resolve();
}

class ModelResolver {
  readonly #definition: Definition<ModelDeclaration>;
  readonly #diagnostics: Diagnostics;
  readonly #fields: Fields;
  readonly #head: RecordFields;
  readonly #embedding: RecordFields;
  #modelSlots: SlotChange[] = [];
  #blockChanges = new Map<string, BlockChange[]>();
  #layerChanges: LayerChange[] = [];
  readonly #definedAt = new Map<string, number>();
  #order = 0;

  constructor(definition: Definition<ModelDeclaration>, diagnostics: Diagnostics) {
    this.#definition = definition;
    this.#diagnostics = diagnostics;
    this.#fields = new Fields(diagnostics);
    this.#head = new RecordFields('head', ['norm', 'tie', 'bias', 'cap'], this.#fields);
    this.#embedding = new RecordFields('embedding', ['scale'], this.#fields);
  }

  resolve(): Model | undefined {
    const { declaration, assignments, chain, rules } = this.#definition;
    for (let level = 0; level < chain.length; level++) {
      const here = assignments.filter((assignment) => assignment.level === level);
      for (const assignment of here) if (assignment.target.steps.length === 0) this.#define(assignment);
      for (const assignment of here.filter((a) => a.target.steps.length > 0).sort(bySpecificity)) {
        this.#change(assignment);
      }
    }
    const vocab = this.#size('vocab');
    const width = this.#size('width');
    const context = this.#size('context');
    const pattern = this.#pattern();
    this.#checkModelSlots();
    const sources = {
      fields: this.#fields,
      modelSlots: this.#modelSlots,
      blockChanges: this.#blockChanges,
      layerChanges: this.#layerChanges,
      definedAt: this.#definedAt,
    };
    const blocks = new Map<string, BlockInstance | undefined>();
    for (const name of this.#fields.blocks()) blocks.set(name, blockWithSlots(name, sources));
    const layers = pattern === undefined ? undefined : makeLayers({ ...sources, pattern }, blocks);
    this.#warnUnused(pattern);
    const head = this.#resolveHead();
    const scale = this.#embedding.value('scale', 'float', undefined);
    const weights = this.#weights();
    this.#fields.finish();
    const precision = resolveRules(rules, { blocks: this.#declarations(), layers: pattern }, this.#diagnostics);
    const aliases = [...blocks].flatMap(([name, block]): [string, BlockInstance][] =>
      block === undefined ? [] : [[name, block]],
    );
    if (vocab === undefined || width === undefined || context === undefined || layers === undefined) return undefined;
    return {
      name: declaration.name.text,
      ...(declaration.doc === undefined ? {} : { doc: declaration.doc }),
      span: declaration.span,
      vocab,
      width,
      context,
      aliases: dictionary(aliases),
      layers,
      head,
      embedding: { scale: scale?.kind === 'number' ? scale.value : 1 },
      precision,
      ...(weights === undefined ? {} : { weights }),
    };
  }

  #define(assignment: Assignment): void {
    const { target, level, value, key } = assignment;
    const name = target.root.text;
    if (level > 0 && !isModelField(name) && !this.#fields.has(name)) {
      const base = this.#definition.chain[level - 1]!.declaration.name.text;
      const details = didYouMean(target.span, name, [...this.#fields.blocks(), ...MODEL_FIELDS]);
      this.#diagnostics.add(report('HYB2050', target.span, { base, field: name }, details));
      return;
    }
    this.#fields.define(name, assignment);
    const environment = this.#fields.environment(assignment);
    switch (name) {
      case 'norm': {
        const values = readSlots(key, value, environment, this.#fields);
        if (values !== undefined) this.#modelSlots = [{ kind: 'replace', values }];
        return;
      }
      case 'head':
        this.#head.replace(value, environment);
        return;
      case 'embedding':
        this.#embedding.replace(value, environment);
        return;
      case 'layers':
        this.#layerChanges = [];
        return;
      default:
        this.#blockChanges.delete(name);
        this.#definedAt.set(name, this.#order++);
    }
  }

  /** `A.cap = 50`, `norm.qk = …`, `layers[2..5].cap = …` and the like. */
  #change(assignment: Assignment): void {
    const { target, value } = assignment;
    const environment = this.#fields.environment(assignment);
    const [first, ...rest] = target.steps;
    const names = memberNames(target.steps);
    const nothing = (): void => {
      this.#diagnostics.add(report('HYB2006', target.span, { path: printPath(target) }));
    };
    const root = target.root.text;
    if (root === 'layers') {
      if (first?.kind !== 'PathIndex') return nothing();
      const range = this.#range(first);
      if (range === undefined) return;
      const members = memberNames(rest);
      const change = members === undefined ? undefined : this.#blockChange(members, assignment);
      if (change === undefined) return nothing();
      const field = members!.map((name) => name.text).join('.');
      this.#layerChanges.push({ ...change, ...range, span: target.span, field });
      return;
    }
    if (names === undefined) return nothing();
    const [name, second, third] = names;
    if (name === undefined || (third !== undefined && root === 'norm')) return nothing();
    switch (root) {
      case 'norm':
        this.#modelSlots.push(
          second === undefined
            ? { kind: 'set', value: { slot: name, value, environment } }
            : {
                kind: 'argument',
                slot: name,
                name: second,
                argument: { ...argumentOf(second, assignment), environment },
              },
        );
        return;
      case 'head':
        if (second === undefined) this.#head.set(name, value, environment);
        else if (name.text === 'norm' && third === undefined) {
          this.#head.override('norm', { ...argumentOf(second, assignment), environment }, second.text);
        } else nothing();
        return;
      case 'embedding':
        if (second === undefined) this.#embedding.set(name, value, environment);
        else nothing();
        return;
    }
    if (!this.#fields.isBlock(root)) {
      this.#unknownBlock(assignment);
      return;
    }
    const declaration = this.#fields.declaration(root);
    const change = this.#blockChange(names, assignment);
    if (change === undefined) return nothing();
    if (declaration === undefined) return;
    if (change.change.kind === 'parameter') {
      if (!checkParameter(declaration, change.change.argument, this.#fields)) return;
      this.#fields.override(root, change.change.name.text, change.change.argument);
    } else if (!this.#checkSlots(change.change.change, declaration.name.text, slotsOf(declaration))) return;
    this.#blockChanges.set(root, [...(this.#blockChanges.get(root) ?? []), change]);
  }

  #blockChange(names: readonly Name[], assignment: Assignment): BlockChange | undefined {
    const environment = this.#fields.environment(assignment);
    const { value, key } = assignment;
    const order = this.#order++;
    const [name, slot, parameter, more] = names;
    if (name === undefined || more !== undefined) return undefined;
    if (name.text !== 'norm') {
      if (slot !== undefined) return undefined;
      return { order, change: { kind: 'parameter', name, argument: { ...argumentOf(name, assignment), environment } } };
    }
    if (slot === undefined) {
      const values = readSlots(key, value, environment, this.#fields) ?? [];
      return { order, change: { kind: 'slot', change: { kind: 'replace', values } } };
    }
    if (parameter === undefined) {
      return { order, change: { kind: 'slot', change: { kind: 'set', value: { slot, value, environment } } } };
    }
    const argument = { ...argumentOf(parameter, assignment), environment };
    return { order, change: { kind: 'slot', change: { kind: 'argument', slot, name: parameter, argument } } };
  }

  #checkSlots(change: SlotChange, owner: string, slots: readonly string[]): boolean {
    switch (change.kind) {
      case 'replace':
        return change.values.map(({ slot }) => checkSlot(slot, owner, slots, this.#fields)).every(Boolean);
      case 'set':
        return checkSlot(change.value.slot, owner, slots, this.#fields);
      case 'argument':
        return checkSlot(change.slot, owner, slots, this.#fields);
    }
  }

  /** The model's defaults may name any slot that one of its blocks has. */
  #checkModelSlots(): void {
    const slots = new Set(['pre', 'out', 'post']);
    for (const declaration of this.#declarations().values()) for (const slot of slotsOf(declaration)) slots.add(slot);
    // Slots of a block that could not be found may be any.
    if (this.#fields.blocks().some((name) => this.#fields.declaration(name) === undefined)) return;
    for (const change of this.#modelSlots) this.#checkSlots(change, 'This model', [...slots]);
  }

  #unknownBlock({ target, level }: Assignment): void {
    const { root } = target;
    if (this.#fields.has(root.text) || isModelField(root.text)) {
      this.#diagnostics.add(report('HYB2006', target.span, { path: printPath(target) }));
      return;
    }
    const base = this.#definition.chain[Math.max(0, level - 1)]!.declaration.name.text;
    const details = didYouMean(root.span, root.text, [...this.#fields.blocks(), 'norm', 'head', 'layers', 'embedding']);
    this.#diagnostics.add(report('HYB2050', root.span, { base, field: root.text }, details));
  }

  #range({ index }: PathIndex): { start: number; end: number } | undefined {
    const bound = (part: typeof index | undefined, fallback: number): number | undefined => {
      if (part === undefined) return fallback;
      const whole = part.kind === 'NumberLiteral' && Number.isInteger(part.value) && part.unit === undefined;
      return whole ? part.value : undefined;
    };
    const start = index.kind === 'Range' ? bound(index.start, 0) : bound(index, 0);
    // An open end is the last layer, which only the finished pattern tells; 0 stands for it here.
    const end =
      index.kind === 'Range'
        ? index.end === undefined
          ? this.#layerCount()
          : bound(index.end, 0)
        : start === undefined
          ? undefined
          : start + 1;
    if (start === undefined || end === undefined || end <= start) {
      if (index.kind !== 'ErrorExpression') this.#diagnostics.add(report('HYB2055', index.span, { what: 'This' }));
      return undefined;
    }
    return { start, end };
  }

  #layerCount(): number {
    return this.#pattern()?.length ?? Infinity;
  }

  #size(field: 'vocab' | 'width' | 'context'): number | undefined {
    if (!this.#fields.has(field)) this.#missing(field);
    return this.#fields.size(field);
  }

  #missing(field: string): void {
    const { name } = this.#definition.declaration;
    const slip = nearest(field, [...this.#fields.names()]);
    const place = slip === undefined ? undefined : this.#fields.assignment(slip)?.target.root.span;
    const fixes = place === undefined ? [] : [replaceFix(place, field)];
    this.#diagnostics.add(report('HYB2001', name.span, { model: name.text, field }, { fixes }));
  }

  #pattern(): readonly string[] | undefined {
    const assignment = this.#fields.assignment('layers');
    if (assignment === undefined) {
      this.#missing('layers');
      return undefined;
    }
    const names = { check: (name: Name): boolean => this.#checkLayerName(name, assignment) };
    return expandPattern(assignment.value, names, this.#fields.environment(assignment), this.#fields);
  }

  #checkLayerName(name: Name, { scope }: Assignment): boolean {
    if (this.#fields.isBlock(name.text)) return true;
    if (this.#fields.has(name.text) && !isModelField(name.text)) {
      const value = this.#fields.constant(name.text);
      if (value !== undefined) {
        this.#diagnostics.add(report('HYB2037', name.span, { name: name.text, what: describeValue(value) }));
      }
      return false;
    }
    const declared = scope.find(name.text);
    if (declared !== undefined) {
      const what = `${describeDeclaration(declared.declaration)} of the file`;
      this.#diagnostics.add(report('HYB2037', name.span, { name: name.text, what }));
      return false;
    }
    const details = didYouMean(name.span, name.text, this.#fields.blocks());
    this.#diagnostics.add(report('HYB2030', name.span, { name: name.text }, details));
    return false;
  }

  #warnUnused(pattern: readonly string[] | undefined): void {
    if (pattern === undefined) return;
    const used = new Set(pattern);
    for (const name of this.#fields.blocks()) {
      const place = this.#fields.assignment(name)?.target.root.span;
      if (!used.has(name) && place !== undefined) this.#diagnostics.add(report('HYB2038', place, { name }));
    }
  }

  #declarations(): ReadonlyMap<string, NonNullable<ReturnType<Fields['declaration']>>> {
    return new Map(
      this.#fields.blocks().flatMap((name) => {
        const declaration = this.#fields.declaration(name);
        return declaration === undefined ? [] : [[name, declaration] as const];
      }),
    );
  }

  #resolveHead(): Model['head'] {
    const tie = this.#head.value('tie', 'bool', undefined);
    const bias = this.#head.value('bias', 'bool', undefined);
    const cap = this.#head.value('cap', 'float', undefined, true);
    const written = this.#head.written('norm');
    const orphan = this.#head.orphan('norm');
    if (orphan !== undefined) {
      const argument = orphan.name?.text ?? 'argument';
      this.#diagnostics.add(report('HYB2023', orphan.span, { slot: 'head.norm', argument }));
    }
    let norm: NormInstance | null | undefined;
    if (written !== undefined) {
      norm = evaluateNorm('head.norm', written.value, written.environment, written.arguments, this.#fields);
    }
    return {
      ...(norm === undefined || norm === null ? {} : { norm }),
      tie: tie?.kind === 'boolean' && tie.value,
      bias: bias?.kind === 'boolean' && bias.value,
      ...(cap?.kind === 'number' ? { cap: cap.value } : {}),
    };
  }

  #weights(): Model['weights'] {
    const assignment = this.#fields.assignment('weights');
    if (
      assignment === undefined ||
      assignment.value.kind === 'NoneLiteral' ||
      assignment.value.kind === 'ErrorExpression'
    )
      return undefined;
    const { value, scope } = assignment;
    const declared = value.kind === 'Name' ? scope.find(value.text) : undefined;
    if (declared?.declaration.kind !== 'WeightsDeclaration') {
      if (value.kind === 'Name' && scope.isBroken(value.text)) return undefined;
      const written = value.kind === 'Name' ? value.text : 'This';
      const maps = scope.names().filter((name) => scope.find(name)?.declaration.kind === 'WeightsDeclaration');
      this.#diagnostics.add(report('HYB2041', value.span, { name: written }, didYouMean(value.span, written, maps)));
      return undefined;
    }
    const chain = derivationChain(declared as Declared<WeightsDeclaration>, {
      kind: 'WeightsDeclaration',
      // What is wrong with the chain is reported where the map is declared.
      diagnostics: new Diagnostics(),
      unknownBase: () => undefined,
      circular: () => undefined,
    });
    if (chain === undefined) return undefined;
    const bases = chain.slice(0, -1);
    const base = bases.at(-1)?.declaration;
    return { declaration: declared.declaration, ...(base === undefined ? {} : { base }), scope: declared.scope };
  }
}

function argumentOf(name: Name, assignment: Assignment): Omit<GivenArgument, 'environment'> {
  return { kind: 'Argument', name, value: assignment.value, span: assignment.field.span };
}

/** The names of a path; undefined where it has an index. */
function memberNames(steps: readonly PathStep[]): readonly Name[] | undefined {
  const names = steps.flatMap((step) => (step.kind === 'PathMember' ? [step.name] : []));
  return names.length === steps.length ? names : undefined;
}

/** In one body: what is wider first, so that `A.norm.qk = …` adds to `A.norm = { … }` wherever the two stand. */
function bySpecificity(a: Assignment, b: Assignment): number {
  const layersLast = Number(a.target.root.text === 'layers') - Number(b.target.root.text === 'layers');
  return layersLast || width(b) - width(a) || a.target.steps.length - b.target.steps.length;
}

/** Number of layers that an assignment is for, as far as it says. */
function width({ target }: Assignment): number {
  const index = target.steps.find((step) => step.kind === 'PathIndex')?.index;
  if (index?.kind !== 'Range') return 1;
  if (index.end === undefined) return Number.MAX_SAFE_INTEGER;
  const start = index.start?.kind === 'NumberLiteral' ? index.start.value : 0;
  return index.end.kind === 'NumberLiteral' ? index.end.value - start : 1;
}
