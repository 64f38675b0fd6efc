/** The published models in small: the same structure and precision, every size cut down to one that no tile divides. */
import { loadProject, memoryHost, resolve } from '@hyb/compiler';
import { trace } from '../../src/trace/trace.js';
import type { ModelGraph } from '../../src/graph/graph.js';
import { contentKey } from '../../src/graph/key.js';
import type { BlockInstance, Constant, Model } from '../../src/model/model.js';
import { modelSources } from './models.js';

/** Rows in fours, which kernels read as vectors, or of lengths that nothing divides. */
export type Sizing = 'fours' | 'odd';

const SIZES = {
  fours: { width: 68, vocab: 76, inner: 72, head_dim: 12, state: 12, mamba_head_dim: 8 },
  odd: { width: 67, vocab: 77, inner: 71, head_dim: 5, state: 7, mamba_head_dim: 3 },
} as const;

const integer = (value: number): Constant => ({ kind: 'number', value, integer: true });
const numberIn = (block: BlockInstance, name: string): number | undefined => {
  const constant = block.arguments[name];
  return constant?.kind === 'number' ? constant.value : undefined;
};

/** Numbers of heads keep their proportions: queries to keys, heads to groups. Rotary embedding takes an even head. */
function shrinkBlock(block: BlockInstance, sizing: Sizing): BlockInstance {
  const sizes = SIZES[sizing];
  const [heads, kvHeads, groups] = ['heads', 'kv_heads', 'groups'].map((name) => numberIn(block, name));
  const rotates = block.arguments['rope'] !== undefined && block.arguments['rope'].kind !== 'none';
  const set: Record<string, number> = {};
  if (heads !== undefined && kvHeads !== undefined) {
    set['kv_heads'] = Math.min(kvHeads, heads === kvHeads ? 3 : 2);
    set['heads'] = (set['kv_heads'] * heads) / kvHeads;
    set['head_dim'] = rotates && sizing === 'odd' ? 10 : sizes.head_dim;
  }
  if (heads !== undefined && groups !== undefined) {
    set['groups'] = Math.min(groups, 2);
    set['heads'] = set['groups'] * 3;
    set['head_dim'] = sizes.mamba_head_dim;
    set['state'] = sizes.state;
  }
  if (numberIn(block, 'inner') !== undefined) set['inner'] = sizes.inner;
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
    const small = shrinkBlock(block, sizing);
    const key = contentKey([alias, small.declaration.name.text, small.arguments, small.slots]);
    if (blocks.has(key)) return [];
    blocks.set(key, small);
    return [{ alias, block: small }];
  });
  const { weights: _, ...rest } = model;
  return {
    ...rest,
    width: SIZES[sizing].width,
    vocab: SIZES[sizing].vocab,
    context: 256,
    layers: layers.map((layer, index) => ({ ...layer, index })),
    precision: model.precision.filter(({ selector }) => !selector || !/layer|linear/.test(selector.kind)),
  };
}

/** Every model of `models/`; one layer of each kind. */
export function shrunkenModels(
  sizing: Sizing,
  isWanted: (model: string) => boolean = () => true,
): readonly { readonly name: string; readonly graph: ModelGraph }[] {
  const project = loadProject(memoryHost(modelSources), Object.keys(modelSources));
  const { models, diagnostics } = resolve(project);
  const errors = diagnostics.filter((d) => d.severity === 'error');
  if (errors.length > 0) throw new Error(errors.map((d) => d.message).join('\n'));
  return models
    .filter(({ name }) => isWanted(name))
    .map((model) => {
      const traced = trace(shrink(model, sizing));
      const problems = traced.diagnostics.filter((d) => d.severity === 'error');
      if (problems.length > 0) throw new Error(problems.map((d) => d.message).join('\n'));
      return { name: model.name, graph: traced.graph };
    });
}
