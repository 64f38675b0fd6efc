import { reporter } from '@hyb/grammar';
import type { DocumentedCatalogue } from '../diagnostics/entry.js';

function map(...entries: readonly string[]): string {
  return [
    'use std.{MLP}',
    '',
    'model Small {',
    '  vocab   = 256',
    '  width   = 64',
    '  context = 128',
    '  F = MLP(inner = 128)',
    '  layers  = [F F]',
    '  weights = Checkpoint',
    '}',
    '',
    'weights Checkpoint {',
    '  "embed" = embedding.weight',
    '  "head"  = head.weight',
    ...entries.map((entry) => `  ${entry}`),
    '}',
  ].join('\n');
}

const up = '"{layer}.up" = F.up.weight';
const down = '"{layer}.down" = F.down.weight';

/** Weight maps. */
export const weightMessages = {
  HYB6001: {
    title: 'Unknown placeholder',
    message: "'{placeholder}' is no placeholder; there are {known}.",
    explanation:
      'In the name of a tensor, `{layer}` stands for the index of a layer among all layers, and `{nth}` for its index among the layers of the same block.',
    example: map('"{index}.up" = F.up.weight', down),
    fixed: map(up, down),
  },
  HYB6002: {
    title: 'Not a parameter path',
    message: 'An entry of a weight map is a parameter, as in `M.in_z.weight`, or `concat` of several.',
    explanation:
      'The right side names parameters of the model: `embedding.weight`, `head.weight`, `head.norm.weight`, parameters of a block by its name in the model (`M.A_log`), or of every layer (`layers.pre.weight`). `concat(a, b)` puts them one after another along the first dimension.',
    example: map('"{layer}.up" = 3', down),
    fixed: map(up, down),
  },
  HYB6003: {
    title: 'Tensor given twice',
    message: "The tensor '{tensor}' is given twice.",
    explanation:
      'Each tensor of a checkpoint has one entry. In a derivation, an entry takes the place of the one in the base.',
    example: map(up, '"{layer}.up" = F.down.weight', down),
    fixed: map(up, down),
  },
  HYB6004: {
    title: 'Unknown base of a weight map',
    message: "There is no weight map '{name}' to derive from.",
    explanation: 'The base of a derivation is a weight map of this file or an imported one.',
    example: `${map(up, down)}\n\nweights Other = Chekpoint with { "e" = embedding.weight }`,
    fixed: `${map(up, down)}\n\nweights Other = Checkpoint with { "e" = embedding.weight }`,
  },
  HYB6005: {
    title: 'Weight map derived from itself',
    message: 'These weight maps are derived from each other in a circle: {chain}.',
    explanation: 'A chain of derivations ends in a weight map with a body of its own.',
    example: 'weights A = B with { "a" = embedding.weight }\nweights B = A with { "b" = embedding.weight }',
    fixed: 'weights A { "a" = embedding.weight }\nweights B = A with { "b" = embedding.weight }',
  },
  HYB6010: {
    title: 'Unknown parameter in a weight map',
    message: "'{model}' has no parameter '{parameter}'.",
    explanation:
      'The name before the first dot is a block of the model, `layers`, `embedding` or `head`; what follows is the path of the parameter inside it, such as `q.weight`, `A_log` or `pre.weight`. Entries for a bias or a head that the model leaves out are passed over.',
    example: map('"{layer}.up" = F.upp.weight', down),
    fixed: map(up, down),
  },
  HYB6011: {
    title: 'Parameter without a tensor',
    message: "The weight map '{map}' says nothing of {parameters}.",
    explanation: 'Every parameter of the model comes from exactly one tensor of the checkpoint.',
    example: map(up),
    fixed: map(up, down),
  },
  HYB6012: {
    title: 'Parameter in several tensors',
    message: "'{parameter}' is taken from both '{first}' and '{second}'.",
    explanation: 'Every parameter of the model comes from exactly one tensor of the checkpoint.',
    example: map(up, '"{layer}.gate" = F.up.weight', down),
    fixed: map(up, down),
  },
  HYB6013: {
    title: 'One tensor for several layers',
    message: "'{tensor}' would be the same tensor for {first} and {second}.",
    explanation: 'The name of a tensor of a layer has `{layer}` or `{nth}` in it, so that each layer has its own.',
    example: map('"up" = F.up.weight', down),
    fixed: map(up, down),
  },
  HYB6014: {
    title: 'Shape does not fit',
    message: "The shape of '{tensor}' does not fit: {reason}.",
    explanation:
      'The shape in a weight map is the one in the file; `_` stands for the sizes of the parameter itself, in order. Both have the same number of elements. Parameters that are concatenated agree in all dimensions but the first.',
    example: map('"{layer}.up": [_, 2, _] = F.up.weight', down),
    fixed: map('"{layer}.up": [_, 1, _] = F.up.weight', down),
  },
  HYB6015: {
    title: 'Parts of different blocks',
    message: "The parts of '{tensor}' belong to different blocks: {owners}.",
    explanation: 'A tensor is made of parameters of one layer, of the embedding, or of the head.',
    example: map('"{layer}.up" = concat(F.up.weight, embedding.weight)', down),
    fixed: map(up, down),
  },
} as const satisfies DocumentedCatalogue;

export const reportWeights: ReturnType<typeof reporter<typeof weightMessages>> = reporter(weightMessages);
