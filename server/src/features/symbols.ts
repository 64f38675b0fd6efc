/** Outlines of files, and declarations of the whole workspace. */
import type { AstNode, BlockDeclaration, Declaration, Name, Span } from '@hyb/grammar';
import { SymbolKind } from 'vscode-languageserver-types';
import type { DocumentSymbol, SymbolInformation } from 'vscode-languageserver-types';
import { isBlockExpression, isModelField } from '@hyb/compiler/resolve/fields';
import { isLibraryPath } from '@hyb/compiler/sources/library';
import type { FileScope } from '@hyb/compiler/sources/scope';
import type { Root } from '../workspace/root.js';
import { locationIn } from '../workspace/workspace.js';
import type { Place } from '../workspace/workspace.js';

const KINDS: Readonly<Record<Declaration['kind'], SymbolKind>> = {
  ModelDeclaration: SymbolKind.Class,
  TrainDeclaration: SymbolKind.Event,
  BlockDeclaration: SymbolKind.Struct,
  FunctionDeclaration: SymbolKind.Function,
  WeightsDeclaration: SymbolKind.Namespace,
};

export function kindOf(declaration: Declaration): SymbolKind {
  return declaration.kind === 'BlockDeclaration' && declaration.form === 'norm'
    ? SymbolKind.Interface
    : KINDS[declaration.kind];
}

export function documentSymbols(place: Place): readonly DocumentSymbol[] {
  const { syntax, scope } = place.file;
  return syntax.declarations.map((declaration) => ({
    ...symbol(place, declaration.name, declaration.span, kindOf(declaration)),
    ...detailOf(declaration),
    children: childrenOf(declaration, scope).map(({ name, node, kind }) => symbol(place, name, node.span, kind)),
  }));
}

/** Names that were not read are empty, which editors do not take. */
function symbol(place: Place, { text, span }: Name, whole: Span, kind: SymbolKind): DocumentSymbol {
  return { name: text || '…', kind, range: place.rangeOf(whole), selectionRange: place.rangeOf(span) };
}

function detailOf(declaration: Declaration): { readonly detail?: string } {
  switch (declaration.kind) {
    case 'ModelDeclaration':
    case 'WeightsDeclaration':
      return declaration.base === undefined ? {} : { detail: `= ${declaration.base.text}` };
    case 'TrainDeclaration':
      return declaration.of === undefined ? {} : { detail: `of ${declaration.of.text}` };
    default:
      return {};
  }
}

interface Child {
  readonly name: Name;
  readonly node: AstNode;
  readonly kind: SymbolKind;
}

function childrenOf(declaration: Declaration, scope: FileScope): readonly Child[] {
  switch (declaration.kind) {
    case 'ModelDeclaration':
    case 'TrainDeclaration':
      return declaration.items.flatMap((item): readonly Child[] => {
        if (item.kind !== 'Field' || item.target.steps.length > 0) return [];
        const { root } = item.target;
        const isOwn = declaration.kind === 'ModelDeclaration' && !isModelField(root.text);
        const kind = !isOwn
          ? SymbolKind.Field
          : isBlockExpression(item.value, scope)
            ? SymbolKind.Object
            : SymbolKind.Constant;
        return [{ name: root, node: item, kind }];
      });
    case 'BlockDeclaration':
      return blockChildren(declaration);
    default:
      return [];
  }
}

function blockChildren({ parameters, body }: BlockDeclaration): readonly Child[] {
  return [
    ...parameters.map((node) => ({ name: node.name, node, kind: SymbolKind.Property })),
    ...body.flatMap((node): readonly Child[] => {
      switch (node.kind) {
        case 'ParamStatement':
          return [{ name: node.name, node, kind: SymbolKind.Field }];
        case 'SlotStatement':
          return [{ name: node.name, node, kind: SymbolKind.Interface }];
        case 'DimStatement':
          return [{ name: node.name, node, kind: SymbolKind.Number }];
        case 'LetStatement':
          return node.names.map((name) => ({ name, node, kind: SymbolKind.Variable }));
        default:
          return [];
      }
    }),
  ];
}

/** Declarations whose names have the letters of the query in their order. */
export function workspaceSymbols(roots: readonly Root[], query: string): readonly SymbolInformation[] {
  const letters = query.toLowerCase();
  const fits = (name: string): boolean => {
    let at = 0;
    for (const letter of name.toLowerCase()) if (letter === letters[at]) at++;
    return at === letters.length;
  };
  return roots.flatMap((root) =>
    [...root.project.files.values()].flatMap(({ path, syntax }) =>
      syntax.declarations.flatMap((declaration): readonly SymbolInformation[] => {
        if (!fits(declaration.name.text) || declaration.name.text === '') return [];
        const location = locationIn(root.project, declaration.name.span, root);
        const containerName = isLibraryPath(path) ? 'std' : path;
        return location === undefined
          ? []
          : [{ name: declaration.name.text, kind: kindOf(declaration), location, containerName }];
      }),
    ),
  );
}
