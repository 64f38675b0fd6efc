/**
 * Findings about `config.json` files (70xx) and about models on their way there (702x). The examples are texts of a
 * `config.json` where nothing else is said.
 */
import { reporter } from '@hyb/grammar';
import type { CatalogueEntry } from '@hyb/grammar';

interface InteropEntry extends CatalogueEntry {
  readonly explanation: string;
  readonly example: string;
  readonly fixed: string;
}

const fields = {
  model_type: '"llama"',
  vocab_size: '256',
  hidden_size: '96',
  intermediate_size: '160',
  num_hidden_layers: '3',
  num_attention_heads: '6',
  num_key_value_heads: '2',
};

/** A small valid Llama; `undefined` leaves a field out. Values are JSON. */
function llama(changes: Readonly<Record<string, string | undefined>> = {}): string {
  const lines = Object.entries({ ...fields, ...changes }).flatMap(([key, value]) =>
    value === undefined ? [] : [`  "${key}": ${value}`],
  );
  return `{\n${lines.join(',\n')}\n}\n`;
}

export const interopMessages = {
  HYB7001: {
    title: 'Not JSON',
    message: 'This is not JSON: {reason}.',
    explanation:
      'A `config.json` is read as Python reads it: bare `Infinity` and `NaN` and a key given twice are accepted, commas before a closing brace and comments are not.',
    example: llama().replace(/"2"|2\n/, '2,\n'),
    fixed: llama(),
  },
  HYB7002: {
    title: 'Not a config.json',
    message: 'A config.json is an object, and this is {found}.',
    explanation: 'The file holds one object whose fields describe the model: `{ "model_type": "llama", … }`.',
    example: '["llama"]\n',
    fixed: llama(),
  },
  HYB7003: {
    title: 'Missing field',
    message: "The field '{field}' is missing.",
    explanation:
      'Sizes have to be said: transformers would fill in those of some published model, which would hardly be the ones of this checkpoint. Fields that are not sizes have the defaults that they have in transformers.',
    example: llama({ hidden_size: undefined }),
    fixed: llama(),
  },
  HYB7004: {
    title: 'Wrong kind of value',
    message: "'{field}' must be {expected}; this is {found}.",
    explanation: 'Each field holds one kind of value. Numbers in quotes are strings, and 2.0 is not taken for a size.',
    example: llama({ hidden_size: '"96"' }),
    fixed: llama(),
  },
  HYB7005: {
    title: 'Out of range',
    message: "'{field}' must be {range}; this is {found}.",
    explanation:
      'Sizes are at least 1, and no larger than any model has: a slip or a damaged file is found here rather than when memory runs out.',
    example: llama({ num_hidden_layers: '3000000' }),
    fixed: llama(),
  },
  HYB7006: {
    title: 'Fields contradict each other',
    message: '{reason}.',
    explanation:
      'Two fields say different things about one size, or sizes do not fit: the number of layers is not the length of the pattern, or heads cannot share keys and values evenly.',
    example: llama({ num_key_value_heads: '4' }),
    fixed: llama({ num_key_value_heads: '3' }),
  },
  HYB7007: {
    title: 'Unknown architecture',
    message: "There is no import for the architecture '{type}'.",
    explanation:
      'Hyb knows the architectures `nemotron_h`, `llama`, `qwen2` and `mamba2` of transformers. Others can be written as blocks of your own, with a `weights` declaration that says how their tensors are called.',
    example: llama({ model_type: '"lama"' }),
    fixed: llama(),
  },
  HYB7008: {
    title: 'No counterpart in Hyb',
    message: '{feature} has no counterpart here.',
    explanation:
      'The checkpoint needs something that the standard library does not do, such as routed experts or a rotary scaling that depends on the length of the text. Importing it all the same would give a model that computes something else.',
    example: llama({ rope_scaling: '{ "rope_type": "longrope", "factor": 4 }' }),
    fixed: llama({ rope_scaling: '{ "rope_type": "linear", "factor": 4 }' }),
  },
  HYB7009: {
    title: 'Not taken over',
    message: '{feature} is not taken over: {reason}.',
    severity: 'warning',
    explanation:
      'The model is imported without this. It does not change what the model computes, for the reason given.',
    example: llama({ rope_scaling: '{ "rope_type": "dynamic", "factor": 4 }' }),
    fixed: llama(),
  },
  HYB7010: {
    title: 'Unknown name for a value',
    message: "'{field}' is '{found}', which is not known here.",
    explanation:
      'Activations and number formats go by the names that they have in transformers: `silu`, `gelu`, `relu2`, …',
    example: llama({ hidden_act: '"sillu"' }),
    fixed: llama({ hidden_act: '"silu"' }),
  },
  HYB7020: {
    title: 'Cannot be exported',
    message: "{what} cannot be expressed in transformers' {type}.",
    explanation:
      'A `config.json` can only say what the class in transformers knows: one kind of each block for all layers, the norms where that architecture has them, no weights shared between layers.',
    example: 'A model with a cap on its attention logits.',
    fixed: 'The same model without the cap.',
  },
  HYB7021: {
    title: 'No architecture fits',
    message: 'No architecture of transformers that Hyb exports to is like this model: {reason}.',
    explanation:
      'Hyb exports models of Mamba-2, attention without positions and two-layer feed-forward blocks (`nemotron_h`); of attention with rotary positions and gated feed-forward blocks in turn (`llama`, `qwen2`); and of Mamba-2 alone (`mamba2`).',
    example: 'A model with a block of its own.',
    fixed: 'A model of standard blocks only.',
  },
  HYB7022: {
    title: 'Lost in export',
    message: '{what} is not part of a config.json and will be lost.',
    severity: 'warning',
    explanation:
      'transformers keeps one number format for a whole model, and knows nothing of precision rules for parts of it. What the model computes with f32 everywhere stays the same.',
    example: 'A model with `activations in A = f16`.',
    fixed: 'A model whose precision rules are those that `hyb import` writes.',
  },
} as const satisfies Readonly<Record<string, InteropEntry>>;

export const report: ReturnType<typeof reporter<typeof interopMessages>> = reporter(interopMessages);
