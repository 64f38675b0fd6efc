/** Proposals that fit where the cursor stands. */
import { libraryFiles } from '@hyb/compiler/sources/library';
import { joinPath, relativePath } from '@hyb/compiler/sources/paths';
import { tokenTable } from '@hyb/grammar/tokens/token-table';
import { CompletionItemKind } from 'vscode-languageserver-types';
import type { CompletionItem, Position } from 'vscode-languageserver-types';
import type { Place } from '../../workspace/workspace.js';
import { bodyArgument, dimensions, parameter, scanHeader, statement, wholeShape } from './body.js';
import { contextAt } from './context.js';
import type { CursorContext, Frame } from './context.js';
import { entityProposal, toItem, valueProposal, wordProposal } from './items.js';
import type { Proposal } from './items.js';
import { layerNames, modelItem, modelRecord, precisionRule } from './model.js';
import { choiceArgument, recipeItem, recipeRecord } from './recipe.js';
import { currentModel, fileEntities, libraryEntities, plainEntity } from './scope.js';
import { argumentProposals } from './values.js';

export function completion(place: Place, position: Position, snippets: boolean): readonly CompletionItem[] {
  const offset = place.offsetAt(position);
  const context = contextAt(place.file.text, offset);
  if (context === undefined) return [];
  const start = context.string === undefined ? context.word.start : context.string.start;
  const range = place.rangeOf({ start, end: offset });
  const proposals = context.string === undefined ? proposalsAt(place, context) : inString(place, context);
  const seen = new Set<string>();
  return proposals.flatMap((each) => {
    if (seen.has(each.label)) return [];
    seen.add(each.label);
    return [toItem(each, range, snippets)];
  });
}

function proposalsAt(place: Place, context: CursorContext): readonly Proposal[] {
  const frame = context.frames.at(-1);
  if (frame === undefined) return topLevel(place, context);
  const isRecipe = context.declaration?.keyword === 'train';
  const inBody = context.frames.some(({ kind }) => kind === 'body');
  switch (frame.kind) {
    case 'use':
      return usedNames(place, frame.from);
    case 'items':
      return isRecipe ? recipeItem(place, context) : modelItem(place, context);
    case 'precision':
      return precisionRule(place, context);
    case 'record':
      return isRecipe ? recipeRecord(place, context, frame.path) : modelRecord(place, context, frame.path);
    case 'weights':
      return weightValue(context);
    case 'body':
      return statement(place, context, frame.scan);
    case 'parameters':
      return parameter(place, context);
    case 'inputs':
      return context.part.at(-1)?.image === ':' ? wholeShape(context) : [];
    case 'shape':
      return dimensions(place, context);
    case 'index':
      return inBody ? dimensions(place, context) : [];
    case 'pattern':
      return layerNames(place, context);
    case 'map':
      return context.part.at(-1)?.image === ':' ? layerNames(place, context) : [];
    case 'group':
      return inBody ? bodyArgument(place, context, NO_CALL) : isRecipe ? [] : layerNames(place, context);
    case 'call':
      return callArgument(place, context, frame, inBody);
  }
}

const NO_CALL = { kind: 'call', callee: '', given: [], position: 0 } as const;

function callArgument(
  place: Place,
  context: CursorContext,
  frame: Extract<Frame, { kind: 'call' }>,
  inBody: boolean,
): readonly Proposal[] {
  if (frame.callee === 'scan') return scanHeader(place, context);
  if (inBody) return bodyArgument(place, context, frame);
  const keyword = context.declaration?.keyword;
  if (keyword === 'block' || keyword === 'norm' || keyword === 'fn') return bodyArgument(place, context, frame);
  if (keyword === 'train') return choiceArgument(place, context, frame);
  if (keyword === 'weights') return weightValue(context);
  const facts = currentModel(place, context);
  if (frame.callee === 'pattern')
    return frame.position === 0 ? [] : [wordProposal('{ … }', 'Letters and their blocks.', '{ $0 }')];
  const values = (): readonly Proposal[] =>
    [...(facts?.own.values() ?? [])].flatMap((each) => (each.kind === 'constant' ? [entityProposal(each, place)] : []));
  return argumentProposals(place, context, frame, facts, values);
}

