/** Sources of the examples in the catalogues: the smallest model around one line. */
export function modelWith(...lines: readonly string[]): string {
  return [
    'use std.{MLP}',
    '',
    'model Small {',
    '  vocab   = 256',
    '  width   = 64',
    '  context = 128',
    '  F = MLP(inner = 128)',
    '  layers = [F]',
    ...lines.map((line) => `  ${line}`),
    '}',
  ].join('\n');
}

/** A model with an attention block, and further declarations after it. */
export function attentionModel(lines: readonly string[], after: readonly string[] = []): string {
  return [
    'use std.{Attention, LayerNorm, MLP, RMSNorm}',
    '',
    'model Small {',
    '  vocab   = 256',
    '  width   = 64',
    '  context = 128',
    '  A = Attention(heads = 4)',
    '  F = MLP(inner = 128)',
    '  layers = [(A F)*2]',
    ...lines.map((line) => `  ${line}`),
    '}',
    ...after,
  ].join('\n');
}
