/**
 * The syntax tree of a `.hyb` file. Immutable, plain data. The parser recovers from errors: a part that could not be
 * read is an `Error` expression or is left out, and later stages stay silent about it.
 */
import type { Span } from '../diagnostics/diagnostic.js';

interface Node<K extends string> {
  readonly kind: K;
  readonly span: Span;
}

/** An identifier as written. Words are keywords only where they are expected, so any word may be a name. */
export interface Name extends Node<'Name'> {
  readonly text: string;
}

export interface Comment extends Node<'Comment'> {
  /** Text without the slashes; `doc` for `///`. */
  readonly text: string;
  readonly doc: boolean;
}

export interface SourceFile extends Node<'SourceFile'> {
  readonly uses: readonly Use[];
  readonly declarations: readonly Declaration[];
  /** Every comment in source order, doc comments included. */
  readonly comments: readonly Comment[];
}

/** `use std.{Mamba2, MLP as FeedForward}`, `use std.Mamba2`, `use "./blocks.hyb".{Leaky}`. */
export interface Use extends Node<'Use'> {
  readonly from: LibraryPath | StringLiteral;
  readonly names: readonly UsedName[];
}
export interface LibraryPath extends Node<'LibraryPath'> {
  /** `std` or `std.rope`: dotted names before the last one or the braces. */
  readonly segments: readonly Name[];
}
export interface UsedName extends Node<'UsedName'> {
  readonly name: Name;
  readonly alias?: Name;
}

export type Declaration =
  ModelDeclaration | TrainDeclaration | BlockDeclaration | FunctionDeclaration | WeightsDeclaration;

/** `model X { … }` or `model X = Base with { … }`. */
export interface ModelDeclaration extends Node<'ModelDeclaration'> {
  readonly doc?: string;
  readonly name: Name;
  readonly base?: Name;
  readonly items: readonly ModelItem[];
}
/** `train X of Model { … }`, `train X = Base with { … }`, `train X of Model = Base with { … }`. */
export interface TrainDeclaration extends Node<'TrainDeclaration'> {
  readonly doc?: string;
  readonly name: Name;
  readonly of?: Name;
  readonly base?: Name;
  readonly items: readonly ModelItem[];
}
export type ModelItem = Field | PrecisionBlock;

/** `width = 4096`, `A.norm.qk = LayerNorm`, `layers[7].cap = 50`. */
export interface Field extends Node<'Field'> {
  readonly doc?: string;
  readonly target: Path;
  readonly value: Expression;
}
/** `A.norm.qk`, `layers[7].cap`, `linears[..4]`. */
export interface Path extends Node<'Path'> {
  readonly root: Name;
  readonly steps: readonly PathStep[];
}
export type PathStep = PathMember | PathIndex;
export interface PathMember extends Node<'PathMember'> {
  readonly name: Name;
}
export interface PathIndex extends Node<'PathIndex'> {
  /** A number or a half-open `Range`. */
  readonly index: Expression;
}

/** `precision { weights = bf16, weights in A_log = f32 }`. */
export interface PrecisionBlock extends Node<'PrecisionBlock'> {
  readonly rules: readonly PrecisionRule[];
}
export interface PrecisionRule extends Node<'PrecisionRule'> {
  readonly role: Name;
  readonly selector?: Path;
  readonly type: Name;
}

/**
 * `block`, and `norm`, which is a block that keeps the shape of its one input and may stand in a slot.
 * `block MLP(inner: int, bias = false)(x: [time, width]) -> [time, width] { … }`
 */
