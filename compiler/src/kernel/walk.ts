/** Traversal of kernels: every pass over the kernel language is written with these. */
import type { Expression, Kernel, Statement } from './ir.js';

/** Direct operands, in order of evaluation. */
export function operandsOf(e: Expression): readonly Expression[] {
  switch (e.kind) {
    case 'literal':
    case 'local':
    case 'builtin':
    case 'uniform':
    case 'constant':
      return [];
    case 'unary':
      return [e.operand];
    case 'binary':
      return [e.left, e.right];
    case 'call':
      return e.arguments;
    case 'select':
      return [e.then, e.else, e.condition];
    case 'convert':
    case 'bitcast':
    case 'component':
    case 'subgroup':
      return [e.value];
    case 'vector':
      return e.components;
    case 'load':
    case 'load_weights':
    case 'load_shared':
    case 'element':
      return [e.index];
  }
}

/** The same expression with each direct operand replaced; returns `e` itself when nothing changed. */
export function mapOperands(e: Expression, map: (operand: Expression) => Expression): Expression {
  switch (e.kind) {
    case 'literal':
    case 'local':
    case 'builtin':
    case 'uniform':
    case 'constant':
      return e;
    case 'unary': {
      const operand = map(e.operand);
      return operand === e.operand ? e : { ...e, operand };
    }
    case 'binary': {
      const left = map(e.left);
      const right = map(e.right);
      return left === e.left && right === e.right ? e : { ...e, left, right };
    }
    case 'call': {
      const list = mapList(e.arguments, map);
      return list === e.arguments ? e : { ...e, arguments: list };
    }
    case 'select': {
      const then = map(e.then);
      const otherwise = map(e.else);
      const condition = map(e.condition);
      return then === e.then && otherwise === e.else && condition === e.condition
        ? e
        : { ...e, then, else: otherwise, condition };
    }
    case 'convert':
    case 'bitcast':
    case 'component':
    case 'subgroup': {
      const value = map(e.value);
      return value === e.value ? e : { ...e, value };
    }
    case 'vector': {
      const list = mapList(e.components, map);
      return list === e.components ? e : { ...e, components: list };
    }
    case 'load':
    case 'load_weights':
    case 'load_shared':
    case 'element': {
      const index = map(e.index);
      return index === e.index ? e : { ...e, index };
    }
  }
}

function mapList(list: readonly Expression[], map: (e: Expression) => Expression): readonly Expression[] {
  const mapped = list.map(map);
  return mapped.some((e, i) => e !== list[i]) ? mapped : list;
}

/** Visits `e` and everything under it, operands first. */
export function visitExpression(e: Expression, visit: (e: Expression) => void): void {
  for (const operand of operandsOf(e)) visitExpression(operand, visit);
  visit(e);
}

export function someExpression(e: Expression, test: (e: Expression) => boolean): boolean {
  return test(e) || operandsOf(e).some((operand) => someExpression(operand, test));
}

/** Expressions that stand directly in a statement (not those of nested statements). */
export function expressionsOf(s: Statement): readonly Expression[] {
  switch (s.kind) {
    case 'comment':
    case 'barrier':
      return [];
    case 'let':
    case 'assign':
      return [s.value];
    case 'var':
      return s.initial ? [s.initial] : [];
    case 'array':
      return s.initial ? [s.length, s.initial] : [s.length];
    case 'set_element':
    case 'store':
    case 'store_shared':
      return [s.index, s.value];
    case 'for':
      return [s.from, s.to, s.step];
    case 'if':
      return [s.condition];
  }
}

/** Nested statement lists, with the words that name them in a path. */
export function blocksOf(s: Statement): readonly { readonly label: string; readonly body: readonly Statement[] }[] {
  switch (s.kind) {
    case 'for':
      return [{ label: 'body', body: s.body }];
    case 'if':
      return s.else
        ? [
            { label: 'then', body: s.then },
            { label: 'else', body: s.else },
          ]
        : [{ label: 'then', body: s.then }];
    default:
      return [];
  }
}

/** The same statement with its own expressions replaced (nested statements are kept). */
export function mapStatementExpressions(s: Statement, map: (e: Expression) => Expression): Statement {
  switch (s.kind) {
    case 'comment':
    case 'barrier':
      return s;
    case 'let':
    case 'assign':
      return { ...s, value: map(s.value) };
    case 'var':
      return s.initial ? { ...s, initial: map(s.initial) } : s;
    case 'array':
      return { ...s, length: map(s.length), ...(s.initial ? { initial: map(s.initial) } : {}) };
    case 'set_element':
    case 'store':
    case 'store_shared':
      return { ...s, index: map(s.index), value: map(s.value) };
    case 'for':
      return { ...s, from: map(s.from), to: map(s.to), step: map(s.step) };
    case 'if':
      return { ...s, condition: map(s.condition) };
  }
}

/** The same statement with its nested lists replaced. */
export function mapBlocks(s: Statement, map: (body: readonly Statement[]) => readonly Statement[]): Statement {
  switch (s.kind) {
    case 'for':
      return { ...s, body: map(s.body) };
    case 'if':
      return { ...s, then: map(s.then), ...(s.else ? { else: map(s.else) } : {}) };
    default:
      return s;
  }
}

/** Visits all statements, outer before inner, with a path such as `4.for(k).body.2.store(y)`. */
export function visitStatements(
  body: readonly Statement[],
  visit: (s: Statement, path: string) => void,
  prefix = '',
): void {
  body.forEach((s, i) => {
    const path = `${prefix}${i}.${describeStatement(s)}`;
    visit(s, path);
    for (const block of blocksOf(s)) visitStatements(block.body, visit, `${path}.${block.label}.`);
  });
}

/** Every expression of the kernel's statements, operands first. */
export function visitKernelExpressions(
  kernel: Kernel,
  visit: (e: Expression, statement: Statement, path: string) => void,
): void {
  visitStatements(kernel.body, (s, path) => {
    for (const e of expressionsOf(s)) visitExpression(e, (x) => visit(x, s, path));
  });
}

/** The statement's part of a path: `store(y)`. */
export function describeStatement(s: Statement): string {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'assign':
    case 'array':
    case 'for':
      return `${s.kind}(${s.name})`;
    case 'set_element':
    case 'store_shared':
      return `${s.kind}(${s.array})`;
    case 'store':
      return `store(${s.buffer})`;
    case 'if':
    case 'barrier':
    case 'comment':
      return s.kind;
  }
}
