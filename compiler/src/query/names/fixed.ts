/** Names that the compiler brings along, from its tables. */
import { tokenTable } from '@hyb/grammar/tokens/token-table';
import { ROLES } from '../../resolve/precision.js';
import { MODEL_FIELDS } from '../../resolve/fields.js';
import { builtins } from '../../trace/builtins/table.js';
import type { Builtin, BuiltinParameter } from '../../trace/builtins/builtin.js';
import { INITIALIZERS } from '../../trace/builtins/initializers.js';
import { MODULES } from '../../trace/builtins/modules.js';
import { PARAMETER_KINDS } from '../../trace/elaborate/block.js';
import { TRAIN_FIELDS } from '../../train/fields.js';
import type { Choice, FieldSpec, Spec } from '../../train/spec.js';
import type { Entity } from './entity.js';

const words = new Map(tokenTable.map(({ pattern, doc }) => [String(pattern), doc]));

const FIELD_DOCS: Readonly<Record<(typeof MODEL_FIELDS)[number], string>> = {
  vocab: 'Tokens of the vocabulary.',
  width: 'Channels of the residual stream.',
  context: 'Tokens that a sequence may have.',
  norm: 'Norms in the slots of all blocks: `{ pre = …, out = …, post = … }` or any that a block declares, or `none`.',
  layers: 'The pattern of layers: `[(M F)*3, A F]`, or `pattern("M-M*-", { … })`.',
  head: 'What follows the last layer: `{ norm = …, tie = …, bias = …, cap = … }`.',
  embedding: 'The embedding: `{ scale = … }`.',
  weights: 'The weight map that checkpoints are read with.',
};
export const modelFields: readonly Entity[] = MODEL_FIELDS.map((name) => ({
  kind: 'field',
  name,
  owner: 'model',
  doc: FIELD_DOCS[name],
}));

const record = (owner: string, docs: Readonly<Record<string, string>>): readonly Entity[] =>
  Object.entries(docs).map(([name, doc]) => ({ kind: 'field', name, owner, doc }));

export const headFields = record('head', {
  norm: 'Norm before the output matrix.',
  tie: 'Whether the matrix is shared with the embedding.',
  bias: 'Whether a learned shift is added.',
  cap: 'Logits become `cap * tanh(logits / cap)`.',
});
export const embeddingFields = record('embedding', { scale: 'Factor on embeddings.' });

export const roles: readonly Entity[] = ROLES.map((name) => ({ kind: 'role', name, doc: roleDoc(name) }));

function roleDoc(role: (typeof ROLES)[number]): string {
  switch (role) {
    case 'weights':
      return 'How parameters are stored.';
    case 'activations':
      return 'What results of ops are rounded to.';
    case 'accumulate':
      return 'Sums inside products; always f32.';
    case 'state':
      return 'What recurrent states and caches are rounded to.';
    case 'gradients':
      return 'What gradients are rounded to in training.';
    case 'optimizer':
      return 'How the optimizer keeps its state.';
  }
}

export const selectors = record('precision', {
  norms: 'All norms.',
  norm: 'All norms.',
  head: 'The head.',
  embedding: 'The embedding.',
  linears: 'Matrix products of the layers, in order of execution; `linears[..4]` are the first four.',
  layers: 'Layers by index: `layers[7]`, `layers[2..9]`.',
}).map((each): Entity => ({ ...each, kind: 'selector' }));

export const formats: readonly Entity[] = tokenTable
  .filter(({ category }) => category === 'format')
  .map(({ pattern, doc }) => ({ kind: 'format', name: String(pattern), doc }));

export const types: readonly Entity[] = PARAMETER_KINDS.map((name) => ({
  kind: 'type',
  name,
  doc:
    name === 'fn'
      ? 'Type of a parameter that is a function: a declared one, or a built-in one with its options.'
      : name === 'norm'
        ? 'Type of a parameter that is a norm with its arguments.'
        : words.get(name)!,
}));

