/** Precision rules as written become rules with resolved selectors; which of them decides is told by `precision-of.ts`. */
import type {
  BlockDeclaration,
  Diagnostic,
  Expression,
  Path,
  PathStep,
  PrecisionRule as WrittenPrecisionRule,
} from '@hyb/grammar';
import { Diagnostics } from '../diagnostics/collector.js';
import { didYouMean, listNames } from '../diagnostics/suggest.js';
import type { Dtype } from '../graph/types.js';
import type { Model, PrecisionRule, PrecisionSelector, Role } from '../model/model.js';
import type { WrittenRule } from './definition.js';
import { printPath } from './definition.js';
import { report } from './messages/report.js';
import { slotsOf } from './slots.js';

export const ROLES: readonly Role[] = ['weights', 'activations', 'accumulate', 'state', 'gradients', 'optimizer'];

/** Formats that values may be rounded to, by role. */
const FORMATS: Readonly<Record<Role, readonly Dtype[]>> = {
  weights: ['f32', 'f16', 'bf16', 'e4m3', 'e5m2'],
  activations: ['f32', 'f16', 'bf16', 'e4m3', 'e5m2'],
  accumulate: ['f32'],
  state: ['f32', 'f16', 'bf16'],
  gradients: ['f32', 'f16', 'bf16', 'e4m3', 'e5m2'],
  optimizer: ['f32', 'bf16'],
};
const ALL_FORMATS: readonly Dtype[] = FORMATS.weights;

/** What selectors can name. */
export interface SelectorContext {
  readonly blocks: ReadonlyMap<string, BlockDeclaration>;
  /** Undefined where the pattern is wrong. */
  readonly layers: readonly string[] | undefined;
}

/** Resolves the rules; a rule of a later level takes the place of one with the same role and selector. */
export function resolveRules(
  written: readonly WrittenRule[],
  selectors: SelectorContext,
  diagnostics: Diagnostics,
): readonly PrecisionRule[] {
  const rules = new Map<string, PrecisionRule>();
  for (const { rule, key } of written) {
    const resolved = resolveRule(rule, selectors, diagnostics);
    // `in norm` and `in norms` are one selector however they are written.
    if (resolved !== undefined)
      rules.set(resolved.selector === undefined ? key : JSON.stringify([resolved.role, resolved.selector]), resolved);
  }
  const result = [...rules.values()];
  reportTies(result, (selector) => (selector.kind === 'layer' ? selector : undefined), 'layer', diagnostics);
  return result;
}

function resolveRule(
  { role, selector, type, span }: WrittenPrecisionRule,
  selectors: SelectorContext,
  diagnostics: Diagnostics,
): PrecisionRule | undefined {
  const known = ROLES.find((candidate) => candidate === role.text);
  if (known === undefined) {
    const details = { ...didYouMean(role.span, role.text, ROLES), expected: listNames(ROLES), found: role.text };
    diagnostics.add(report('HYB4001', role.span, { role: role.text }, details));
  }
  const format = ALL_FORMATS.find((candidate) => candidate === type.text);
  if (format === undefined) {
    const details = {
      ...didYouMean(type.span, type.text, ALL_FORMATS),
      expected: listNames(ALL_FORMATS),
      found: type.text,
    };
    diagnostics.add(report('HYB4002', type.span, { type: type.text }, details));
  }
  const place = selector === undefined ? undefined : resolveSelector(selector, selectors, diagnostics);
  if (known === undefined || format === undefined || (selector !== undefined && place === undefined)) return undefined;
  if (!FORMATS[known].includes(format)) {
    const details = { expected: listNames(FORMATS[known]), found: format };
    diagnostics.add(report('HYB4006', type.span, { role: known, type: format }, details));
    return undefined;
  }
  return { role: known, ...(place === undefined ? {} : { selector: place }), type: format, span };
}

