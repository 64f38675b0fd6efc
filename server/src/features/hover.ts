/** What stands under the pointer. */
import { namesOf, nameAt } from '@hyb/compiler/query/references';
import type { Entity, NameUse } from '@hyb/compiler/query/names/entity';
import { isOfKind } from '@hyb/compiler/query/names/entity';
import { layerPlaces } from '@hyb/compiler/query/pattern-places';
import { printArguments, printValue } from '@hyb/compiler/resolve/value';
import { nodesAt } from '@hyb/grammar';
import type { AstNode, Field, ModelDeclaration } from '@hyb/grammar';
import { tokenRoles } from '@hyb/grammar/highlight/roles';
import type { Hover, Position } from 'vscode-languageserver-types';
import { checkedModel, declarationAt, valuesOf } from '../workspace/models.js';
import type { Place } from '../workspace/workspace.js';
import { aliasText, factLines, modelText, stateBytes, stateText } from './facts-text.js';
import { codeOf } from './signatures.js';

export function hover(place: Place, position: Position): Hover | undefined {
  const offset = place.offsetAt(position);
  const path = nodesAt(place.file.syntax, offset);
  const use = nameAt(place.project, place.path, offset);
  const layer = layerHover(place, offset, path);
  if (layer !== undefined) return layer;
  if (use !== undefined) return nameHover(place, use);
  return expressionHover(place, offset, path) ?? wordHover(place, offset);
}

function show(place: Place, span: { start: number; end: number }, parts: readonly (string | undefined)[]): Hover {
  const value = parts.filter((part) => part !== undefined && part !== '').join('\n\n');
  return { contents: { kind: 'markdown', value }, range: place.rangeOf(span) };
}

const code = (text: string): string => `\`\`\`hyb\n${text}\n\`\`\``;

function nameHover(place: Place, use: NameUse): Hover {
  const parts = use.entities.flatMap((entity): (string | undefined)[] => [
    code(codeOf(entity, place.project)),
    entity.doc,
    entity.example === undefined ? undefined : `Such as \`${entity.example}\`.`,
    ...describeEntity(place, entity),
    givenValue(place, use, entity),
  ]);
  return show(place, use.span, [...parts, ...valueLines(place, use)]);
}

/** Shapes and formats at a name of a body. */
function valueLines(place: Place, { span, entities }: NameUse): readonly string[] {
  const declared = declarationAt(place, span.start);
  if (declared === undefined || declared.declaration.kind === 'ModelDeclaration') return [];
  const [entity] = entities;
  if (entity === undefined || !IN_BODIES.has(entity.kind)) return [];
  const table = valuesOf(place, declared);
  const here = table.at(span);
  const facts = here.length > 0 || entity.place === undefined ? here : table.at(entity.place);
  return list(factLines(facts));
}

/** What an argument in a model comes to: `4 * width` is 256. */
function givenValue(place: Place, { span }: NameUse, { kind, name }: Entity): string | undefined {
  const declared = declarationAt(place, span.start);
  if (kind !== 'parameter' || !isOfKind(declared, 'ModelDeclaration')) return undefined;
  const field = nodesAt(place.file.syntax, span.start).find((node): node is Field => node.kind === 'Field');
  const alias = field?.target.root.text ?? '';
  const value = checkedModel(place.root, declared)?.model?.aliases[alias]?.arguments[name];
  return value === undefined
    ? undefined
    : `\`${printValue(value)}\` in \`${alias}\` of \`${declared.declaration.name.text}\``;
}

const IN_BODIES: ReadonlySet<string> = new Set([
  ...['parameter', 'input', 'dimension', 'param', 'slot', 'value', 'state', 'function', 'norm', 'builtin'],
]);

function list(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [lines.map((line) => `- ${line}`).join('\n')];
}

function describeEntity(place: Place, entity: Entity): readonly (string | undefined)[] {
  const { declared } = entity.target ?? entity;
  if (isOfKind(declared, 'ModelDeclaration') && entity.kind === 'model') {
    const checked = checkedModel(place.root, declared)?.checked;
    if (checked === undefined) return [];
    const { layers, width, context, vocab } = checked.model;
    return [`${layers.length} layers, width ${width}, context ${context}, vocabulary ${vocab}`, modelText(checked)];
  }
  if (entity.kind === 'alias') return describeAlias(place, entity);
  if (entity.kind === 'constant' || entity.kind === 'field') return [];
  if (entity.place?.file !== undefined && entity.owner !== undefined && entity.kind === 'parameter') {
    return [`Parameter of \`${entity.owner}\`.`];
  }
  return [];
}

