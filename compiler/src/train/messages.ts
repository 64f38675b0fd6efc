import { reporter } from '@hyb/grammar';
import type { DocumentedCatalogue } from '../diagnostics/entry.js';
import { modelWith } from '../resolve/messages/examples.js';

function recipeOf(model: string, ...lines: readonly string[]): string {
  const fields = ['batch = 8', 'steps = 100', 'rate  = 1e-3', ...lines].map((line) => `  ${line}`);
  return [model, '', 'train Run of Small {', ...fields, '}'].join('\n');
}

function recipe(...lines: readonly string[]): string {
  return recipeOf(modelWith(), ...lines);
}

/** A model with a parameter that no gradient reaches. */
const limited = [
  'block Limited(x: [time, width]) -> [time, width] {',
  '  param limit: [width] = 1',
  '  return where(x < limit, x, 0)',
  '}',
  '',
  'model Small {',
  '  vocab   = 256',
  '  width   = 64',
  '  context = 128',
  '  B = Limited()',
  '  layers = [B]',
  '}',
].join('\n');

/** Recipes. */
export const trainMessages = {
  HYB5001: {
    title: 'Unknown field of a recipe',
    message: "There is no '{field}' in {where}.",
    explanation: 'The fields of `train` are fixed, so that a slip cannot pass for a setting..',
    example: recipe('lr = 1e-3'),
    fixed: recipe('seed = 1'),
  },
  HYB5002: {
    title: 'Wrong kind of value in a recipe',
    message: "'{field}' takes {expected}, and this is {found}.",
    explanation:
      'Each field of a recipe takes one kind of value. Quantities have units: `8.3e9 tokens`, `768 sequences`, `6 GB`; a bare number stands for the unit that the field counts in, where there is one.',
    example: recipe('memory = 6'),
    fixed: recipe('memory = 6 GB'),
  },
  HYB5003: {
    title: 'Recipe is incomplete',
    message: "The recipe '{recipe}' does not say its {field}.",
    explanation:
      'A recipe says at least how large a batch is (`batch`), how long it trains (`steps` or `tokens`) and the peak learning rate (`rate`).',
    example: recipe().replace('  rate  = 1e-3\n', ''),
    fixed: recipe(),
  },
  HYB5004: {
    title: 'Value out of range',
    message: "'{field}' must be {range}; this is {found}.",
    explanation:
      'The value has the right kind, but no meaning: a negative learning rate, half a step, a share over one.',
    example: recipe('clip = 0'),
    fixed: recipe('clip = 1'),
  },
  HYB5005: {
    title: 'Unknown choice in a recipe',
    message: "'{name}' is not known for '{field}', which can be {choices}.",
    explanation: 'Optimizers, schedules, losses and the like are chosen by name, with arguments where they have any.',
    example: recipe('optimizer = AdamV(weight_decay = 0.1)'),
    fixed: recipe('optimizer = AdamW(weight_decay = 0.1)'),
  },
  HYB5006: {
    title: 'Two lengths',
    message: "Say either 'steps' or 'tokens', not both.",
    explanation: 'With the batch, one follows from the other.',
    example: recipe('tokens = 1e6'),
    fixed: recipe(),
  },
  HYB5007: {
    title: 'Unknown model of a recipe',
    message: "There is no model '{name}' to train.",
    explanation: 'After `of` stands a model of this file or an imported one.',
    example: recipe().replace('of Small', 'of Smal'),
    fixed: recipe(),
  },
  HYB5008: {
    title: 'Unknown base of a recipe',
    message: "There is no recipe '{name}' to derive from.",
    explanation: 'The base of a derivation is a recipe of this file or an imported one.',
    example: `${recipe()}\n\ntrain Longer = Rum with { steps = 200 }`,
    fixed: `${recipe()}\n\ntrain Longer = Run with { steps = 200 }`,
  },
  HYB5009: {
    title: 'Recipe derived from itself',
    message: 'These recipes are derived from each other in a circle: {chain}.',
    explanation: 'A chain of derivations ends in a recipe with a body of its own.',
    example: 'train A = B with { seed = 1 }\ntrain B = A with { seed = 2 }',
    fixed: `${recipe()}\n\ntrain B = Run with { seed = 2 }`,
  },
  HYB5010: {
    title: 'Sequence over the context',
    message: 'The model has a context of {context} tokens; the sequences have {sequence}.',
    explanation: 'A model is not trained on sequences longer than the context that it declares.',
    example: recipe('sequence = 1024'),
    fixed: recipe('sequence = 128'),
  },
  HYB5011: {
    title: 'Source without data',
    message: "The mixture names '{source}', which 'data' does not have.",
    explanation: 'A mixture gives weights to the named sources of `data`.',
    example: recipe('data = { web = "web" }', 'mix = { web = 1, code = 1 }'),
    fixed: recipe('data = { web = "web", code = "code" }', 'mix = { web = 1, code = 1 }'),
  },
  HYB5012: {
    title: 'Phases out of order',
    message: 'The phases must end one after another, and only the last may leave its end open.',
    explanation:
      'Each phase of a mixture goes on until the share of the run, or the step or token, that its `until` says.',
    example: recipe('mix = phases(({ until = 0.8, of = { a = 1 } }, { until = 0.6, of = { a = 2 } }))'),
    fixed: recipe('mix = phases(({ until = 0.6, of = { a = 1 } }, { of = { a = 2 } }))'),
  },
  HYB5013: {
    title: 'Warm-up longer than the run',
    message: 'The warm-up of {warmup} is not shorter than the run of {length}.',
    explanation: 'The learning rate would never reach its peak.',
    example: recipe('warmup = 100 steps'),
    fixed: recipe('warmup = 10 steps'),
  },
  HYB5014: {
    title: 'Parameter without a gradient',
    message: "'{recipe}' cannot train '{parameter}': '{op}' has no gradient, and nothing else reads it.",
    explanation:
      'Comparisons, `floor`, and what is computed of them alone change in jumps: there is no direction in which such a parameter would make the loss smaller. Let it take part in another way, or give it a rate of zero if it is to stay as it begins: `rates = { B.limit = 0 }`.',
    example: recipeOf(limited),
    fixed: recipeOf(limited, 'rates = { B.limit = 0 }'),
  },
  HYB5015: {
    title: 'More parts than sequences',
    message: 'A batch of {batch} cannot be computed in {accumulation} parts.',
    explanation:
      'A step is computed in parts of whole sequences, so that there are at most as many parts as the batch has sequences. Without `accumulation` there are as many as the memory asks for.',
    example: recipe('accumulation = 16'),
    fixed: recipe('accumulation = 8'),
  },
} as const satisfies DocumentedCatalogue;

export const reportTrain: ReturnType<typeof reporter<typeof trainMessages>> = reporter(trainMessages);
