/**
 * Checks declarations for all their arguments: blocks of a library that no model uses. Sizes are sampled, so that every
 * rule of shapes applies as it does to a layer, and messages call them by what they are made of. Optional arguments are
 * given and left out in turn, so that every branch is looked at.
 */
import type { BlockDeclaration, Declaration, Diagnostic, FunctionDeclaration, Input, Name } from '@hyb/grammar';
import { Diagnostics } from '../../diagnostics/collector.js';
import { TIME, dim, tensor } from '../../graph/types.js';
import type { Dim } from '../../graph/types.js';
import type { Constant, Model, NormInstance, Scope } from '../../model/model.js';
import type { Project } from '../../sources/project.js';
import { checkParameterKinds, defaultsFrame, elaborateBlock } from '../elaborate/block.js';
import type { BlockInput } from '../elaborate/block.js';
import { applyFunction } from '../elaborate/call.js';
import { evaluate } from '../elaborate/expression.js';
import { bind } from '../elaborate/frame.js';
import type { Frame, Observer, Requirement, Unit } from '../elaborate/frame.js';
import { isConstant } from '../elaborate/values.js';
import type { Value } from '../elaborate/values.js';
import { createUnit, outermost } from '../template.js';
import { argumentChoices } from './arguments.js';
import { repair, sampleSizes } from './sampling.js';
import type { Sizes } from './sampling.js';
import { GenericSizes } from './sizes.js';
import { report } from '../messages/report.js';
import { byName } from '../../model/by-name.js';

/** How often sizes are changed to meet the requirements of a block before giving up. */
const ATTEMPTS = 40;

/** Findings about a declaration on its own. Models, recipes and weight maps have none. */
export function checkDeclaration(declaration: Declaration, scope: Scope, observer?: Observer): readonly Diagnostic[] {
  switch (declaration.kind) {
    case 'BlockDeclaration':
      return checkBlock(declaration, scope, observer);
    case 'FunctionDeclaration':
      return checkFunction(declaration, scope, observer);
    case 'ModelDeclaration':
    case 'TrainDeclaration':
    case 'WeightsDeclaration':
      return [];
  }
}

/**
 * Findings about what the entry files of a project declare and none of the models uses: it is checked for all arguments.
 * What a model uses has been checked with the arguments it has there.
 */
export function checkUnused(project: Project, models: readonly Model[]): readonly Diagnostic[] {
  const used = new Set(models.flatMap(declarationsOf));
  const found: Diagnostic[] = [];
  for (const { syntax, scope } of project.entries) {
    for (const declaration of syntax.declarations) {
      if (declaration.kind === 'BlockDeclaration' && used.has(declaration)) continue;
      found.push(...checkDeclaration(declaration, scope));
      // Functions that grow without end take long to check, each of them anew.
      if (found.some((d) => d.code === 'HYB3069')) return found;
    }
  }
  return found;
}

/** Blocks and norms that stand in a model's layers and head. */
export function declarationsOf({ layers, head }: Model): readonly BlockDeclaration[] {
  const norms: (NormInstance | null | undefined)[] = [head.norm];
  for (const { block } of layers) norms.push(...Object.values(block.slots));
  return [...layers.map(({ block }) => block.declaration), ...norms.flatMap((norm) => norm?.declaration ?? [])];
}

function checkBlock(declaration: BlockDeclaration, scope: Scope, observer?: Observer): readonly Diagnostic[] {
  const kinds = new Diagnostics();
  checkParameterKinds(declaration, createUnit({ name: '', width: 1, diagnostics: kinds }));
  const runs: (readonly Diagnostic[])[] = [];
  for (const choice of argumentChoices(declaration)) {
    const found = runWithSizes(declaration, (sizes) => runBlock(declaration, scope, choice, sizes, observer));
    if (found !== undefined) runs.push(found);
  }
  return merged([kinds.list(), ...runs], runs.length);
}

interface Run {
  readonly diagnostics: Diagnostics;
  readonly unmet: readonly Requirement[];
}

