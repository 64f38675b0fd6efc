import type {
  Argument,
  Attribute,
  Declaration,
  Ellipsis,
  Expression,
  Field,
  Input,
  LibraryPath,
  MapEntry,
  Parameter,
  Path,
  PathStep,
  PatternGroup,
  PatternRepeat,
  PrecisionBlock,
  PrecisionRule,
  ScanState,
  Shape,
  SourceFile,
  Statement,
  Use,
  UsedName,
  WeightsEntry,
  Wildcard,
} from './ast.js';

/** Any node of the tree except comments, which stand beside it. */
export type AstNode =
  | SourceFile
  | Use
  | LibraryPath
  | UsedName
  | Declaration
  | Field
  | Path
  | PathStep
  | PrecisionBlock
  | PrecisionRule
  | Parameter
  | Input
  | WeightsEntry
  | Statement
  | Attribute
  | Shape
  | Ellipsis
  | Wildcard
  | Expression
  | Argument
  | MapEntry
  | PatternGroup
  | PatternRepeat
  | ScanState;

export type NodeOfKind<K extends AstNode['kind']> = Extract<AstNode, { readonly kind: K }>;

function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && 'kind' in value && 'span' in value;
}

/** The nodes directly below a node, in source order. */
export function childrenOf(node: AstNode): readonly AstNode[] {
  const children: AstNode[] = [];
  for (const [key, value] of Object.entries(node)) {
    if (key === 'comments') continue;
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    children.push(...values.filter(isNode));
  }
  return children.sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
}

/** What to do at nodes of each kind; `enter` is for every node. Returning `false` leaves out what is below. */
export type Visitor = {
  readonly [K in AstNode['kind']]?: (node: NodeOfKind<K>, ancestors: readonly AstNode[]) => void | false;
} & {
  readonly enter?: (node: AstNode, ancestors: readonly AstNode[]) => void | false;
};

/** Visits a node and all below it, parents first, in source order. */
export function walk(node: AstNode, visitor: Visitor, ancestors: readonly AstNode[] = []): void {
  const visit = visitor[node.kind] as ((node: AstNode, ancestors: readonly AstNode[]) => void | false) | undefined;
  if (visitor.enter?.(node, ancestors) === false || visit?.(node, ancestors) === false) return;
  const path = [...ancestors, node];
  for (const child of childrenOf(node)) walk(child, visitor, path);
}

/** The innermost node whose span holds an offset, with the nodes around it, outermost first. */
export function nodesAt(root: AstNode, offset: number): readonly AstNode[] {
  const path: AstNode[] = [];
  for (let node: AstNode | undefined = root; node !== undefined;) {
    path.push(node);
    node = childrenOf(node).find(({ span }) => span.start <= offset && offset <= span.end);
  }
  return path;
}
