import type { DocumentedCatalogue } from '../../diagnostics/entry.js';
import { attentionModel, modelWith } from './examples.js';

/** Arguments of blocks, norms and functions. */
export const argumentMessages = {
  HYB2010: {
    title: 'Unknown argument',
    message: "{callee} has no parameter '{name}'.",
    explanation:
      'The arguments of a block, norm or function are those in the first parentheses of its declaration. Norm placement is no argument: it is set with `norm = { … }` or `A.norm.qk = …`.',
    example: attentionModel([]).replace('heads = 4', 'heads = 4, kv_head = 2'),
    fixed: attentionModel([]).replace('heads = 4', 'heads = 4, kv_heads = 2'),
  },
  HYB2011: {
    title: 'Missing argument',
    message: "{callee} needs '{name}'.",
    explanation: 'A parameter without a default has to be given.',
    example: modelWith().replace('inner = 128', ''),
    fixed: modelWith(),
  },
  HYB2012: {
    title: 'Argument given twice',
    message: "'{name}' is given twice.",
    explanation:
      'Each parameter takes one value. Arguments without a name fill the parameters in the order of the declaration, so one of them may stand for a parameter that is also given by name.',
    example: modelWith().replace('inner = 128', '128, inner = 128'),
    fixed: modelWith(),
  },
  HYB2013: {
    title: 'Wrong kind of argument',
    message: "'{name}' of {callee} takes {expected}, and this is {found}.",
    explanation:
      'The kind of a parameter is written in its declaration (`int`, `float`, `bool`, `fn`, `norm`, `string`, `tuple`) or follows from its default. A whole number may stand for a `float`, but no fraction for an `int`.',
    example: modelWith().replace('inner = 128', 'inner = 0.5'),
    fixed: modelWith(),
  },
  HYB2014: {
    title: 'Too many arguments',
    message: '{callee} takes {count} arguments.',
    explanation: 'More arguments without a name were given than there are parameters.',
    example: attentionModel(['head = { norm = LayerNorm(1e-5, true, 3) }']),
    fixed: attentionModel(['head = { norm = LayerNorm(1e-5, true) }']),
  },
  HYB2015: {
    title: 'Argument without a name after named ones',
    message: 'Arguments without a name stand before the named ones.',
    explanation: 'After the first named argument the position says nothing any more. Give this argument its name.',
    example: modelWith().replace('inner = 128', 'bias = false, 128'),
    fixed: modelWith().replace('inner = 128', '128, bias = false'),
  },
  HYB2016: {
    title: 'Unknown choice',
    message: "'{name}' of {callee} is one of {choices}.",
    explanation: 'This parameter takes only the values listed.',
    example: attentionModel([]).replace('heads = 4', 'heads = 4, rope = rope(pairing = "halves")'),
    fixed: attentionModel([]).replace('heads = 4', 'heads = 4, rope = rope(pairing = "half")'),
  },
} as const satisfies DocumentedCatalogue;