/** Runs with sizes that meet the requirements; undefined where none were found. */
function runWithSizes(declaration: BlockDeclaration, run: (sizes: Sizes) => Run): readonly Diagnostic[] | undefined {
  let sizes = sampleSizes(declaration);
  const tried = new Map<Requirement['condition'], number>();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { diagnostics, unmet } = run(sizes);
    if (unmet.length === 0) return diagnostics.list();
    const { condition } = unmet[0]!;
    const before = tried.get(condition) ?? 0;
    tried.set(condition, before + 1);
    const next = repair(sizes, condition, before);
    if (next === undefined) return undefined;
    sizes = next;
  }
  return undefined;
}

function runBlock(
  declaration: BlockDeclaration,
  scope: Scope,
  choice: ReadonlyMap<string, Constant>,
  sizes: Sizes,
  observer?: Observer,
): Run {
  const diagnostics = new Diagnostics();
  const unmet: Requirement[] = [];
  const generic = new GenericSizes();
  const options = { name: 'generic', width: sizes.get('width')!, diagnostics, generic, requirements: unmet };
  const unit = createUnit({ ...options, ...(observer !== undefined && { observer }) });
  generic.name('width', unit.width);
  const values = sampleArguments(declaration, scope, choice, sizes, unit, generic);
  if (values === undefined) return { diagnostics, unmet };
  const instance = { declaration, scope, arguments: values };
  const frame = outermost(unit, { declaration, scope, slots: {} });
  const inputs = declaration.inputs.map((input) => sampleInput(input, frame, values, sizes, generic));
  const result = elaborateBlock(instance, inputs, {
    frame,
    path: '',
    ...(declaration.form === 'norm' && { norm: declaration.name.text }),
    span: declaration.name.span,
  });
  reportUnused(unit, result, diagnostics);
  return { diagnostics, unmet };
}

/** The arguments of one run: what the choice says, sampled sizes, and otherwise the defaults. */
function sampleArguments(
  declaration: BlockDeclaration,
  scope: Scope,
  choice: ReadonlyMap<string, Constant>,
  sizes: Sizes,
  unit: Unit & { readonly layer: Frame['tape'] },
  generic: GenericSizes,
): Readonly<Record<string, Constant>> | undefined {
  const defaults = defaultsFrame({ unit, tape: unit.layer, open: [] }, scope);
  const values = byName<Constant>();
  for (const { name, default: fallback } of declaration.parameters) {
    const { text } = name;
    const size = sizes.get(text);
    const chosen = choice.get(text);
    let value: Value | undefined;
    if (chosen !== undefined) value = chosen;
    else if (size !== undefined) value = { kind: 'number', value: size, integer: true };
    else if (fallback !== undefined) value = evaluate(fallback, defaults);
    if (value?.kind === 'slot') value = value.norm ?? { kind: 'none' };
    if (value === undefined || !isConstant(value)) return undefined;
    values[text] = value;
    if (value.kind === 'number' && value.integer) generic.name(text, value.value);
    const binding =
      value.kind === 'number' && value.integer && value.value > 0
        ? ({ kind: 'dim', dim: dim(text, value.value), span: name.span } as const)
        : ({ kind: 'value', value, span: name.span } as const);
    defaults.bindings.set(text, binding);
  }
  return values;
}