export const constants: readonly Entity[] = [
  { kind: 'builtin', name: 'inf', doc: 'Infinity: no limit.' },
  { kind: 'builtin', name: 'pi', doc: 'The ratio of a circle’s circumference to its diameter; in bodies.' },
];

export const timeAndWidth: readonly Entity[] = [
  { kind: 'dimension', name: 'time', doc: 'The axis of tokens.' },
  { kind: 'dimension', name: 'width', doc: 'The width of the model’s residual stream.' },
];

export function builtinEntity({ name, doc, signature }: Builtin): Entity {
  return { kind: 'builtin', name, doc, signature };
}

export function findBuiltin(name: string): Builtin | undefined {
  return builtins().get(name);
}

export function optionEntity({ name, doc }: BuiltinParameter, owner: string): Entity {
  return { kind: 'option', name, doc, owner };
}

export const moduleKinds: readonly Entity[] = Object.values(MODULES).map(({ name, doc, signature }) => ({
  kind: 'module',
  name,
  doc,
  signature,
}));

export function moduleOptions(name: string): readonly Entity[] {
  const found = Object.values(MODULES).find((each) => each.name === name);
  return (found?.parameters ?? []).map((each) => ({ kind: 'option', name: each.name, doc: each.doc, owner: name }));
}

export const initializers: readonly Entity[] = Object.entries(INITIALIZERS).map(([name, { doc, signature }]) => ({
  kind: 'initializer',
  name,
  doc,
  signature,
}));

export function initializerOptions(name: string): readonly Entity[] {
  const found = Object.hasOwn(INITIALIZERS, name) ? INITIALIZERS[name as keyof typeof INITIALIZERS] : undefined;
  return (found?.parameters ?? []).map((each) => ({ kind: 'option', name: each.name, owner: name }));
}

export const attributes: readonly Entity[] = [
  { kind: 'attribute', name: 'init', doc: 'How the parameter begins.', signature: '@init(initializer)' },
];

export const parts: readonly Entity[] = [
  { kind: 'part', name: 'weight', doc: 'The weights of the map.' },
  { kind: 'part', name: 'bias', doc: 'The learned shift.' },
  { kind: 'part', name: 'gamma', doc: 'The learned scale of a weight whose spectral norm is divided out.' },
];

export const patternFunction: Entity = {
  kind: 'builtin',
  name: 'pattern',
  signature: 'pattern(string, { letter: block, … })',
  doc: 'Layers by letters, one letter a layer.',
};

/** Fields of a recipe, or of a record in one. */
export function fieldEntities(fields: Readonly<Record<string, FieldSpec>>, owner: string): readonly Entity[] {
  return Object.entries(fields).map(([name, { doc, example, required, default: fallback }]) => ({
    kind: 'field',
    name,
    owner,
    doc: `${doc}${required === true ? ' Must be given.' : fallbackText(fallback)}`,
    ...(example !== undefined && { example }),
  }));
}

function fallbackText(fallback: unknown): string {
  if (typeof fallback === 'number' || typeof fallback === 'boolean') return ` Default: \`${fallback}\`.`;
  if (Array.isArray(fallback) && fallback.length > 0) return ` Default: \`(${fallback.join(', ')})\`.`;
  return '';
}

export const recipeFields = fieldEntities(TRAIN_FIELDS, 'recipe');

export function recipeSpec(name: string): Spec | undefined {
  return Object.hasOwn(TRAIN_FIELDS, name) ? TRAIN_FIELDS[name as keyof typeof TRAIN_FIELDS].spec : undefined;
}

export function choiceEntity({ name, doc, parameters }: Choice): Entity {
  const names = Object.keys(parameters);
  return { kind: 'choice', name, doc, signature: names.length === 0 ? name : `${name}(${names.join(', ')})` };
}

export function unitEntity(name: string): Entity {
  return { kind: 'unit', name, doc: words.get(name) ?? '' };
}

export function libraryEntity(name: string): Entity {
  return { kind: 'library', name, doc: name === 'std' ? 'The standard library.' : `\`${name}.hyb\` of the library.` };
}