export interface BlockDeclaration extends Node<'BlockDeclaration'> {
  readonly doc?: string;
  readonly form: 'block' | 'norm';
  readonly name: Name;
  readonly parameters: readonly Parameter[];
  readonly inputs: readonly Input[];
  readonly result?: Shape;
  readonly body: readonly Statement[];
}
/** A compile-time parameter of a block: `inner: int`, `bias = false`, `activation: fn = relu2`. */
export interface Parameter extends Node<'Parameter'> {
  readonly doc?: string;
  readonly name: Name;
  /** `int`, `float`, `bool`, `fn`, `norm`, `string`, `tuple`; absent: taken from the default's value. */
  readonly type?: Name;
  readonly default?: Expression;
}
/** A tensor input: `x: [time, width]`; `[..., d]` matches any leading dimensions. In `fn`, the shape may be absent. */
export interface Input extends Node<'Input'> {
  readonly name: Name;
  readonly shape?: Shape;
}
/** `fn relu2(x) = max(x, 0) ** 2` or `fn f(x) { let y = …  return y }` (then `body`). */
export interface FunctionDeclaration extends Node<'FunctionDeclaration'> {
  readonly doc?: string;
  readonly name: Name;
  readonly inputs: readonly Input[];
  readonly result?: Shape;
  readonly body: readonly Statement[];
}

/**
 * How the tensors of a checkpoint are made of logical parameters:
 * `weights NemotronHF { "backbone.layers.{layer}.mixer.in_proj.weight" = concat(M.in_z.weight, M.in_xbc.weight) }`.
 * Placeholders: `{layer}` the index among all layers, `{nth}` the index among the layers of the same name.
 */
export interface WeightsDeclaration extends Node<'WeightsDeclaration'> {
  readonly doc?: string;
  readonly name: Name;
  readonly base?: Name;
  readonly entries: readonly WeightsEntry[];
}
export interface WeightsEntry extends Node<'WeightsEntry'> {
  readonly tensor: StringLiteral;
  /** The shape in the file where it is not the parameters' own: `"conv1d.weight": [_, 1, _] = M.conv.weight`. */
  readonly shape?: Shape;
  readonly value: Expression;
}

// Statements of a block's body.
export type Statement =
  | ParamStatement
  | DimStatement
  | SlotStatement
  | LetStatement
  | RequireStatement
  | ReturnStatement
  | AssignStatement
  | YieldStatement;

/** `param up = linear(width -> inner, bias) @init(output)` or `param weight: [features] = 1`. */
export interface ParamStatement extends Node<'ParamStatement'> {
  readonly doc?: string;
  readonly name: Name;
  readonly shape?: Shape;
  readonly value?: Expression;
  /** `when bias`: without it the parameter does not exist, and neither may a use of it be reached. */
  readonly condition?: Expression;
  readonly attributes: readonly Attribute[];
}
export interface Attribute extends Node<'Attribute'> {
  readonly name: Name;
  readonly arguments: readonly Argument[];
}
/** `dim inner = heads * head_dim`: a named dimension from constants. */
export interface DimStatement extends Node<'DimStatement'> {
  readonly name: Name;
  readonly value: Expression;
}
/** `slot qk` or `slot gate = GroupRMSNorm(groups)`: a place for a norm that `norm = { … }` of a model fills. */
export interface SlotStatement extends Node<'SlotStatement'> {
  readonly doc?: string;
  readonly name: Name;
  readonly default?: Expression;
}
/** `let y = …` or `let (a, b) = split(…)`. */
export interface LetStatement extends Node<'LetStatement'> {
  readonly names: readonly Name[];
  readonly value: Expression;
}
/** `require heads % groups == 0, "heads must be a multiple of groups"`. */
export interface RequireStatement extends Node<'RequireStatement'> {
  readonly condition: Expression;
  readonly message?: StringLiteral;
}
export interface ReturnStatement extends Node<'ReturnStatement'> {
  readonly value: Expression;
}
/** `h = …` in a scan: the state's next value. */
export interface AssignStatement extends Node<'AssignStatement'> {
  readonly name: Name;
  readonly value: Expression;
}
export interface YieldStatement extends Node<'YieldStatement'> {
  readonly value: Expression;
}

/** `[time, heads * head_dim]`, `[..., features]`, `[_, 1, _]`. */
export interface Shape extends Node<'Shape'> {
  readonly dims: readonly ShapeDim[];
}
export type ShapeDim = Expression | Ellipsis | Wildcard;
export type Ellipsis = Node<'Ellipsis'>;
export type Wildcard = Node<'Wildcard'>;

