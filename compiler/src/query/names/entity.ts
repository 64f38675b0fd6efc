/** What names stand for. */
import type { AstNode, Span } from '@hyb/grammar';
import type { BlockDeclaration, Declaration } from '@hyb/grammar';
import type { Declared } from '../../sources/scope.js';

export type EntityKind =
  /** Declarations of files. */
  | 'model'
  | 'recipe'
  | 'block'
  | 'norm'
  | 'function'
  | 'weights'
  /** A model's own names: its blocks and its constants. */
  | 'alias'
  | 'constant'
  /** Fields that models, their records and recipes have. */
  | 'field'
  /** Names of blocks and functions. */
  | 'parameter'
  | 'input'
  | 'dimension'
  | 'param'
  | 'slot'
  | 'value'
  | 'state'
  | 'index'
  /** What the compiler brings along. */
  | 'builtin'
  | 'module'
  | 'initializer'
  | 'option'
  | 'choice'
  | 'attribute'
  | 'type'
  | 'role'
  | 'selector'
  | 'format'
  | 'part'
  | 'unit'
  | 'library';

export interface Entity {
  readonly kind: EntityKind;
  readonly name: string;
  /** The name where it is defined; absent for what the compiler brings along. */
  readonly place?: Span;
  /** What it belongs to: a model, a block, a built-in function. */
  readonly owner?: string;
  readonly doc?: string;
  /** As it would be written: `block MLP(inner: int, …)`, `rope(x, base = 10_000)`. */
  readonly signature?: string;
  /** How it may be used: `batch = 768 sequences`. */
  readonly example?: string;
  /** The node that defines it. */
  readonly node?: AstNode;
  /** Of declarations, with the scope of their file; of the blocks of a model that which they are made of. */
  readonly declared?: Declared;
  /** Of a name given with `as`: what it is another name of. */
  readonly target?: Entity;
}

/** The same for two uses of one thing. */
export function entityKey({ kind, name, owner, place }: Entity): string {
  return place === undefined ? `${kind} ${owner ?? ''} ${name}` : `${place.file}:${place.start}`;
}

export interface NameUse {
  readonly name: string;
  readonly span: Span;
  readonly access: 'definition' | 'write' | 'read';
  /** A letter of a pattern string: it stands for the name, and stays when that is renamed. */
  readonly isLetter?: true;
  /** Usually one; several where a path speaks of several blocks (`norm.qk`, `layers[2..5].cap`). */
  readonly entities: readonly Entity[];
}

const DECLARATION_KINDS = {
  ModelDeclaration: 'model',
  TrainDeclaration: 'recipe',
  FunctionDeclaration: 'function',
  WeightsDeclaration: 'weights',
} as const;

export function declarationEntity(declared: Declared): Entity {
  const { declaration } = declared;
  const { kind, name, doc } = declaration;
  return {
    kind: kind === 'BlockDeclaration' ? declaration.form : DECLARATION_KINDS[kind],
    name: name.text,
    place: name.span,
    node: declaration,
    declared,
    ...(doc !== undefined && { doc }),
  };
}

export function isBlock(declared: Declared | undefined): declared is Declared<BlockDeclaration> {
  return declared?.declaration.kind === 'BlockDeclaration';
}

export function isOfKind<K extends Declaration['kind']>(
  declared: Declared | undefined,
  kind: K,
): declared is Declared<Extract<Declaration, { readonly kind: K }>> {
  return declared?.declaration.kind === kind;
}

export function parameterEntities({ declaration }: Declared<BlockDeclaration>): readonly Entity[] {
  return declaration.parameters.map((parameter) => ({
    kind: 'parameter',
    name: parameter.name.text,
    place: parameter.name.span,
    owner: declaration.name.text,
    node: parameter,
    ...(parameter.doc !== undefined && { doc: parameter.doc }),
  }));
}

/** Parameters to train and slots of a block: what paths below its name may say. */
export function memberEntities({ declaration }: Declared<BlockDeclaration>): readonly Entity[] {
  return declaration.body.flatMap((statement): Entity[] => {
    if (statement.kind !== 'ParamStatement' && statement.kind !== 'SlotStatement') return [];
    return [
      {
        kind: statement.kind === 'SlotStatement' ? 'slot' : 'param',
        name: statement.name.text,
        place: statement.name.span,
        owner: declaration.name.text,
        node: statement,
        ...(statement.doc !== undefined && { doc: statement.doc }),
      },
    ];
  });
}

const STANDARD: Readonly<Record<string, string>> = {
  pre: 'Before the block, inside the residual.',
  out: 'After the block, before the residual is added.',
  post: 'After the residual is added.',
};

export function slotEntities(declared: Declared<BlockDeclaration>): readonly Entity[] {
  return [...standardSlots, ...memberEntities(declared).filter(({ kind }) => kind === 'slot')];
}

export const standardSlots: readonly Entity[] = Object.entries(STANDARD).map(([name, doc]) => ({
  kind: 'slot',
  name,
  doc,
}));
