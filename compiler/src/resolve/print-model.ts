import type { BlockInstance, Layer, Model, NormInstance } from '../model/model.js';
import { compressPattern } from '../model/pattern.js';
import { printRule } from './precision.js';
import { printArguments, printNumber, printValue } from './value.js';

/**
 * The resolved model as text (`--print model`): every argument with its value, what stands in each slot, and the layers
 * that differ from their block's name.
 */
export function printModel(model: Model): string {
  const { head } = model;
  const lines = [
    `model ${model.name}`,
    `  vocab   ${printNumber(model.vocab)}`,
    `  width   ${printNumber(model.width)}`,
    `  context ${printNumber(model.context)}`,
    `  layers  ${model.layers.length}: ${compressPattern(model.layers.map((layer) => layer.alias))}`,
  ];
  for (const [alias, block] of Object.entries(model.aliases)) {
    const layers = model.layers.filter((layer) => layer.alias === alias);
    const shared = layers.some((layer) => layer.sharedWith !== undefined) ? ', shared' : '';
    lines.push(`  ${alias} × ${layers.length}${shared}`, ...printBlock(block, '    '));
    for (const [block, changed] of variants(layers, model.aliases[alias])) {
      lines.push(
        `  ${alias} in ${changed.length === 1 ? 'layer' : 'layers'} ${changed.join(', ')}`,
        ...printBlock(block, '    '),
      );
    }
  }
  const headFields = [
    ...(head.norm === undefined ? [] : [`norm = ${printValue(head.norm)}`]),
    `tie = ${head.tie}`,
    `bias = ${head.bias}`,
    ...(head.cap === undefined ? [] : [`cap = ${printNumber(head.cap)}`]),
  ];
  lines.push(`  head ${headFields.join(', ')}`);
  lines.push(`  embedding scale = ${printNumber(model.embedding.scale)}`);
  for (const rule of model.precision) lines.push(`  precision ${printRule(rule)}`);
  if (model.weights !== undefined) lines.push(`  weights ${model.weights.declaration.name.text}`);
  return `${lines.join('\n')}\n`;
}

function printBlock(block: BlockInstance, indent: string): string[] {
  const slots = Object.entries(block.slots).map(([slot, norm]) => `${indent}${slot} = ${printNorm(norm)}`);
  return [`${indent}${block.declaration.name.text}(${printArguments(block.arguments)})`, ...slots];
}

function printNorm(norm: NormInstance | null): string {
  return norm === null ? 'none' : printValue(norm);
}

/** Blocks of single layers that are not their name's, with the layers' indices. */
function variants(
  layers: readonly Layer[],
  usual: BlockInstance | undefined,
): ReadonlyMap<BlockInstance, readonly number[]> {
  const result = new Map<BlockInstance, number[]>();
  for (const { block, index } of layers) {
    if (block === usual) continue;
    const indices = result.get(block);
    if (indices === undefined) result.set(block, [index]);
    else indices.push(index);
  }
  return result;
}