/** A tensor of the input's shape; names that nothing binds get sizes of their own. */
function sampleInput(
  input: Input,
  frame: Frame,
  values: Readonly<Record<string, Constant>>,
  sizes: Sizes,
  generic: GenericSizes,
): BlockInput {
  const { unit } = frame;
  const dims: Dim[] = [];
  const scratch: Frame = { ...frame, bindings: new Map() };
  for (const [name, value] of Object.entries(values)) {
    if (value.kind === 'number' && value.integer && value.value > 0)
      scratch.bindings.set(name, { kind: 'dim', dim: dim(name, value.value) });
  }
  for (const written of input.shape?.dims ?? streamShape(input)) {
    if (written.kind === 'Ellipsis') {
      dims.push(TIME, dim('rest', sizes.get('rest')!));
      generic.name('rest', sizes.get('rest')!);
    } else if (written.kind === 'Name' && written.text === 'time') dims.push(TIME);
    else if (written.kind === 'Name') {
      const size = sizes.get(written.text) ?? sizeOf(values[written.text]) ?? unit.width;
      generic.name(written.text, size);
      dims.push(dim(written.text, size));
    } else if (written.kind === 'Wildcard' || written.kind === 'ErrorExpression')
      dims.push(dim(`any${dims.length}`, sizes.get('rest')!));
    else {
      const value = evaluate(written, scratch);
      dims.push(dim(`input${dims.length}`, value.kind === 'number' && value.value > 0 ? value.value : 1));
    }
  }
  const node = frame.unit.layer.builder.parameter({
    path: `input ${input.name.text}`,
    type: tensor(dims),
    init: { kind: 'constant', value: 0 },
    role: 'vector',
  });
  return { value: { kind: 'tensor', tape: unit.layer, node }, span: input.span };
}

/** What an input without a shape is taken for. */
function streamShape({ span }: Input): readonly Name[] {
  return ['time', 'width'].map((text) => ({ kind: 'Name', text, span }));
}

function sizeOf(value: Constant | undefined): number | undefined {
  return value?.kind === 'number' && value.integer ? value.value : undefined;
}

/** Parameters that the result does not read, where there is a result. */
function reportUnused(unit: Unit, result: Value, diagnostics: Diagnostics): void {
  if (result.kind !== 'tensor' || diagnostics.errors > 0) return;
  const graph = unit.layer.builder.finish('generic', result.node);
  const reached = new Set([graph.output]);
  const read = new Set<string>();
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    const node = graph.nodes[id]!;
    if (!reached.has(id)) continue;
    for (const from of node.inputs) reached.add(from);
    if (node.op === 'parameter') read.add((node.attributes as { readonly path: string }).path);
  }
  for (const [path, { name, span }] of unit.declared) {
    if (!read.has(path)) diagnostics.add(report('HYB3025', span, { name }));
  }
}

/** Kinds of findings that do not depend on what a function is given. */
const OF_NAMES: ReadonlySet<string> = new Set(['HYB3001', 'HYB3008', 'HYB3024', 'HYB3029', 'HYB3046', 'HYB3047']);

/** With the shapes of all inputs a function is checked like a block; without, only its names are. */
function checkFunction(declaration: FunctionDeclaration, scope: Scope, observer?: Observer): readonly Diagnostic[] {
  const diagnostics = new Diagnostics();
  const generic = new GenericSizes();
  const sizes = sampleSizes(declaration);
  const options = { name: 'generic', width: sizes.get('width')!, diagnostics, generic, requirements: [] };
  const unit = createUnit({ ...options, ...(observer !== undefined && { observer }) });
  generic.name('width', unit.width);
  const frame = outermost(unit, { declaration: { name: declaration.name } as BlockDeclaration, scope, slots: {} });
  for (const input of declaration.inputs) {
    const { value, span } = sampleInput(input, frame, {}, sizes, generic);
    bind(frame, input.name, { kind: 'value', value, span });
  }
  applyFunction(
    { kind: 'function', callee: { declaration, scope }, arguments: {} },
    declaration.inputs.map(({ name, span }) => ({ kind: 'Argument', name, value: name, span })),
    frame,
    declaration.name.span,
  );
  const shaped = declaration.inputs.every((input) => input.shape !== undefined);
  return diagnostics.list().filter((d) => shaped || OF_NAMES.has(d.code));
}

/** Each finding once, wherever it stands; that a parameter is unused must hold in all runs. */
function merged(lists: readonly (readonly Diagnostic[])[], runs: number): readonly Diagnostic[] {
  const all = new Map<string, Diagnostic>();
  const counts = new Map<string, number>();
  for (const list of lists) {
    for (const diagnostic of list) {
      const { code, span } = diagnostic;
      const key = `${code} ${span.file}:${span.start}-${span.end}`;
      if (!all.has(key)) all.set(key, diagnostic);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return [...all].flatMap(([key, d]) => (d.code === 'HYB3025' && counts.get(key)! < runs ? [] : [d]));
}
