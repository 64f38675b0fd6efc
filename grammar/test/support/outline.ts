import type { AstNode } from '@hyb/grammar';

/** A tree as lines of `kind key=value`, children indented, for snapshots that people can read. Spans are left out. */
export function outline(node: AstNode, indent = ''): string {
  const plain: string[] = [];
  const below: string[] = [];
  for (const [key, value] of Object.entries(node) as [string, unknown][]) {
    if (key === 'kind' || key === 'span' || key === 'comments') continue;
    if (isNode(value)) below.push(...child(key, value, indent));
    else if (Array.isArray(value)) for (const each of value as AstNode[]) below.push(...child(key, each, indent));
    else if (value !== undefined) plain.push(`${key}=${JSON.stringify(value)}`);
  }
  return [[`${node.kind}`, ...plain].join(' '), ...below].join('\n');
}

function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

function child(key: string, value: AstNode, indent: string): string[] {
  const inner = `${indent}  `;
  if (value.kind === 'Name') return [`${inner}${key}: ${value.text}`];
  return [`${inner}${key}: ${outline(value, inner)}`];
}