/** A model's name for a block: with which arguments, and what its layers weigh. */
function describeAlias(place: Place, entity: Entity): readonly (string | undefined)[] {
  const declared = declarationOfField(place, entity);
  const found = declared === undefined ? undefined : checkedModel(place.root, declared);
  const instance = found?.model?.aliases[entity.name];
  if (instance === undefined) return [entity.declared?.declaration.doc];
  const { declaration, arguments: values, slots } = instance;
  const norms = Object.entries(slots).map(
    ([slot, norm]) => `\`${slot}\` = ${norm === null ? 'none' : `\`${printValue(norm)}\``}`,
  );
  const layers = found!.model!.layers.filter(({ alias }) => alias === entity.name).map(({ index }) => index);
  const { checked } = found!;
  return [
    declaration.doc,
    code(`${declaration.name.text}(${printArguments(values)})`),
    norms.length === 0 ? undefined : `Norms: ${norms.join(', ')}`,
    `${layers.length === 1 ? 'Layer' : `${layers.length} layers:`} ${ranges(layers)}`,
    checked === undefined
      ? undefined
      : [aliasText(checked, entity.name), stateText(stateBytes(checked, entity.name))].filter(Boolean).join(', '),
  ];
}

/** The model of the hovered file in which a name is used, or the one that defines it. */
function declarationOfField(place: Place, { place: defined }: Entity) {
  if (defined === undefined) return undefined;
  const file = place.project.files.get(defined.file);
  const declaration = file?.syntax.declarations.find(
    ({ kind, span }) => kind === 'ModelDeclaration' && span.start <= defined.start && defined.end <= span.end,
  );
  return declaration === undefined ? undefined : { declaration: declaration as ModelDeclaration, scope: file!.scope };
}

/** `0, 2, 4–6` */
export function ranges(indices: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < indices.length;) {
    let end = i;
    while (indices[end + 1] === indices[end]! + 1) end++;
    parts.push(end > i + 1 ? `${indices[i]}–${indices[end]}` : indices.slice(i, end + 1).join(', '));
    i = end + 1;
  }
  return parts.join(', ');
}

/** A name or letter of a pattern: which layers it stands for. */
function layerHover(place: Place, offset: number, path: readonly AstNode[]): Hover | undefined {
  const declaration = path.find((node): node is ModelDeclaration => node.kind === 'ModelDeclaration');
  const field = path.find((node): node is Field => node.kind === 'Field' && node.target.root.text === 'layers');
  if (declaration === undefined || field === undefined || field.target.steps.length > 0) return undefined;
  const places = layerPlaces(field.value);
  const here = places.find(({ span }) => span.start <= offset && offset < span.end);
  if (here === undefined) return undefined;
  const indices = places.flatMap(({ span }, index) => (span.start === here.span.start ? [index] : []));
  const [use] = (namesOf(place.project, place.path)?.uses ?? []).filter(({ span }) => span.start === here.span.start);
  const found = checkedModel(place.root, { declaration, scope: place.file.scope });
  const layer = found?.model?.layers[indices[0]!];
  const title = `**${indices.length === 1 ? 'Layer' : 'Layers'} ${ranges(indices)}** of ${places.length}: \`${here.alias}\``;
  const [entity] = use?.entities ?? [];
  const row = found?.checked === undefined ? undefined : layerRow(found.checked, indices[0]!);
  return show(place, here.span, [
    title,
    layer === undefined
      ? entity && code(codeOf(entity, place.project))
      : code(`${layer.block.declaration.name.text}(${printArguments(layer.block.arguments)})`),
    row,
    layer?.sharedWith === undefined ? undefined : `Shares its weights with layer ${layer.sharedWith}.`,
  ]);
}

function layerRow(checked: NonNullable<ReturnType<typeof checkedModel>>['checked'] & object, index: number): string {
  const instance = checked.graph.instances.find(({ layer }) => layer === index);
  const alias = instance?.alias ?? '';
  return [aliasText(oneLayer(checked, index), alias), stateText(stateBytes(oneLayer(checked, index), alias))].join(
    ', ',
  );
}

/** The model with one of its layers only. */
function oneLayer<T extends { readonly graph: { readonly instances: readonly { readonly layer?: number }[] } }>(
  checked: T,
  index: number,
): T {
  const { graph } = checked;
  return { ...checked, graph: { ...graph, instances: graph.instances.filter(({ layer }) => layer === index) } };
}

/** An expression of a body that is no name: `down(activation(up(x)))`, `x as [time, heads]`. */
function expressionHover(place: Place, offset: number, path: readonly AstNode[]): Hover | undefined {
  const declared = declarationAt(place, offset);
  if (declared === undefined) return undefined;
  const { kind } = declared.declaration;
  if (kind !== 'BlockDeclaration' && kind !== 'FunctionDeclaration') return undefined;
  const table = valuesOf(place, declared);
  for (const node of [...path].reverse()) {
    const lines = factLines(table.at(node.span));
    if (lines.length > 0) return show(place, node.span, list(lines));
  }
  return undefined;
}

/** A word or sign of the language, from the one table. */
function wordHover(place: Place, offset: number): Hover | undefined {
  const { text, syntax } = place.file;
  const token = tokenRoles(text, syntax).find(({ start, end }) => start <= offset && offset < end);
  if (token?.role.kind !== 'row' || UNTOLD.has(token.role.row.category)) return undefined;
  return show(place, token, [code(token.image), token.role.row.doc]);
}

const UNTOLD: ReadonlySet<string> = new Set(['comment', 'literal', 'punctuation']);
