/** A model as its chain of `with` says it, as far as names are concerned. */
import type { BlockDeclaration, Expression, ModelDeclaration, PathIndex } from '@hyb/grammar';
import { Diagnostics } from '../../diagnostics/collector.js';
import { modelDefinition } from '../../resolve/definition.js';
import type { Assignment, Definition } from '../../resolve/definition.js';
import { blockDeclaration, isBlockExpression, isModelField } from '../../resolve/fields.js';
import type { Declared } from '../../sources/scope.js';
import { layerPlaces } from '../pattern-places.js';
import type { LayerPlace } from '../pattern-places.js';
import type { Entity } from './entity.js';

export interface ModelFacts {
  readonly definition: Definition<ModelDeclaration>;
  /** Blocks and constants by name. */
  readonly own: ReadonlyMap<string, Entity>;
  readonly blocks: ReadonlyMap<string, Declared<BlockDeclaration>>;
  /** The last assignment of each whole field. */
  readonly assignments: ReadonlyMap<string, Assignment>;
  /** Layers in order, where the pattern can be read. */
  readonly layers: readonly LayerPlace[];
}

export function modelFacts(declared: Declared<ModelDeclaration>): ModelFacts | undefined {
  const definition = modelDefinition(declared, new Diagnostics());
  if (definition === undefined) return undefined;
  const assignments = new Map<string, Assignment>();
  const first = new Map<string, Assignment>();
  for (const assignment of definition.assignments) {
    if (assignment.target.steps.length > 0) continue;
    const name = assignment.target.root.text;
    assignments.set(name, assignment);
    if (!first.has(name)) first.set(name, assignment);
  }
  const own = new Map<string, Entity>();
  const blocks = new Map<string, Declared<BlockDeclaration>>();
  for (const [name, { value, scope }] of assignments) {
    if (isModelField(name)) continue;
    const block = blockDeclaration(value, scope);
    if (block !== undefined) blocks.set(name, block);
    const { target, field, level } = first.get(name)!;
    own.set(name, {
      kind: isBlockExpression(value, scope) ? 'alias' : 'constant',
      name,
      place: target.root.span,
      owner: definition.chain[level]!.declaration.name.text,
      node: field,
      ...(field.doc !== undefined && { doc: field.doc }),
      ...(block !== undefined && { declared: block }),
    });
  }
  const pattern = assignments.get('layers');
  const layers = pattern === undefined ? [] : layerPlaces(pattern.value);
  return { definition, own, blocks, assignments, layers };
}

/** Blocks of the layers that `layers[…]` speaks of. */
export function blocksAt({ index }: PathIndex, { layers, blocks }: ModelFacts): readonly Declared<BlockDeclaration>[] {
  const number = (each: Expression | undefined, fallback: number): number =>
    each?.kind === 'NumberLiteral' ? each.value : fallback;
  const start = index.kind === 'Range' ? number(index.start, 0) : number(index, 0);
  const end = index.kind === 'Range' ? number(index.end, layers.length) : start + 1;
  const names = new Set(layers.slice(start, end).map(({ alias }) => alias));
  return [...names].flatMap((name) => blocks.get(name) ?? []);
}
