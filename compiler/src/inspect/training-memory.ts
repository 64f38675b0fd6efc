/** Device memory that a recipe's run takes, and what layers compute twice so that it fits. */
import type { MemoryPlan } from '@hyb/runtime';
import { planParts } from '@hyb/runtime/train/memory-plan';
import type { CheckedModel } from '../compile.js';
import { planModel } from '../compile.js';
import { trainedParameters } from '../train/parameters.js';
import type { TrainRecipe } from '../train/resolve-train.js';
import { printTable } from './text-table.js';
import { formatBytes, formatCount } from './units.js';

export interface TrainingMemory {
  readonly recipe: string;
  /** Parts that a step is computed in. */
  readonly parts: number;
  /** Bytes that the recipe allows; absent: it does not say. */
  readonly limit?: number;
  readonly memory: MemoryPlan;
}

/**
 * @param checked the recipe's model, by the recipe's precision
 * @throws Error where an op of the model cannot be trained
 */
export function trainingMemory(
  recipe: TrainRecipe,
  checked: CheckedModel,
  batch: { readonly sequence: number; readonly batch: number },
): TrainingMemory {
  const { program } = planModel(checked, { training: true, probes: recipe.probes !== undefined });
  const limit = recipe.memory?.value;
  const rules = new Map(trainedParameters({ ...recipe, model: checked.model }).map(({ path, rule }) => [path, rule]));
  const { parts, memory } = planParts(
    program,
    { sequences: batch.batch, length: batch.sequence },
    { ruleOf: (path) => rules.get(path)!, limit, parts: recipe.accumulation },
  );
  return { recipe: recipe.name, parts, ...(limit === undefined ? {} : { limit }), memory };
}

/** The layers, then all that they share. */
export function printTrainingMemory({ recipe, parts, limit, memory }: TrainingMemory): string {
  const kept = memory.layers.reduce((n, layer) => n + layer.kept, 0);
  const streams = memory.layers.reduce((n, layer) => n + layer.stream, 0);
  const part = `${formatCount(memory.sequences)} × ${formatCount(memory.tokens / memory.sequences)} tokens`;
  const many = parts === 1 ? `a step is one part of ${part}` : `a step is ${formatCount(parts)} parts of ${part}`;
  const again =
    memory.recomputed === 0
      ? 'nothing is computed twice'
      : `${Math.round(100 * memory.recomputed)} % of the forward pass is computed twice`;
  const fits =
    limit === undefined ? '' : `${memory.fits ? 'within' : 'more than'} the ${formatBytes(limit)} of the recipe`;
  const rows: readonly (readonly [string, number, string])[] = [
    ['weights', memory.weights, 'master copies in f32, and the copies that kernels read'],
    ['gradients', memory.gradients, ''],
    ['optimizer', memory.optimizer, 'moments, and what is computed with them'],
    ['activations', streams + kept, again],
    ['one layer', memory.shared, 'what all layers share while one is computed'],
    ['head', memory.head, 'a chunk of logits and their gradients'],
    ['other', memory.other, 'tables, blocks of norms'],
    ['peak', memory.peak, fits],
  ];
  const layers = printTable(memory.layers, [
    { heading: 'layer', text: (l) => l.label },
    { heading: 'stream', text: (l) => formatBytes(l.stream), align: 'right' },
    { heading: 'kept', text: (l) => (l.whole === 0 ? '–' : formatBytes(l.kept)), align: 'right' },
    { heading: '', text: (l) => (l.kept < l.whole ? `computed again, saves ${formatBytes(l.whole - l.kept)}` : '') },
  ]);
  const sums = printTable(rows, [
    { heading: `training by ${recipe}`, text: (r) => r[0] },
    { heading: '', text: (r) => formatBytes(r[1]), align: 'right' },
    { heading: '', text: (r) => r[2] },
  ]);
  return `${layers}\n\n${sums}\n${many}`;
}