/** Names in a weight map are those of models that use it; the ends are always there. */
function weightValue({ part, owner }: CursorContext): readonly Proposal[] {
  if (owner !== undefined) return ['weight', 'bias'].map((each) => valueProposal(each));
  if (!part.some(({ image }) => image === '=')) return [];
  return ['embedding', 'head', 'layers', 'concat'].map((each) => valueProposal(each));
}

const DECLARATION_SNIPPETS: Readonly<Record<string, string>> = {
  use: 'use ${1:std}.{$0}',
  model: 'model ${1:Name} {\n  vocab   = ${2:256}\n  width   = ${3:64}\n  context = ${4:8192}\n\n  $0\n}',
  train: 'train ${1:Name} of ${2:Model} {\n  batch = ${3:64} sequences\n  steps = ${4:1000}\n  rate  = ${5:1e-3}\n$0}',
  block: 'block ${1:Name}($2)(x: [time, width]) -> [time, width] {\n  $0\n}',
  norm: 'norm ${1:Name}(eps = 1e-5)(x: [..., features]) -> [..., features] {\n  $0\n}',
  fn: 'fn ${1:name}(x) = $0',
  weights: 'weights ${1:Name} {\n  "$2" = $0\n}',
};

function topLevel(place: Place, context: CursorContext): readonly Proposal[] {
  const { part, owner } = context;
  const words = part.map(({ image }) => image);
  const [keyword] = words;
  if (keyword === undefined || (words.length > 1 && !isOpenHeader(words))) {
    return tokenTable
      .filter(({ category }) => category === 'declaration')
      .map(({ pattern, doc }) => wordProposal(String(pattern), doc, DECLARATION_SNIPPETS[String(pattern)]));
  }
  if (keyword === 'use') return useSource(owner);
  const last = words.at(-1);
  if (last === '->') return wholeShape(context);
  const ofKind = (kind: string): readonly Proposal[] =>
    fileEntities(place).flatMap((each) => (each.kind === kind ? [entityProposal(each, place)] : []));
  if (last === 'of') return ofKind('model');
  if (last === '=') {
    if (keyword === 'fn') return [];
    return ofKind(keyword === 'model' ? 'model' : keyword === 'train' ? 'recipe' : 'weights');
  }
  if (words.at(-2) === '=' && keyword !== 'fn')
    return [wordProposal('with', 'Changes fields of it.', 'with {\n  $0\n}')];
  if (keyword === 'train' && words.length === 2) return [wordProposal('of', 'The model that it trains.', 'of $0')];
  return [];
}

/** Whether a declaration's head still lacks its body. */
function isOpenHeader(words: readonly string[]): boolean {
  return !words.includes('}') && words.at(-1) !== '}';
}

function useSource(owner: readonly string[] | undefined): readonly Proposal[] {
  if (owner === undefined) {
    return [
      wordProposal('std', 'The standard library.', 'std.{$0}', 1),
      wordProposal('"./…"', 'A file of the project.', '"./$1.hyb".{$0}', 2),
    ];
  }
  if (owner.length === 1 && owner[0] === 'std') {
    return [
      wordProposal('{ … }', 'Names of the library.', '{$0}', 1),
      ...libraryFiles().map((label) => ({
        label,
        kind: CompletionItemKind.Module,
        doc: `\`${label}.hyb\` of the library.`,
      })),
    ];
  }
  return libraryEntities(owner[1]).map((entity) => ({ label: entity.name, kind: CompletionItemKind.Class }));
}

function usedNames(place: Place, from: string): readonly Proposal[] {
  const [library, part] = from.split('.');
  if (library === 'std')
    return libraryEntities(part === '' ? undefined : part).map((each) => entityProposal(each, place));
  const use = place.file.syntax.uses.find(
    (each) => each.from.kind === 'StringLiteral' && from.includes(each.from.value),
  );
  const joined = use?.from.kind === 'StringLiteral' ? joinPath(place.path, use.from.value) : undefined;
  const file = joined?.kind === 'inside' ? place.project.files.get(joined.path) : undefined;
  return (file?.syntax.declarations ?? []).map((each) => entityProposal(plainEntity(each), place));
}

/** Paths of files in a `use`. */
function inString(place: Place, context: CursorContext): readonly Proposal[] {
  if (context.part[0]?.image !== 'use' || context.part.length > 1) return [];
  return place.root.paths().flatMap((path): readonly Proposal[] => {
    if (path === place.path) return [];
    return [{ label: relativePath(place.path, path), kind: CompletionItemKind.File }];
  });
}
