/** Models as written, with the chain of `with` laid out flat: from the first base to the last derivation. */
import type {
  Expression,
  Field,
  ModelDeclaration,
  ModelItem,
  Name,
  Path,
  PrecisionRule,
  TrainDeclaration,
  WeightsDeclaration,
} from '@hyb/grammar';
import type { Diagnostics } from '../diagnostics/collector.js';
import { didYouMean } from '../diagnostics/suggest.js';
import type { Declared } from '../sources/scope.js';
import type { FileScope } from '../sources/scope.js';
import { report } from './messages/report.js';

/** One `target = value`, with the scope of the file in which it stands. */
export interface Assignment {
  readonly target: Path;
  /** The target as text, such as `A.norm.qk` or `layers[2..5].cap`. */
  readonly key: string;
  readonly value: Expression;
  readonly scope: FileScope;
  /** 0 in the first base; one more for each `with`. */
  readonly level: number;
  readonly field: Field;
}

export interface WrittenRule {
  readonly rule: PrecisionRule;
  readonly key: string;
  readonly level: number;
}

export interface Definition<D extends ModelDeclaration | TrainDeclaration> {
  readonly declaration: D;
  readonly scope: FileScope;
  /** The first base first, the declaration itself last. */
  readonly chain: readonly Declared<D>[];
  readonly assignments: readonly Assignment[];
  readonly rules: readonly WrittenRule[];
}

/** More steps than any study has; a guard, since each model is resolved from its first base up. */
const MAX_CHAIN = 64;

type Derivable = ModelDeclaration | TrainDeclaration | WeightsDeclaration;

/** How messages speak of one sort of derivable declaration. */
export interface DerivationReports<D extends Derivable> {
  readonly kind: D['kind'];
  readonly unknownBase: (base: Name, scope: FileScope, candidates: readonly string[]) => void;
  readonly circular: (base: Name, chain: string) => void;
  readonly diagnostics: Diagnostics;
}

/** The chain of bases, the first base first; undefined, with a finding, where it has no beginning. */
export function derivationChain<D extends Derivable>(
  declared: Declared<D>,
  reports: DerivationReports<D>,
): readonly Declared<D>[] | undefined {
  const chain: Declared<D>[] = [declared];
  for (let current = declared; current.declaration.base !== undefined;) {
    const { base } = current.declaration;
    const found = current.scope.find(base.text);
    if (found === undefined || found.declaration.kind !== reports.kind) {
      if (found === undefined && current.scope.isBroken(base.text)) return undefined;
      const candidates = current.scope
        .names()
        .filter(
          (name) =>
            name !== current.declaration.name.text && current.scope.find(name)?.declaration.kind === reports.kind,
        );
      reports.unknownBase(base, current.scope, candidates);
      return undefined;
    }
    const next = found as Declared<D>;
    const seen = chain.findIndex((link) => link.declaration === next.declaration);
    if (seen >= 0) {
      const names = [...chain.slice(seen), next].map((link) => link.declaration.name.text);
      reports.circular(base, names.join(' → '));
      return undefined;
    }
    if (chain.length === MAX_CHAIN) {
      reports.diagnostics.add(report('HYB2056', base.span, { limit: MAX_CHAIN }));
      return undefined;
    }
    chain.push(next);
    current = next;
  }
  return chain.reverse();
}

/** The definition of a model; undefined where its chain of bases is broken. */
export function modelDefinition(
  declared: Declared<ModelDeclaration>,
  diagnostics: Diagnostics,
): Definition<ModelDeclaration> | undefined {
  const chain = derivationChain(declared, {
    kind: 'ModelDeclaration',
    diagnostics,
    unknownBase: (base, _, candidates) =>
      diagnostics.add(report('HYB2051', base.span, { name: base.text }, didYouMean(base.span, base.text, candidates))),
    circular: (base, names) => diagnostics.add(report('HYB2052', base.span, { chain: names })),
  });
  return chain === undefined ? undefined : layOut(declared, chain, diagnostics);
}

/** Gathers the assignments and rules of a chain; one written twice in a body is reported and left out. */
export function layOut<D extends ModelDeclaration | TrainDeclaration>(
  declared: Declared<D>,
  chain: readonly Declared<D>[],
  diagnostics: Diagnostics,
): Definition<D> {
  const assignments: Assignment[] = [];
  const rules: WrittenRule[] = [];
  for (const [level, { declaration, scope }] of chain.entries()) {
    const fields = new Map<string, Field>();
    const written = new Map<string, PrecisionRule>();
    for (const item of declaration.items as readonly ModelItem[]) {
      if (item.kind === 'PrecisionBlock') {
        for (const rule of item.rules) {
          const key = ruleKey(rule);
          const earlier = written.get(key);
          if (earlier === undefined) {
            written.set(key, rule);
            rules.push({ rule, key, level });
          } else {
            const related = [{ span: earlier.span, message: 'the other one' }];
            diagnostics.add(report('HYB4004', rule.span, { rule: key }, { related }));
          }
        }
        continue;
      }
      const key = printPath(item.target);
      const earlier = fields.get(key);
      if (earlier === undefined) {
        fields.set(key, item);
        assignments.push({ target: item.target, key, value: item.value, scope, level, field: item });
      } else {
        const related = [{ span: earlier.target.span, message: 'the other one' }];
        diagnostics.add(report('HYB2003', item.target.span, { field: key }, { related }));
      }
    }
  }
  return { declaration: declared.declaration, scope: declared.scope, chain, assignments, rules };
}

export function ruleKey(rule: PrecisionRule): string {
  return rule.selector === undefined ? rule.role.text : `${rule.role.text} in ${printPath(rule.selector)}`;
}

/** The path as it would be written. */
export function printPath(path: Path): string {
  return (
    path.root.text +
    path.steps
      .map((step) => (step.kind === 'PathMember' ? `.${step.name.text}` : `[${printIndex(step.index)}]`))
      .join('')
  );
}

function printIndex(index: Expression): string {
  switch (index.kind) {
    case 'NumberLiteral':
      return String(index.value);
    case 'Unary':
      return `${index.operator}${printIndex(index.operand)}`;
    case 'Range':
      return `${index.start === undefined ? '' : printIndex(index.start)}..${index.end === undefined ? '' : printIndex(index.end)}`;
    default:
      return '…';
  }
}
