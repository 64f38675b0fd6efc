import type { BlockInstance, Constant, Model, NormInstance } from '../model/model.js';
import { slotsOf } from './slots.js';

/** What is wrong with a resolved model, one line each; empty for every model that `resolve` returns. Runs in tests. */
export function verifyModel(model: Model): readonly string[] {
  const problems: string[] = [];
  const check = (condition: boolean, problem: string): void => {
    if (!condition) problems.push(problem);
  };
  for (const field of ['vocab', 'width', 'context'] as const) {
    check(Number.isSafeInteger(model[field]) && model[field] > 0, `${field} is ${model[field]}`);
  }
  check(model.layers.length > 0, 'there are no layers');
  check(Number.isFinite(model.embedding.scale), `the embedding's scale is ${model.embedding.scale}`);
  for (const [alias, block] of Object.entries(model.aliases)) problems.push(...blockProblems(alias, block));
  for (const [index, layer] of model.layers.entries()) {
    const place = `layer ${index}`;
    check(layer.index === index, `${place} says that it is ${layer.index}`);
    const usual = model.aliases[layer.alias];
    check(usual !== undefined, `${place} names '${layer.alias}', which is no block`);
    check(
      usual === undefined || usual.declaration === layer.block.declaration,
      `${place} is not the block that '${layer.alias}' is`,
    );
    if (layer.block !== usual) problems.push(...blockProblems(place, layer.block));
    if (layer.sharedWith === undefined) continue;
    const owner = model.layers[layer.sharedWith];
    check(
      layer.sharedWith < index && owner?.alias === layer.alias,
      `${place} shares weights with layer ${layer.sharedWith}`,
    );
    check(owner?.sharedWith === undefined, `${place} shares weights with a layer that has none of its own`);
  }
  if (model.head.norm !== undefined) problems.push(...normProblems('the head', model.head.norm));
  for (const { selector } of model.precision) {
    if (selector?.kind === 'alias')
      check(Object.hasOwn(model.aliases, selector.alias), `a precision rule is for '${selector.alias}'`);
    if (selector?.kind === 'layer') {
      const { start, end } = selector;
      check(
        start >= 0 && start < end && end <= model.layers.length,
        `a precision rule is for the layers ${start} to ${end}`,
      );
    }
  }
  return problems;
}

function blockProblems(place: string, block: BlockInstance): string[] {
  const slots = slotsOf(block.declaration);
  return [
    ...(block.declaration.form === 'block' ? [] : [`${place} is a norm`]),
    ...argumentProblems(place, block),
    ...Object.entries(block.slots).flatMap(([slot, norm]) => [
      ...(slots.includes(slot) ? [] : [`${place} has no slot '${slot}'`]),
      ...(norm === null ? [] : normProblems(`slot '${slot}' of ${place}`, norm)),
    ]),
  ];
}

function normProblems(place: string, norm: NormInstance): string[] {
  return [...(norm.declaration.form === 'norm' ? [] : [`${place} holds a block`]), ...argumentProblems(place, norm)];
}

/** Arguments are exactly the parameters, in order, each of the declared kind. */
function argumentProblems(place: string, { declaration, arguments: given }: BlockInstance | NormInstance): string[] {
  const expected = declaration.parameters.map((parameter) => parameter.name.text).join(', ');
  const found = Object.keys(given).join(', ');
  if (expected !== found) return [`${place} has the arguments (${found}) instead of (${expected})`];
  return declaration.parameters.flatMap(({ name, type, default: fallback }) => {
    const value = given[name.text]!;
    if (type === undefined || (value.kind === 'none' && fallback !== undefined)) return [];
    return isOfKind(value, type.text) ? [] : [`'${name.text}' of ${place} is no ${type.text}`];
  });
}

function isOfKind(value: Constant, kind: string): boolean {
  switch (kind) {
    case 'int':
      return value.kind === 'number' && Number.isSafeInteger(value.value);
    case 'float':
      return value.kind === 'number';
    case 'bool':
      return value.kind === 'boolean';
    case 'fn':
      return value.kind === 'function';
    default:
      return value.kind === kind;
  }
}
