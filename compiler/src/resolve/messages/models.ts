import type { DocumentedCatalogue } from '../../diagnostics/entry.js';
import { attentionModel, modelWith } from './examples.js';

/** Models, their layers and slots, and derivation. */
export const modelMessages = {
  HYB2001: {
    title: 'Missing field',
    message: "The model '{model}' does not say its {field}.",
    explanation:
      'Every model needs `vocab` (number of tokens in the vocabulary), `width` (of the residual stream), `context` (longest sequence in tokens) and `layers`.',
    example: modelWith().replace('  context = 128\n', ''),
    fixed: modelWith(),
  },
  HYB2002: {
    title: 'Unknown field',
    message: "There is no field '{field}' in {where}.",
    explanation:
      'The fields of a model are `vocab`, `width`, `context`, `norm`, `layers`, `head`, `embedding`, `weights` and `precision`; `head` has `norm`, `tie`, `bias` and `cap`, `embedding` has `scale`. Other names in a model are its blocks and constants.',
    example: modelWith('head = { tied = true }'),
    fixed: modelWith('head = { tie = true }'),
  },
  HYB2003: {
    title: 'Field given twice',
    message: "'{field}' is given twice.",
    explanation:
      'A field has one value. In a derivation, `with { … }` may change what the base says, but each field once.',
    example: modelWith('width = 32'),
    fixed: modelWith(),
  },
  HYB2004: {
    title: 'Wrong kind of value',
    message: "'{field}' takes {expected}, and this is {found}.",
    explanation: 'Each field of a model takes one kind of value; sizes are whole numbers without units.',
    example: modelWith('head = { tie = 1 }'),
    fixed: modelWith('head = { tie = true }'),
  },
  HYB2005: {
    title: 'Size out of range',
    message: "'{field}' must be {range}; this is {found}.",
    explanation: 'Sizes are at least 1, and small enough to be indices on every device.',
    example: modelWith().replace('vocab   = 256', 'vocab   = 0'),
    fixed: modelWith(),
  },
  HYB2006: {
    title: 'Nothing to address',
    message: "There is no '{path}' to set.",
    explanation:
      'What stands before `=` is a field of the model, an argument or slot of a named block (`A.cap`, `A.norm.qk`), an argument of a norm (`norm.pre.eps`), or the same of single layers (`layers[7].cap`).',
    example: attentionModel(['A.norm.qk.eps.x = 1']),
    fixed: attentionModel(['A.norm.qk = LayerNorm']),
  },
  HYB2020: {
    title: 'Unknown slot',
    message: "{owner} has no slot '{slot}'.",
    explanation:
      'Every block has the slots `pre` (before it), `out` (after it, before the residual is added) and `post` (after the residual). A block declares more of them with `slot`: attention has `qk` and `qkv`.',
    example: attentionModel(['A.norm.kq = LayerNorm']),
    fixed: attentionModel(['A.norm.qk = LayerNorm']),
  },
  HYB2021: {
    title: 'Not a norm',
    message: "The slot '{slot}' takes a norm or `none`, and this is {found}.",
    explanation:
      'What stands in a slot is declared with `norm`: it takes one tensor and returns one of the same shape. `none` empties the slot.',
    example: modelWith('norm = { pre = MLP(inner = 64) }'),
    fixed: 'use std.{MLP, RMSNorm}' + modelWith('norm = { pre = RMSNorm }').slice('use std.{MLP}'.length),
  },
  HYB2022: {
    title: 'Not a set of slots',
    message: "'{path}' takes norms by slot in braces, or `none`.",
    explanation:
      'Norms are placed by naming slots: `norm = { pre = RMSNorm }`. To set a single slot write `A.norm.qk = …`.',
    example: attentionModel(['norm = LayerNorm']),
    fixed: attentionModel(['norm = { pre = LayerNorm }']),
  },
  HYB2023: {
    title: 'Empty slot',
    message: "The slot '{slot}' is empty; it has no '{argument}' to set.",
    explanation: 'An argument of a norm can be changed only where a norm stands in the slot. Fill the slot first.',
    example: attentionModel(['A.norm.qk.eps = 1e-6']),
    fixed: attentionModel(['A.norm.qk = LayerNorm(eps = 1e-6)']),
  },
  HYB2030: {
    title: 'Unknown layer',
    message: "The pattern names '{name}', which is no block of this model.",
    explanation:
      'A pattern names the blocks that the model defines (`A = Attention(…)`), one after another; `*n` repeats a name or a group in parentheses.',
    example: modelWith().replace('[F]', '[F G]'),
    fixed: modelWith(),
  },
  HYB2031: {
    title: 'Too many layers',
    message: 'The pattern has {count} layers; at most {limit} are allowed.',
    explanation:
      'The limit guards against slips in repetition counts. The length is computed before anything is expanded.',
    example: modelWith().replace('[F]', '[(F*100_000)*100_000]'),
    fixed: modelWith().replace('[F]', '[(F*10)*10]'),
  },
  HYB2032: {
    title: 'No layers',
    message: 'The pattern has no layers.',
    explanation: 'A model has at least one layer.',
    example: modelWith().replace('[F]', '[]'),
    fixed: modelWith(),
  },
  HYB2033: {
    title: 'Wrong repetition',
    message: 'A repetition count is a whole number from 1 up, not {found}.',
    explanation: 'A group that is repeated zero times would silently leave layers out.',
    example: modelWith().replace('[F]', '[F F*0]'),
    fixed: modelWith(),
  },
  HYB2034: {
    title: 'Letter not in the map',
    message: "The letter '{letter}' of the pattern is not in the map.",
    explanation:
      'In `pattern("M-M*-", { M: M, "*": A, "-": F })` each letter of the string stands for the block that the map gives.',
    example: modelWith().replace('[F]', 'pattern("-M", { "-": F })'),
    fixed: modelWith().replace('[F]', 'pattern("--", { "-": F })'),
  },
  HYB2035: {
    title: 'Key is not one letter',
    message: "The key '{key}' of a pattern's map must be one letter.",
    explanation: 'A string pattern is read letter by letter, so a key of several letters could never be met.',
    example: modelWith().replace('[F]', 'pattern("-", { "-": F, FF: F })'),
    fixed: modelWith().replace('[F]', 'pattern("-", { "-": F })'),
  },
  HYB2036: {
    title: 'Not a pattern',
    message: "'layers' takes a pattern: `[M A F]`, or `pattern` with a string and a map from its letters to blocks.",
    explanation: 'The layers stand in brackets, or as a string of letters with a map from letters to blocks.',
    example: modelWith().replace('[F]', '12'),
    fixed: modelWith().replace('[F]', '[F*12]'),
  },
  HYB2037: {
    title: 'Block without a name in this model',
    message: "'{name}' is {what}; give it a name in the model first.",
    explanation:
      'A pattern names blocks with their arguments: write `F = MLP(inner = 128)` in the model and `F` in the pattern. Norms stand in slots, not in the pattern.',
    example: modelWith().replace('[F]', '[F MLP]'),
    fixed: modelWith().replace('[F]', '[F F]'),
  },
  HYB2038: {
    title: 'Unused block',
    message: "'{name}' occurs in no layer.",
    severity: 'warning',
    explanation: 'A block that the pattern does not name has no effect. Often it is the pattern that lacks it.',
    example: modelWith('G = MLP(inner = 64)'),
    fixed: modelWith(),
  },
  HYB2039: {
    title: 'Unused constant',
    message: "Nothing uses '{name}'.",
    severity: 'warning',
    explanation:
      'A field that is no field of models and holds a number or another constant is a constant of one’s own. Where nothing refers to it, it may be a misspelt field.',
    example: modelWith('embeding = 3'),
    fixed: modelWith('embedding = { scale = 3 }'),
  },
  HYB2040: {
    title: 'Shared by nobody',
    message: '`shared` stands before a block: `A = shared Attention(…)`.',
    explanation: 'All layers of a shared block have the same weights. Only named blocks of a model can be shared.',
    example: modelWith('c = shared silu'),
    fixed: modelWith('G = shared MLP(inner = 64)').replace('[F]', '[F G G]'),
  },
  HYB2041: {
    title: 'Not a weight map',
    message: "'{name}' is no weight map.",
    explanation:
      'The field `weights` names a `weights` declaration: how the tensors of a checkpoint are made of parameters.',
    example: modelWith('weights = F'),
    fixed: modelWith('weights = none'),
  },
  HYB2042: {
    title: 'Shared layers differ',
    message: "The layers {first} and {second} share the weights of '{alias}', but '{parameter}' differs between them.",
    explanation:
      'Layers of a shared block have the same weights. A single one may have other arguments only if they leave the parameters and their shapes as they are, such as `cap`.',
    example: modelWith('G = shared MLP(inner = 64)', 'layers[2].inner = 32').replace('[F]', '[F G G]'),
    fixed: modelWith('G = shared MLP(inner = 64)', 'layers[2].activation = silu').replace('[F]', '[F G G]'),
  },
  HYB2050: {
    title: 'Field does not exist',
    message: "'{base}' has no '{field}' to change.",
    explanation:
      '`with` changes fields that exist in the base: fields of the model, its blocks by name, their arguments and slots. It adds nothing, so that a slip cannot pass for a change.',
    example: attentionModel([], ['', 'model Capped = Small with { B.cap = 50 }']),
    fixed: attentionModel([], ['', 'model Capped = Small with { A.cap = 50 }']),
  },
  HYB2051: {
    title: 'Unknown base',
    message: "There is no model '{name}' to derive from.",
    explanation: 'The base of a derivation is a model of this file or an imported one.',
    example: attentionModel([], ['', 'model Capped = Smal with { A.cap = 50 }']),
    fixed: attentionModel([], ['', 'model Capped = Small with { A.cap = 50 }']),
  },
  HYB2052: {
    title: 'Derived from itself',
    message: 'These models are derived from each other in a circle: {chain}.',
    explanation: 'A chain of derivations ends in a model with a body of its own.',
    example: 'model A = B with { width = 64 }\nmodel B = A with { width = 32 }',
    fixed: attentionModel([], ['', 'model B = Small with { width = 32 }']),
  },
  HYB2053: {
    title: 'Layer out of range',
    message: 'There is no layer {index}: the model has {count} layers, counted from 0.',
    explanation: 'Layers are counted from 0; ranges are half-open, so `layers[2..5]` are the layers 2, 3 and 4.',
    example: attentionModel(['layers[4].cap = 50']),
    fixed: attentionModel(['layers[2].cap = 50']),
  },
  HYB2054: {
    title: 'No layer takes this',
    message: "None of the addressed layers ({layers}) has '{field}'.",
    explanation:
      'A change of a range of layers is made in those that have the field; a change of a single layer must fit that layer.',
    example: attentionModel(['layers[1].cap = 50']),
    fixed: attentionModel(['layers[0].cap = 50']),
  },
  HYB2055: {
    title: 'Not a layer index',
    message: '{what} cannot address layers: write `layers[7]` or `layers[2..5]`.',
    explanation: 'Layers are addressed by a whole number, or by a half-open range of them.',
    example: attentionModel(['layers[1..1].cap = 50']),
    fixed: attentionModel(['layers[0..1].cap = 50']),
  },
  HYB2056: {
    title: 'Chain of derivations too long',
    message: 'There are more than {limit} derivations one upon another.',
    explanation:
      'A derivation is resolved from its first base up. Derive from an earlier model, or write the model out.',
    example: attentionModel(
      [],
      [
        '',
        ...Array.from(
          { length: 64 },
          (_, i) => `model M${i} = ${i === 0 ? 'Small' : `M${i - 1}`} with { A.cap = ${i + 1} }`,
        ),
      ],
    ),
    fixed: attentionModel([], ['', 'model M63 = Small with { A.cap = 64 }']),
  },
  HYB2060: {
    title: 'No such model',
    message: "The file declares no model '{name}'.",
    explanation: 'The model that was asked for is not among those that the file declares.',
    example: '// model: Tiny\n' + modelWith(),
    fixed: '// model: Small\n' + modelWith(),
  },
} as const satisfies DocumentedCatalogue;
