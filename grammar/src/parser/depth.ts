import { type AstNode, childrenOf } from '../ast/walk.js';

/** Whether nodes below this one are nested in each other more than `deepest` levels. Needs no recursion to find out. */
export function isTooDeep(root: AstNode, deepest: number): boolean {
  const open: [AstNode, number][] = [[root, 1]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, depth] = next;
    // A call is two levels of the tree, its argument and the value in it, but one for the reader.
    const own = node.kind === 'Argument' || node.kind === 'Field' || node.kind === 'Path' ? 0 : 1;
    if (depth > deepest) return true;
    for (const child of childrenOf(node)) open.push([child, depth + own]);
  }
  return false;
}
