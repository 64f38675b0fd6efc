/**
 * A kernel's body cut at its synchronisation points. Between two of them the invocations of a workgroup are independent
 * and run one after another; barriers and subgroup operations are met by all of them at once.
 */
import type { Expression, Kernel, Statement, SubgroupOperation, ValueType } from '../ir.js';
import {
  blocksOf,
  expressionsOf,
  mapOperands,
  mapStatementExpressions,
  someExpression,
  visitStatements,
} from '../walk.js';

export type Node =
  /** Statements without synchronisation. */
  | { readonly kind: 'region'; readonly statements: readonly Statement[] }
  | { readonly kind: 'barrier'; readonly storage: boolean; readonly site: number }
  | {
      readonly kind: 'subgroup';
      /** Local that receives the result. */
      readonly name: string;
      readonly type: ValueType;
      readonly operation: SubgroupOperation;
      readonly value: Expression;
      readonly argument: number;
      readonly site: number;
    }
  | {
      readonly kind: 'if';
      readonly condition: Expression;
      readonly then: readonly Node[];
      readonly else: readonly Node[];
      readonly site: number;
    }
  | {
      readonly kind: 'for';
      readonly loop: Statement & { kind: 'for' };
      readonly body: readonly Node[];
      readonly site: number;
    };

export interface Schedule {
  readonly nodes: readonly Node[];
  /** Path of each site. */
  readonly paths: readonly string[];
  readonly siteOf: (s: Statement) => number;
}

/** @throws Error where a subgroup operation stands in a place that not every invocation evaluates */
export function schedule(kernel: Kernel): Schedule {
  const sites = new Map<Statement, number>();
  const paths: string[] = [];
  visitStatements(kernel.body, (s, path) => {
    sites.set(s, paths.length);
    paths.push(path);
  });
  return { nodes: new Scheduler(sites).list(kernel.body), paths, siteOf: (s) => sites.get(s) ?? 0 };
}

class Scheduler {
  #hoisted = 0;

  constructor(private readonly sites: Map<Statement, number>) {}

  list(body: readonly Statement[]): readonly Node[] {
    const nodes: Node[] = [];
    let region: Statement[] = [];
    const close = (): void => {
      if (region.length > 0) nodes.push({ kind: 'region', statements: region });
      region = [];
    };
    for (const s of body) {
      if (s.kind === 'comment') continue;
      const site = this.sites.get(s) ?? 0;
      const hoisted: Node[] = [];
      const plain = this.#hoist(s, site, hoisted);
      if (hoisted.length > 0) {
        close();
        nodes.push(...hoisted);
      }
      if (plain.kind === 'barrier') {
        close();
        nodes.push({ kind: 'barrier', storage: plain.storage === true, site });
      } else if (plain.kind === 'if' && synchronises(plain)) {
        close();
        nodes.push({
          kind: 'if',
          condition: plain.condition,
          then: this.list(plain.then),
          else: this.list(plain.else ?? []),
          site,
        });
      } else if (plain.kind === 'for' && synchronises(plain)) {
        close();
        nodes.push({ kind: 'for', loop: plain, body: this.list(plain.body), site });
      } else {
        region.push(plain);
      }
    }
    close();
    return nodes;
  }

  /** Takes the subgroup operations out of a statement's own expressions. */
  #hoist(s: Statement, site: number, nodes: Node[]): Statement {
    if (!expressionsOf(s).some((e) => someExpression(e, isSubgroup))) return s;
    if (s.kind === 'for') throw new Error('a subgroup operation in the head of a loop');
    const take = (e: Expression): Expression => {
      if (e.kind === 'binary' && (e.operator === '&&' || e.operator === '||') && someExpression(e.right, isSubgroup)) {
        throw new Error('a subgroup operation on the right of && or ||');
      }
      const inner = mapOperands(e, take);
      if (inner.kind !== 'subgroup') return inner;
      const name = `$subgroup${this.#hoisted++}`;
      nodes.push({
        kind: 'subgroup',
        name,
        type: inner.type,
        operation: inner.operation,
        value: inner.value,
        argument: inner.argument ?? 0,
        site,
      });
      return { kind: 'local', type: inner.type, name };
    };
    const plain = mapStatementExpressions(s, take);
    this.sites.set(plain, site);
    return plain;
  }
}

const isSubgroup = (e: Expression): boolean => e.kind === 'subgroup';

/** Whether a statement holds a barrier or a subgroup operation. */
export function synchronises(s: Statement): boolean {
  if (s.kind === 'barrier') return true;
  if (expressionsOf(s).some((e) => someExpression(e, isSubgroup))) return true;
  return blocksOf(s).some((block) => block.body.some(synchronises));
}
