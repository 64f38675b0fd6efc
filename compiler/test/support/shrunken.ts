/** The published models in small: the same structure and precision, every size cut down to one that no tile divides. */
import { loadProject, memoryHost, resolve } from '@hyb/compiler';
import { trace } from '../../src/trace/trace.js';
import type { ModelGraph } from '../../src/graph/graph.js';
import { contentKey } from '../../src/graph/key.js';
import type { BlockInstance, Constant, Model } from '../../src/model/model.js';
import { modelSources } from './models.js';

/**
 * Two ways to cut a model down so that its kernels keep the statements they have at full size, and no tile divides what is left:
 * heads and groups as published, each of them narrow, or a few heads and groups that are as wide as published.
 */
export type Sizing = 'narrow' | 'few' | 'published';

/** Fours, as all published sizes are; rows of the model's width are longer than half a workgroup. */
const SIZES = { width: 132, vocab: 76, inner: 140 };
const NARROW = { head_dim: 12, mamba_head_dim: 8, state: 32 };

const integer = (value: number): Constant => ({ kind: 'number', value, integer: true });
const numberIn = (block: BlockInstance, name: string): number | undefined => {
  const constant = block.arguments[name];
  return constant?.kind === 'number' ? constant.value : undefined;
};

/** Query heads stay in proportion to those of keys. Two heads of Mamba-2 a group at least tell heads from groups. */
function shrinkBlock(block: BlockInstance, sizing: Exclude<Sizing, 'published'>): BlockInstance {
  const [heads, kvHeads, groups] = ['heads', 'kv_heads', 'groups'].map((name) => numberIn(block, name));
  const set: Record<string, number> = {};
  if (heads !== undefined && kvHeads !== undefined) {
    set['kv_heads'] = sizing === 'narrow' ? kvHeads : Math.min(kvHeads, 2);
    set['heads'] = (set['kv_heads'] * heads) / kvHeads;
    if (sizing === 'narrow') set['head_dim'] = NARROW.head_dim;
  }
  if (heads !== undefined && groups !== undefined) {
    set['groups'] = sizing === 'narrow' ? groups : Math.min(groups, 2);
    set['heads'] = set['groups'] * 3;
    if (sizing === 'narrow') {
      set['head_dim'] = NARROW.mamba_head_dim;
      set['state'] = NARROW.state;
    }
  }
  if (numberIn(block, 'inner') !== undefined) set['inner'] = SIZES.inner;
  return {
    ...block,
    arguments: {
      ...block.arguments,
      ...Object.fromEntries(Object.entries(set).map(([name, value]) => [name, integer(value)])),
    },
  };
}

function shrink(model: Model, sizing: Sizing): Model {
  const blocks = new Map<string, BlockInstance>();
  const layers = model.layers.flatMap(({ alias, block }) => {
    const small = sizing === 'published' ? block : shrinkBlock(block, sizing);
    const key = contentKey([alias, small.declaration.name.text, small.arguments, small.slots]);
    if (blocks.has(key)) return [];
    blocks.set(key, small);
    return [{ alias, block: small }];
  });
  const { weights: _, ...rest } = model;
  return {
    ...rest,
    ...(sizing === 'published' ? {} : { width: SIZES.width, vocab: SIZES.vocab, context: 256 }),
    layers: layers.map((layer, index) => ({ ...layer, index })),
    precision: model.precision.filter(({ selector }) => !selector || !/layer|linear/.test(selector.kind)),
  };
}

/** The models of some files of `models/`; one layer of each kind. */
export function shrunkenModels(
  sizing: Sizing,
  isWanted: (file: string) => boolean,
): readonly { readonly name: string; readonly graph: ModelGraph }[] {
  const project = loadProject(memoryHost(modelSources), Object.keys(modelSources));
  const { models, diagnostics } = resolve(project);
  const errors = diagnostics.filter((d) => d.severity === 'error');
  if (errors.length > 0) throw new Error(errors.map((d) => d.message).join('\n'));
  return models
    .filter(({ span }) => isWanted(span.file))
    .map((model) => {
      const traced = trace(shrink(model, sizing));
      const problems = traced.diagnostics.filter((d) => d.severity === 'error');
      if (problems.length > 0) throw new Error(problems.map((d) => d.message).join('\n'));
      return { name: model.name, graph: traced.graph };
    });
}
