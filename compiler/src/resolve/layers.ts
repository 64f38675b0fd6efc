/** Changes of single layers (`layers[7].cap = 50`) and the making of each layer's block. */
import type { BlockDeclaration, Name, Span } from '@hyb/grammar';
import type { BlockInstance, Layer } from '../model/model.js';
import type { GivenArgument } from './arguments.js';
import type { Fields } from './fields.js';
import { report } from './messages/report.js';
import { fillSlots, slotsOf } from './slots.js';
import type { SlotChange } from './slots.js';

/** A change of blocks; of two that touch the same thing, the later in `order` decides. */
export interface BlockChange {
  readonly order: number;
  readonly change:
    | { readonly kind: 'parameter'; readonly name: Name; readonly argument: GivenArgument }
    | { readonly kind: 'slot'; readonly change: SlotChange };
}

/** A change of the layers from `start` up to `end`. */
export interface LayerChange extends BlockChange {
  readonly start: number;
  readonly end: number;
  readonly span: Span;
  /** As text: the part after the index. */
  readonly field: string;
}

export interface LayerSources {
  readonly fields: Fields;
  readonly pattern: readonly string[];
  /** The model's `norm`, then what each block's name says. */
  readonly modelSlots: readonly SlotChange[];
  readonly blockChanges: ReadonlyMap<string, readonly BlockChange[]>;
  readonly layerChanges: readonly LayerChange[];
  /** When each block was last defined: earlier changes of its layers are gone. */
  readonly definedAt: ReadonlyMap<string, number>;
}

/** Whether a block has what a change is about. */
function applies(declaration: BlockDeclaration, { change }: BlockChange): boolean {
  if (change.kind === 'parameter') {
    return declaration.parameters.some((parameter) => parameter.name.text === change.name.text);
  }
  const slots = slotsOf(declaration);
  switch (change.change.kind) {
    case 'replace':
      return change.change.values.every(({ slot }) => slots.includes(slot.text));
    case 'set':
      return slots.includes(change.change.value.slot.text);
    case 'argument':
      return slots.includes(change.change.slot.text);
  }
}

/** A block by name with the norms in its slots. */
export function blockWithSlots(name: string, sources: Omit<LayerSources, 'pattern'>): BlockInstance | undefined {
  const { fields } = sources;
  const block = fields.block(name);
  if (block === undefined) return undefined;
  return withSlots(block, sources.blockChanges.get(name) ?? [], sources);
}

function withSlots(
  block: BlockInstance,
  changes: readonly BlockChange[],
  { fields, modelSlots }: Pick<LayerSources, 'fields' | 'modelSlots'>,
): BlockInstance | undefined {
  const own = changes.flatMap(({ change }) => (change.kind === 'slot' ? [change.change] : []));
  const slots = fillSlots([...modelSlots, ...own], slotsOf(block.declaration), fields);
  return slots === undefined ? undefined : { ...block, slots };
}

/** The layers in order; those without changes of their own have the very block of their name. Undefined where one is wrong. */
export function makeLayers(
  sources: LayerSources,
  blocks: ReadonlyMap<string, BlockInstance | undefined>,
): readonly Layer[] | undefined {
  const { fields, pattern, layerChanges, blockChanges, definedAt } = sources;
  const changesOf = new Map<number, LayerChange[]>();
  for (const change of layerChanges) {
    if (change.end > pattern.length) {
      const index = change.end === change.start + 1 ? change.start : `${change.start}..${change.end}`;
      fields.diagnostics.add(report('HYB2053', change.span, { index, count: pattern.length }));
      continue;
    }
    let fits = 0;
    for (let i = change.start; i < change.end; i++) {
      const name = pattern[i]!;
      const declaration = fields.declaration(name);
      // A block that is itself wrong has been reported.
      if (declaration === undefined) fits++;
      if (declaration === undefined || !applies(declaration, change)) continue;
      fits++;
      if (change.order < (definedAt.get(name) ?? 0)) continue;
      changesOf.set(i, [...(changesOf.get(i) ?? []), change]);
    }
    if (fits === 0) {
      const names = [...new Set(pattern.slice(change.start, change.end))].join(', ');
      fields.diagnostics.add(report('HYB2054', change.span, { layers: names, field: change.field }));
    }
  }
  const variants = new Map<string, BlockInstance | undefined>();
  const firsts = new Map<string, number>();
  const layers: Layer[] = [];
  for (const [index, alias] of pattern.entries()) {
    const own = changesOf.get(index);
    let block = blocks.get(alias);
    if (own !== undefined) {
      const key = `${alias} ${own.map((change) => layerChanges.indexOf(change)).join(' ')}`;
      if (!variants.has(key))
        variants.set(key, makeVariant(alias, [...(blockChanges.get(alias) ?? []), ...own], sources));
      block = variants.get(key);
    }
    if (block === undefined) return undefined;
    const first = firsts.get(alias);
    if (first === undefined) firsts.set(alias, index);
    const shared = first !== undefined && fields.isShared(alias);
    layers.push({ index, alias, block, ...(shared ? { sharedWith: first } : {}) });
  }
  return layers;
}

function makeVariant(alias: string, changes: readonly BlockChange[], sources: LayerSources): BlockInstance | undefined {
  const sorted = [...changes].sort((a, b) => a.order - b.order);
  const overrides = new Map<string, GivenArgument>();
  for (const { change } of sorted) if (change.kind === 'parameter') overrides.set(change.name.text, change.argument);
  const block = sources.fields.variant(alias, overrides);
  return block === undefined ? undefined : withSlots(block, sorted, sources);
}