export type Expression =
  | NumberLiteral
  | StringLiteral
  | BooleanLiteral
  | NoneLiteral
  | Name
  | Member
  | Call
  | IndexExpression
  | Unary
  | Binary
  | Conditional
  | Tuple
  | RecordExpression
  | MapExpression
  | PatternExpression
  | ScanExpression
  | AsExpression
  | Range
  | Arrow
  | Shared
  | ErrorExpression;

/** `131_072`, `1e-5`, `6 GB`, `25e9 tokens`. */
export interface NumberLiteral extends Node<'NumberLiteral'> {
  readonly value: number;
  /** As written, without the unit. */
  readonly raw: string;
  readonly unit?: Name;
}
export interface StringLiteral extends Node<'StringLiteral'> {
  readonly value: string;
}
export interface BooleanLiteral extends Node<'BooleanLiteral'> {
  readonly value: boolean;
}
export type NoneLiteral = Node<'NoneLiteral'>;
export interface Member extends Node<'Member'> {
  readonly object: Expression;
  readonly name: Name;
}
export interface Call extends Node<'Call'> {
  readonly callee: Expression;
  readonly arguments: readonly Argument[];
}
export interface Argument extends Node<'Argument'> {
  readonly name?: Name;
  readonly value: Expression;
}
/** `a[t]`, `a[t - 1]`. */
export interface IndexExpression extends Node<'IndexExpression'> {
  readonly object: Expression;
  readonly indices: readonly Expression[];
}
export interface Unary extends Node<'Unary'> {
  readonly operator: '-' | 'not';
  readonly operand: Expression;
}
export type BinaryOperator =
  '+' | '-' | '*' | '/' | '//' | '%' | '**' | '==' | '!=' | '<' | '<=' | '>' | '>=' | 'and' | 'or';
export interface Binary extends Node<'Binary'> {
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}
/** `if rope then rotate(q) else q`: the condition is a compile-time value. */
export interface Conditional extends Node<'Conditional'> {
  readonly condition: Expression;
  readonly then: Expression;
  readonly else: Expression;
}
export interface Tuple extends Node<'Tuple'> {
  readonly elements: readonly Expression[];
}
/** `{ pre = RMSNorm(eps = 1e-5), qk = none }`. */
export interface RecordExpression extends Node<'RecordExpression'> {
  readonly fields: readonly Field[];
}
/** `{ M: M, "*": A }`. */
export interface MapExpression extends Node<'MapExpression'> {
  readonly entries: readonly MapEntry[];
}
export interface MapEntry extends Node<'MapEntry'> {
  readonly key: Name | StringLiteral;
  readonly value: Expression;
}
/** `[(M F)*3, M A F]`. Commas and new lines mean nothing inside. */
export interface PatternExpression extends Node<'PatternExpression'> {
  readonly items: readonly PatternItem[];
}
export type PatternItem = Name | PatternGroup | PatternRepeat;
export interface PatternGroup extends Node<'PatternGroup'> {
  readonly items: readonly PatternItem[];
}
export interface PatternRepeat extends Node<'PatternRepeat'> {
  readonly item: Name | PatternGroup;
  readonly count: NumberLiteral;
}
/** `scan (t in time, state h: [width] = 0) { h = …; yield h }`. */
export interface ScanExpression extends Node<'ScanExpression'> {
  readonly index: Name;
  readonly over: Name;
  readonly states: readonly ScanState[];
  readonly body: readonly Statement[];
}
export interface ScanState extends Node<'ScanState'> {
  readonly name: Name;
  readonly shape: Shape;
  readonly initial: Expression;
}
/** `x as [time, heads, head_dim]`: the same elements in row-major order under other dimensions. */
export interface AsExpression extends Node<'AsExpression'> {
  readonly value: Expression;
  readonly shape: Shape;
}
/** Half-open `a..b`, `..b`, `a..`. */
export interface Range extends Node<'Range'> {
  readonly start?: Expression;
  readonly end?: Expression;
}
/** `width -> (heads, head_dim)` as an argument. */
export interface Arrow extends Node<'Arrow'> {
  readonly from: Expression;
  readonly to: Expression;
}
/** `shared Attention(…)`: all occurrences of the name have the same weights. */
export interface Shared extends Node<'Shared'> {
  readonly value: Expression;
}
export type ErrorExpression = Node<'ErrorExpression'>;