export function resolveSelector(
  path: Path,
  selectors: SelectorContext,
  diagnostics: Diagnostics,
): PrecisionSelector | undefined {
  const { root, steps } = path;
  const [first, ...rest] = steps;
  const unknown = (candidates: Iterable<string>, at = root): undefined => {
    const details = didYouMean(at.span, at.text, candidates);
    diagnostics.add(report('HYB4003', path.span, { selector: printPath(path) }, details));
    return undefined;
  };
  const declaration = selectors.blocks.get(root.text);
  switch (root.text) {
    case 'norm':
    case 'norms':
      return first === undefined ? { kind: 'norms' } : unknown([]);
    case 'head':
    case 'embedding':
      return first === undefined ? { kind: root.text } : unknown([]);
    case 'linears': {
      if (first === undefined) return { kind: 'linears' };
      if (first.kind !== 'PathIndex' || rest.length > 0) return unknown([]);
      return linearRange(path, first.index, diagnostics);
    }
    case 'layers': {
      if (first?.kind !== 'PathIndex') return unknown([]);
      const range = layerRange(path, first.index, selectors.layers, diagnostics);
      if (range === undefined) return undefined;
      if (rest.length === 0) return { kind: 'layer', ...range };
      const names = selectors.layers?.slice(range.start, range.end) ?? [];
      const blocks = [...new Set(names)].flatMap((name) => selectors.blocks.get(name) ?? []);
      const member = memberOf(rest, blocks);
      return member === undefined ? unknown([]) : { kind: 'layer', ...range, member };
    }
  }
  if (declaration !== undefined) {
    if (first === undefined) return { kind: 'alias', alias: root.text };
    const member = memberOf(steps, [declaration]);
    if (member !== undefined) return { kind: 'alias', alias: root.text, member };
    return unknown(membersOf(declaration), first.kind === 'PathMember' ? first.name : root);
  }
  const name = memberOf(
    [{ kind: 'PathMember', name: root, span: root.span }, ...steps],
    [...selectors.blocks.values()],
  );
  if (name !== undefined && root.text !== 'norm') return { kind: 'parameter', name };
  const members = [...selectors.blocks.values()].flatMap(membersOf);
  return unknown(['norms', 'head', 'embedding', 'linears', 'layers', ...selectors.blocks.keys(), ...members]);
}

function membersOf(declaration: BlockDeclaration): readonly string[] {
  const parameters = declaration.body.flatMap((statement) =>
    statement.kind === 'ParamStatement' ? [statement.name.text] : [],
  );
  return [...parameters, ...slotsOf(declaration)];
}

/**
 * The path inside a block: `q`, `q.bias`, `pre.weight`; `norm.qk` is the slot `qk`, and `norm` alone is every slot.
 * Undefined where none of the blocks has it.
 */
function memberOf(steps: readonly PathStep[], blocks: readonly BlockDeclaration[]): string | undefined {
  const names: string[] = [];
  for (const step of steps) {
    if (step.kind !== 'PathMember') return undefined;
    names.push(step.name.text);
  }
  if (names[0] === 'norm') {
    if (names.length === 1) return 'norm';
    names.shift();
    return blocks.some((block) => slotsOf(block).includes(names[0]!)) ? names.join('.') : undefined;
  }
  return blocks.some((block) => membersOf(block).includes(names[0]!)) ? names.join('.') : undefined;
}

function bound(expression: Expression | undefined): number | undefined {
  if (expression?.kind === 'NumberLiteral' && Number.isInteger(expression.value) && expression.unit === undefined) {
    return expression.value;
  }
  if (expression?.kind === 'Unary' && expression.operator === '-') {
    const value = bound(expression.operand);
    return value === undefined ? undefined : -value;
  }
  return undefined;
}

function layerRange(
  path: Path,
  index: Expression,
  layers: readonly string[] | undefined,
  diagnostics: Diagnostics,
): { start: number; end: number } | undefined {
  const wrong = (reason: string): undefined => {
    if (index.kind !== 'ErrorExpression')
      diagnostics.add(report('HYB4007', index.span, { selector: printPath(path), reason }));
    return undefined;
  };
  const count = layers?.length;
  const single = index.kind === 'Range' ? undefined : bound(index);
  const start = index.kind === 'Range' ? (index.start === undefined ? 0 : bound(index.start)) : single;
  const end =
    index.kind === 'Range'
      ? index.end === undefined
        ? (count ?? Infinity)
        : bound(index.end)
      : single === undefined
        ? undefined
        : single + 1;
  if (start === undefined || end === undefined) return wrong('the bounds are whole numbers');
  if (start < 0) return wrong('layers are counted from 0');
  if (count !== undefined && end > count) return wrong(`the model has ${count} layers`);
  if (end <= start) return wrong('the range is empty');
  return { start, end };
}

