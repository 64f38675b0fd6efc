/** Weight maps as written: templates of tensor names and paths of parameters, checked as far as no model is needed. */
import type { Expression, Name, Span, WeightsDeclaration, WeightsEntry } from '@hyb/grammar';
import type { Diagnostics } from '../diagnostics/collector.js';
import { didYouMean } from '../diagnostics/suggest.js';
import { derivationChain } from '../resolve/definition.js';
import type { Declared } from '../sources/scope.js';
import { reportWeights } from './messages.js';

export const PLACEHOLDERS = ['layer', 'nth'] as const;

/** `M.in_z.weight`: an owner (`M`, `layers`, `embedding`, `head`) and a path inside it. */
export interface ParameterTemplate {
  readonly owner: string;
  /** `in_z.weight`; for the head's norm `norm.weight`. */
  readonly path: string;
  readonly span: Span;
}

export interface EntryTemplate {
  /** With placeholders. */
  readonly tensor: string;
  readonly entry: WeightsEntry;
  readonly parts: readonly ParameterTemplate[];
}

/**
 * The entries of a weight map, base first. An entry of a derivation takes the place of those of the base that have its
 * tensor or any of its parameters.
 */
export function weightTemplates(
  declared: Declared<WeightsDeclaration>,
  diagnostics: Diagnostics,
): readonly EntryTemplate[] | undefined {
  const chain = derivationChain(declared, {
    kind: 'WeightsDeclaration',
    diagnostics,
    unknownBase: (base, _, candidates) =>
      diagnostics.add(
        reportWeights('HYB6004', base.span, { name: base.text }, didYouMean(base.span, base.text, candidates)),
      ),
    circular: (base, names) => diagnostics.add(reportWeights('HYB6005', base.span, { chain: names })),
  });
  if (chain === undefined) return undefined;
  let result: EntryTemplate[] = [];
  for (const { declaration } of chain) {
    const own = readEntries(declaration, diagnostics);
    const tensors = new Set(own.map((entry) => entry.tensor));
    const parts = new Set(own.flatMap((entry) => entry.parts.map(partKey)));
    result = result.filter(
      (entry) => !tensors.has(entry.tensor) && !entry.parts.some((part) => parts.has(partKey(part))),
    );
    result.push(...own);
  }
  return result;
}

function partKey(part: ParameterTemplate): string {
  return `${part.owner}.${part.path}`;
}

function readEntries(declaration: WeightsDeclaration, diagnostics: Diagnostics): readonly EntryTemplate[] {
  const seen = new Map<string, Span>();
  return declaration.entries.flatMap((entry) => {
    const { value: tensor, span } = entry.tensor;
    for (const match of tensor.matchAll(/\{([^{}]*)\}/g)) {
      if ((PLACEHOLDERS as readonly string[]).includes(match[1]!)) continue;
      const literal = span.end - span.start === tensor.length + 2;
      const start = span.start + 1 + match.index;
      const place = literal ? { ...span, start, end: start + match[0].length } : span;
      const details = didYouMean(
        place,
        match[0],
        PLACEHOLDERS.map((name) => `{${name}}`),
      );
      diagnostics.add(reportWeights('HYB6001', place, { placeholder: match[0], known: '{layer} and {nth}' }, details));
    }
    const earlier = seen.get(tensor);
    if (earlier !== undefined) {
      const related = [{ span: earlier, message: 'the other one' }];
      diagnostics.add(reportWeights('HYB6003', span, { tensor }, { related }));
      return [];
    }
    seen.set(tensor, span);
    const parts = readParts(entry.value, diagnostics);
    return parts === undefined ? [] : [{ tensor, entry, parts }];
  });
}

function readParts(value: Expression, diagnostics: Diagnostics): readonly ParameterTemplate[] | undefined {
  if (value.kind === 'ErrorExpression') return undefined;
  const isConcat = value.kind === 'Call' && value.callee.kind === 'Name' && value.callee.text === 'concat';
  const written = isConcat
    ? value.arguments.map((argument) => (argument.name === undefined ? argument.value : undefined))
    : [value];
  const parts = written.map((part) => (part === undefined ? undefined : readPath(part)));
  const wrong = parts.findIndex((part) => part === undefined);
  if (wrong < 0 && parts.length > 0) return parts as readonly ParameterTemplate[];
  const place = written[wrong]?.span ?? value.span;
  diagnostics.add(reportWeights('HYB6002', place, {}));
  return undefined;
}

/** `M.in_z.weight`; `A.norm.qk.weight` is `A.qk.weight`, as slots are paths of their own inside a layer. */
function readPath(expression: Expression): ParameterTemplate | undefined {
  const names: Name[] = [];
  let current = expression;
  while (current.kind === 'Member') {
    names.unshift(current.name);
    current = current.object;
  }
  if (current.kind !== 'Name' || names.length === 0) return undefined;
  const path = names.map((name) => name.text);
  if (path[0] === 'norm' && path.length > 1 && current.text !== 'head') path.shift();
  return { owner: current.text, path: path.join('.'), span: expression.span };
}
