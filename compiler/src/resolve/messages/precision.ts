import type { DocumentedCatalogue } from '../../diagnostics/entry.js';
import { attentionModel } from './examples.js';

function rules(...lines: readonly string[]): string {
  return attentionModel(['precision {', ...lines.map((line) => `  ${line}`), '}']);
}

/** Precision rules. */
export const precisionMessages = {
  HYB4001: {
    title: 'Unknown role',
    message: "There is no role '{role}'.",
    explanation: 'The roles are weights, activations, accumulate, state, gradients and optimizer.',
    example: rules('weight = bf16'),
    fixed: rules('weights = bf16'),
  },
  HYB4002: {
    title: 'Unknown number format',
    message: "There is no number format '{type}'.",
    explanation: 'Values are rounded to f32, f16, bf16, e4m3 or e5m2 (the two fp8 formats).',
    example: rules('weights = float16'),
    fixed: rules('weights = f16'),
  },
  HYB4003: {
    title: 'Unknown selector',
    message: "Nothing in this model is called '{selector}'.",
    explanation:
      'A rule is for everything, or `in` one of: `norms`, `head`, `embedding`, `linears` (`linears[..4]`: matrix products of the layers in order of execution); a block of the model (`M`), a parameter or slot of it (`M.in_z`, `A.norm.qk`), a parameter wherever it occurs (`A_log`); layers (`layers[7]`, `layers[2..5].q`).',
    example: rules('activations in B = f16'),
    fixed: rules('activations in A = f16'),
  },
  HYB4004: {
    title: 'Rule given twice',
    message: "There are two rules for '{rule}'.",
    explanation: 'A precision rule for the same role and the same selector is given once; a derivation may replace it.',
    example: rules('weights = bf16', 'weights = f16'),
    fixed: rules('weights = bf16', 'weights in A = f16'),
  },
  HYB4005: {
    title: 'Rules of equal rank disagree',
    message: "'{first}' and '{second}' are equally specific and say different types for {place}.",
    explanation:
      'Where several rules fit, the most specific one decides: everything, then kinds of things (norms, linears), blocks, parameters by name, parameters of a block, layers, parameters of layers, ranges of linears. Between two ranges the one inside the other is more specific. Rules of equal rank must agree.',
    example: rules('weights in layers[0..2] = bf16', 'weights in layers[1..3] = f16'),
    fixed: rules('weights in layers[0..2] = bf16', 'weights in layers[2..4] = f16'),
  },
  HYB4006: {
    title: 'Format not for this role',
    message: "'{role}' cannot be {type}.",
    explanation:
      'Sums are accumulated in f32. Recurrent state is kept in f32, bf16 or f16, optimizer state in f32 or bf16; fp8 formats are for weights, activations and gradients.',
    example: rules('accumulate = bf16'),
    fixed: rules('accumulate = f32'),
  },
  HYB4007: {
    title: 'Wrong range in a selector',
    message: "'{selector}' addresses nothing: {reason}.",
    explanation:
      'Ranges are half-open and not empty: `layers[2..5]` are the layers 2, 3 and 4. Of `linears`, a negative bound counts from the end: `linears[-4..]` are the last four.',
    example: rules('weights in layers[3..3] = bf16'),
    fixed: rules('weights in layers[3..4] = bf16'),
  },
} as const satisfies DocumentedCatalogue;