function linearRange(path: Path, index: Expression, diagnostics: Diagnostics): PrecisionSelector | undefined {
  const wrong = (reason: string): undefined => {
    if (index.kind !== 'ErrorExpression')
      diagnostics.add(report('HYB4007', index.span, { selector: printPath(path), reason }));
    return undefined;
  };
  if (index.kind !== 'Range') {
    const single = bound(index);
    if (single === undefined) return wrong('the index is a whole number');
    return { kind: 'linear_range', start: single, end: single === -1 ? Infinity : single + 1 };
  }
  const start = index.start === undefined ? 0 : bound(index.start);
  const end = index.end === undefined ? Infinity : bound(index.end);
  if (start === undefined || end === undefined) return wrong('the bounds are whole numbers');
  if (end === 0 || (start < 0 === end < 0 && end <= start)) return wrong('the range is empty');
  return { kind: 'linear_range', start, end };
}

/**
 * What is wrong with rules for ranges of `linears`, which only a traced model can tell: ranges beyond its matrix products,
 * and ranges that overlap, neither inside the other, and disagree.
 *
 * @param count matrix products of all layers, as `PrecisionPlace.linear` counts them
 */
export function checkLinearRules(model: Pick<Model, 'precision'>, count: number): readonly Diagnostic[] {
  const diagnostics = new Diagnostics();
  for (const { selector, span } of model.precision) {
    if (selector?.kind !== 'linear_range') continue;
    const { start, end } = linearBounds(selector, count);
    if (start < end) continue;
    const values = { selector: printSelector(selector), reason: `the layers have ${count} matrix products` };
    diagnostics.add(report('HYB4007', span, values));
  }
  reportTies(
    model.precision,
    (selector) => (selector.kind === 'linear_range' ? linearBounds(selector, count) : undefined),
    'matrix product',
    diagnostics,
  );
  return diagnostics.list();
}

interface Bounds {
  readonly start: number;
  readonly end: number;
}

/** The range counted from the start, cut to the products that there are. */
export function linearBounds({ start, end }: Bounds, count: number): Bounds {
  return {
    start: start < 0 ? Math.max(0, count + start) : start,
    end: end < 0 ? count + end : Math.min(end, count),
  };
}

/** Rules of one role for ranges that overlap, neither inside the other, with different formats. */
function reportTies(
  rules: readonly PrecisionRule[],
  boundsOf: (selector: PrecisionSelector) => (Bounds & { readonly member?: string }) | undefined,
  unit: string,
  diagnostics: Diagnostics,
): void {
  for (const [i, second] of rules.entries()) {
    const b = second.selector === undefined ? undefined : boundsOf(second.selector);
    if (b === undefined) continue;
    for (const first of rules.slice(0, i)) {
      const a = first.selector === undefined ? undefined : boundsOf(first.selector);
      if (a === undefined || first.role !== second.role || first.type === second.type || a.member !== b.member)
        continue;
      const overlap = { start: Math.max(a.start, b.start), end: Math.min(a.end, b.end) };
      if (overlap.start >= overlap.end) continue;
      const nested = overlap.end - overlap.start === Math.min(a.end - a.start, b.end - b.start);
      const equal = a.end - a.start === b.end - b.start;
      if (!nested || equal) diagnostics.add(tie(first, second, `${unit} ${overlap.start}`));
    }
  }
}

function tie(first: PrecisionRule, second: PrecisionRule, place: string): ReturnType<typeof report> {
  const related = [{ span: first.span, message: 'the other rule' }];
  const values = { first: printRule(first), second: printRule(second), place };
  return report('HYB4005', second.span, values, { related });
}

export function printRule(rule: PrecisionRule): string {
  return `${rule.role}${rule.selector === undefined ? '' : ` in ${printSelector(rule.selector)}`} = ${rule.type}`;
}

export function printSelector(selector: PrecisionSelector): string {
  switch (selector.kind) {
    case 'norms':
    case 'head':
    case 'embedding':
    case 'linears':
      return selector.kind;
    case 'alias':
      return selector.member === undefined ? selector.alias : `${selector.alias}.${selector.member}`;
    case 'parameter':
      return selector.name;
    case 'layer': {
      const { start, end, member } = selector;
      const range = end === start + 1 ? String(start) : `${start}..${end === Infinity ? '' : end}`;
      return `layers[${range}]${member === undefined ? '' : `.${member}`}`;
    }
    case 'linear_range':
      return `linears[${selector.start === 0 ? '' : selector.start}..${selector.end === Infinity ? '' : selector.end}]`;
  }
}
