/** Proposals in the editor's form. */
import type { Entity, EntityKind } from '@hyb/compiler/query/names/entity';
import { CompletionItemKind, InsertTextFormat } from 'vscode-languageserver-types';
import type { CompletionItem, TextEdit } from 'vscode-languageserver-types';
import type { Place } from '../../workspace/workspace.js';
import { codeOf } from '../signatures.js';

export interface Proposal {
  readonly label: string;
  readonly kind: CompletionItemKind;
  readonly detail?: string;
  readonly doc?: string;
  /** With `$1`, `$0` as places for the cursor. */
  readonly snippet?: string;
  /** Lower comes first. */
  readonly rank?: number;
  /** Within a rank, lower comes first, and before those without: what is declared in an order is proposed in it. */
  readonly order?: number;
  readonly more?: readonly TextEdit[];
}

const KINDS: Readonly<Record<EntityKind, CompletionItemKind>> = {
  model: CompletionItemKind.Class,
  recipe: CompletionItemKind.Event,
  block: CompletionItemKind.Class,
  norm: CompletionItemKind.Interface,
  function: CompletionItemKind.Function,
  weights: CompletionItemKind.Struct,
  alias: CompletionItemKind.Variable,
  constant: CompletionItemKind.Constant,
  field: CompletionItemKind.Field,
  parameter: CompletionItemKind.Property,
  input: CompletionItemKind.Variable,
  dimension: CompletionItemKind.Unit,
  param: CompletionItemKind.Field,
  slot: CompletionItemKind.Field,
  value: CompletionItemKind.Variable,
  state: CompletionItemKind.Variable,
  index: CompletionItemKind.Variable,
  builtin: CompletionItemKind.Function,
  module: CompletionItemKind.Class,
  initializer: CompletionItemKind.Function,
  option: CompletionItemKind.Property,
  choice: CompletionItemKind.EnumMember,
  attribute: CompletionItemKind.Keyword,
  type: CompletionItemKind.TypeParameter,
  role: CompletionItemKind.EnumMember,
  selector: CompletionItemKind.EnumMember,
  format: CompletionItemKind.TypeParameter,
  part: CompletionItemKind.Field,
  unit: CompletionItemKind.Unit,
  library: CompletionItemKind.Module,
};

export function entityProposal(entity: Entity, place: Place, more: Partial<Proposal> = {}): Proposal {
  const { name, kind, doc } = entity;
  return {
    label: name,
    kind: KINDS[kind],
    detail: codeOf(entity, place.project),
    ...(doc !== undefined && { doc }),
    ...more,
  };
}

/** Names that stand before `=`. */
export function assigned(entity: Entity, place: Place, sorting: Pick<Proposal, 'rank' | 'order'> = {}): Proposal {
  return entityProposal(entity, place, { snippet: `${entity.name} = $0`, ...sorting });
}

export function wordProposal(label: string, doc: string, snippet?: string, rank?: number): Proposal {
  return {
    label,
    kind: snippet === undefined ? CompletionItemKind.Keyword : CompletionItemKind.Snippet,
    doc,
    ...(snippet !== undefined && { snippet }),
    ...(rank !== undefined && { rank }),
  };
}

export function valueProposal(label: string, doc?: string): Proposal {
  return { label, kind: CompletionItemKind.Value, ...(doc !== undefined && { doc }) };
}

export function toItem(proposal: Proposal, range: TextEdit['range'], snippets: boolean): CompletionItem {
  const { label, kind, detail, doc, snippet, rank = 5, order, more } = proposal;
  const newText = snippet === undefined ? label : snippets ? snippet : plain(snippet);
  return {
    label,
    kind,
    sortText: `${rank}${order === undefined ? '' : String(order).padStart(3, '0')}${label}`,
    ...(detail !== undefined && detail !== label && { detail }),
    ...(doc !== undefined && doc !== '' && { documentation: { kind: 'markdown', value: doc } }),
    textEdit: { range, newText },
    insertTextFormat: snippet !== undefined && snippets ? InsertTextFormat.Snippet : InsertTextFormat.PlainText,
    ...(more !== undefined && { additionalTextEdits: [...more] }),
  };
}

function plain(snippet: string): string {
  return snippet.replace(/\$\{\d+:([^}]*)\}/g, '$1').replace(/\$\d+/g, '');
}
